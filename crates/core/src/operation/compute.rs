//! Operations that need no network.

use std::time::Duration;

use serde::Deserialize;

use super::params::Nothing;
use crate::{
    client::{
        options::Options,
        response::{Payload, RateLimit},
    },
    error::{Error, ErrorKind, Result, decode_params, request_id},
    http::request::RequestOptions,
    identifier::Reference,
    platform::wall_clock,
    predictions::{
        options::PredictionOptions, progress::Progress, run_params::RunOptions, wait::WaitOptions,
    },
    resources::trainings::TrainingOptions,
    value::{
        Object, Value,
        decode_error::INTERNAL,
        nearest::{nearest, option_advice as option_advice_for},
        options::{OptionSpec, OptionTable},
    },
    webhook::{TOLERANCE, Webhook, body_error},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
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

fn yes() -> bool {
    true
}

fn default_tolerance() -> Option<f64> {
    Some(TOLERANCE.as_secs_f64())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Logs {
    #[serde(default)]
    logs: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceText {
    #[serde(rename = "ref")]
    reference: String,
}

fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Payload {
    Payload::Value(Value::from_members(members))
}

fn verify(params: Verify) -> Result<Payload> {
    let Verify { id, timestamp, signature, headers, body, consumed, secret, tolerance, parse, now } = params;
    let content = match &body {
        Value::Bytes(bytes) => &bytes[..],
        Value::String(text) => text.as_bytes(),
        Value::Null => &[],
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
    let mut given = header_pairs(headers)?;
    let timestamp = timestamp.filter(|value| !value.is_null()).map(|value| value.to_string());
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
    {
        given.extend(value.map(|value| (name.to_owned(), value)));
    }
    let webhook =
        Webhook::from_headers(given.iter().map(|(name, value)| (name.as_str(), value.as_str())), content)?;
    let now = match now {
        Some(now) => duration("now", now)?,
        None => wall_clock(),
    };
    let tolerance = tolerance.map(|tolerance| duration("tolerance", tolerance)).transpose()?;
    let secret = match &secret {
        Value::Null => "",
        secret => secret.as_str().or_else(|| secret["key"].as_str()).ok_or_else(|| not_a_secret(secret))?,
    };
    webhook.check(secret, now, tolerance)?;
    if parse { event(body) } else { Ok(Payload::Value(Value::Null)) }
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
        _ => None,
    }
}

fn not_a_secret(given: &Value) -> Error {
    let why = format!(
        "Unexpected value for secret passed to validateWebhook, expected a string, not {}",
        given.kind()
    );
    Error::new(ErrorKind::WebhookSecret, why)
}

fn event(body: Value) -> Result<Payload> {
    let json = match body {
        Value::String(text) => text.into_bytes(),
        Value::Bytes(bytes) => bytes.into(),
        _ => Vec::new(),
    };
    Payload::keep(json).map_err(|(error, _)| error.with_kind(ErrorKind::WebhookBody))
}

fn duration(name: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::invalid_argument(name, "must be a non-negative, finite number of seconds"))
}

fn progress(params: Logs) -> Result<Payload> {
    let logs = match &params.logs {
        Value::Object(prediction) => prediction.get("logs").unwrap_or(&Value::Null),
        logs => logs,
    };
    let progress = logs.as_str().and_then(Progress::parse);
    Ok(progress.map_or(Payload::Value(Value::Null), |Progress { percentage, current, total }| {
        object([("percentage", percentage.into()), ("current", current.into()), ("total", total.into())])
    }))
}

/// An unknown name, and the known ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnknownName {
    given: String,
    known: Vec<String>,
}

fn option_advice(params: UnknownName) -> Result<Payload> {
    let known: Vec<&str> = params.known.iter().map(String::as_str).collect();
    let nearest = nearest(&params.given, &known);
    Ok(object([("nearest", nearest.into()), ("advice", option_advice_for(&params.given, &known).into())]))
}

fn identifier(params: ReferenceText) -> Result<Payload> {
    let (owner, name, version) = match params.reference.parse()? {
        Reference::Model { owner, name } | Reference::Deployment { owner, name } => {
            (Some(owner), Some(name), None)
        }
        Reference::Version { model: Some((owner, name)), id } => (Some(owner), Some(name), Some(id)),
        Reference::Version { model: None, id } => (None, None, Some(id)),
    };
    Ok(object([("owner", owner.into()), ("name", name.into()), ("version", version.into())]))
}

/// The headers of a response, with lower-case names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseHeaders {
    headers: Object,
}

fn describe_response(params: ResponseHeaders) -> Result<Payload> {
    let headers = params.headers.into_iter();
    let headers: Vec<(String, String)> =
        headers.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    Ok(object([
        ("request_id", request_id(&headers).into()),
        ("rate_limit", RateLimit::of(&headers).map(RateLimit::to_value).into()),
    ]))
}

/// Returns the names, types and units of all options, by the kind of call.
fn option_table(_: Nothing) -> Result<Payload> {
    let shared = [RunOptions::TABLE, PredictionOptions::TABLE].concat();
    // Streams do not poll.
    let streamed: Vec<_> = shared.iter().copied().filter(|option| option.name != "interval").collect();
    let tables: [(&str, &[OptionSpec]); 7] = [
        ("client", Options::TABLE),
        ("request", RequestOptions::TABLE),
        ("run", &shared),
        ("stream", &streamed),
        ("wait", WaitOptions::TABLE),
        ("create", PredictionOptions::TABLE),
        ("train", TrainingOptions::TABLE),
    ];
    Ok(object(tables.map(|(name, table)| {
        let offered = table.iter().filter(|option| !INTERNAL.contains(&option.name));
        (name, Value::Array(offered.map(|option| option.to_value()).collect()))
    })))
}

macro_rules! computations {
    ($($name:literal => $function:expr,)*) => {
        /// The names of all operations that [`compute`] runs.
        ///
        /// ```
        /// assert!(replicant::operation::COMPUTATIONS.contains(&"webhooks.verify"));
        /// ```
        pub const COMPUTATIONS: &[&str] = &[$($name,)*];

        /// Runs an operation that needs no network: verifies a webhook, parses progress or a reference, or lists
        /// options.
        ///
        /// # Errors
        /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an unknown operation or parameter,
        /// and the errors of the operation.
        ///
        /// ```
        /// use replicant::{json, operation};
        ///
        /// let parts = operation::compute("identifier.parse", json!({"ref": "acme/text:5c7d"}).into())?.into_value()?;
        /// assert_eq!(parts["version"], "5c7d");
        /// # Ok::<(), replicant::Error>(())
        /// ```
        pub fn compute(name: &str, params: Value) -> Result<Payload> {
            match name {
                $($name => $function(decode_params(name, params)?),)*
                _ => Err(Error::invalid(format!("unknown operation {name:?}"))),
            }
        }
    };
}

computations! {
    "identifier.parse" => identifier,
    "options.advice" => option_advice,
    "options.table" => option_table,
    "progress.parse" => progress,
    "response.describe" => describe_response,
    "webhooks.verify" => verify,
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::compute;
    use crate::value::Value;

    #[test]
    fn a_webhook_is_parsed_only_on_request() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").expect("any length");
        mac.update(b"m.1.no JSON");
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let mut params: Value = serde_json::json!({
            "id": "m", "timestamp": "1", "signature": signature, "body": "no JSON", "secret": "whsec_c2VjcmV0",
            "tolerance": null, "parse": false
        })
        .into();
        let verified = compute("webhooks.verify", params.clone()).unwrap();
        assert!(verified.into_value().unwrap().is_null());
        params["parse"] = true.into();
        assert!(compute("webhooks.verify", params).is_err());
    }
}
