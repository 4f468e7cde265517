//! The parameters of the operations that verify webhooks.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::{
    client::{Client, response::Payload},
    error::{Error, ErrorKind, Result},
    platform::wall_clock,
    resources::webhooks::Unwrap,
    value::Value,
    webhook::{TOLERANCE, Webhook, body_error},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verify {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    timestamp: Option<Value>,
    #[serde(default)]
    signature: Option<String>,
    /// An object, or a list of pairs; see [`header_pairs`].
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    body: Value,
    /// Whether the body of the request was already read.
    #[serde(default)]
    consumed: bool,
    /// The secret, or an object with the secret as `key`.
    #[serde(default)]
    secret: Value,
    /// Maximum age in seconds. Defaults to five minutes; `null` accepts any age.
    #[serde(default = "default_tolerance")]
    tolerance: Option<f64>,
    /// Whether to return the parsed event. Parsing a large event takes much longer than verifying it.
    #[serde(default = "yes")]
    parse: bool,
    /// The current time in seconds since the Unix epoch. Defaults to the clock.
    #[serde(default)]
    now: Option<f64>,
}

/// The parameters of `webhooks.unwrap`: those of [`Verify`] that it needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Received {
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    consumed: bool,
    /// Defaults to the secret of the account.
    #[serde(default)]
    secret: Value,
    #[serde(default = "default_tolerance")]
    tolerance: Option<f64>,
}

impl Received {
    pub fn unwrap(self, client: &Client) -> Result<Unwrap> {
        let body = raw(self.body, self.consumed)?;
        let mut unwrap = client.webhooks().unwrap(header_pairs(self.headers)?, body);
        unwrap.secret = secret_text(&self.secret)?.map(Into::into);
        unwrap.tolerance = age(self.tolerance)?;
        Ok(unwrap)
    }
}

fn yes() -> bool {
    true
}

fn default_tolerance() -> Option<f64> {
    Some(TOLERANCE.as_secs_f64())
}

pub(super) fn verify(params: Verify) -> Result<Payload> {
    let Verify { id, timestamp, signature, headers, body, consumed, secret, tolerance, parse, now } = params;
    let body = raw(body, consumed)?;
    let mut given = header_pairs(headers)?;
    let timestamp = timestamp.filter(|value| !value.is_null()).map(|value| value.to_string());
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
    {
        given.extend(value.map(|value| (name.to_owned(), value)));
    }
    let webhook =
        Webhook::from_headers(given.iter().map(|(name, value)| (name.as_str(), value.as_str())), &body)?;
    let now = match now {
        Some(now) => duration("now", now)?,
        None => wall_clock(),
    };
    webhook.check(secret_text(&secret)?.unwrap_or_default(), now, age(tolerance)?)?;
    if !parse {
        return Ok(Payload::Value(Value::Null));
    }
    Payload::keep(body.into()).map_err(|(error, _)| error.with_kind(ErrorKind::WebhookBody))
}

/// Returns the bytes of a body that is not parsed. A missing body is empty.
fn raw(body: Value, consumed: bool) -> Result<Bytes> {
    let content = match body {
        Value::Bytes(bytes) => bytes,
        Value::String(text) => text.into(),
        Value::Null => Bytes::new(),
        other => {
            return Err(body_error(&format!(
                "Invalid body type: the body must be the raw text or bytes, not {}, since a parsed body cannot be verified",
                other.kind()
            )));
        }
    };
    if consumed {
        return Err(body_error("Error reading body: the body of the request was already read"));
    }
    Ok(content)
}

/// Returns the names and values of headers.
///
/// Accepts an object whose members may be lists (Node), a list of pairs (ASGI, `fetch`), and a list with names and
/// values in turn (`rawHeaders` of Node). Names and values are text or bytes; other values are ignored.
fn header_pairs(headers: Value) -> Result<Vec<(String, String)>> {
    let pairs: Vec<(Value, Value)> = match headers {
        Value::Null => Vec::new(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        Value::Array(items) if items.iter().all(|item| !matches!(item, Value::Array(_))) => {
            items.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
        }
        Value::Array(items) => items.iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect(),
        other => {
            let why = format!("must be an object or a list of pairs, not {}", other.kind());
            return Err(Error::invalid_argument("headers", why));
        }
    };
    let mut given = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let Some(name) = header_text(&name) else { continue };
        let values = if let Value::Array(values) = &value { values } else { std::slice::from_ref(&value) };
        given.extend(values.iter().filter_map(|value| Some((name.clone(), header_text(value)?))));
    }
    Ok(given)
}

fn header_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Returns the secret in a parameter: text, or an object with the secret as `key`.
fn secret_text(given: &Value) -> Result<Option<&str>> {
    if given.is_null() {
        return Ok(None);
    }
    given.as_str().or_else(|| given["key"].as_str()).map(Some).ok_or_else(|| {
        let why = format!(
            "Unexpected value for secret passed to validateWebhook, expected a string, not {}",
            given.kind()
        );
        Error::new(ErrorKind::WebhookSecret, why)
    })
}

fn age(seconds: Option<f64>) -> Result<Option<Duration>> {
    seconds.map(|seconds| duration("tolerance", seconds)).transpose()
}

fn duration(name: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::invalid_argument(name, "must be a non-negative, finite number of seconds"))
}
