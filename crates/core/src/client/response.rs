//! Decodes successful responses.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    error::{Error, ErrorKind, ErrorResponse, Result, request_id},
    http::{excerpt::excerpt, rate_limit::Reported},
    platform::{MaybeSend, MaybeSync},
    value::{Value, check_json, parse_float},
};

/// Bytes of the body that an error keeps.
pub(super) const MAX_ERROR_BODY: usize = 64 * 1024;

/// A response of the API: the decoded body, status and headers.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let reply = client.predictions().get("4b2q8m").with_response().await?;
/// println!("{} {}", reply.status, reply.value.id);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply<T = Value> {
    /// Decoded body.
    pub value: T,
    /// HTTP status.
    pub status: u16,
    /// Headers, with lower-case names.
    pub headers: Vec<(String, String)>,
}

impl<T> Reply<T> {
    /// Returns the id that the API assigned to the request, for support inquiries. `None` if the call sent more than
    /// one request, like `run`.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers)
    }

    /// Returns the rate limit that the response reports.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::of(&self.headers)
    }

    /// Builds the reply of a call that is not a single request.
    pub(crate) fn of(value: T) -> Self {
        Self { value, status: 200, headers: Vec::new() }
    }

    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> Result<U>) -> Result<Reply<U>> {
        Ok(Reply { value: map(self.value)?, status: self.status, headers: self.headers })
    }
}

/// The rate limit that a response reports in its `ratelimit-*` headers.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let reply = client.predictions().get("4b2q8m").with_response().await?;
/// if let Some(limit) = reply.rate_limit() {
///     println!("{:?} requests remain for {:?} s", limit.remaining, limit.reset);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Number of requests allowed in the current window.
    pub limit: Option<u64>,
    /// Number of requests that remain in the current window.
    pub remaining: Option<u64>,
    /// Seconds until the window ends.
    pub reset: Option<f64>,
}

impl RateLimit {
    pub(crate) fn of(headers: &[(String, String)]) -> Option<Self> {
        let text = |names: [&str; 2]| names.iter().find_map(|name| crate::error::header(headers, name));
        let count = |names| text(names)?.trim().parse().ok();
        let limit = count(["ratelimit-limit", "x-ratelimit-limit"]);
        let remaining = count(["ratelimit-remaining", "x-ratelimit-remaining"]);
        let reset = text(["ratelimit-reset", "x-ratelimit-reset"]).and_then(|text| parse_float(text.trim()));
        (limit.is_some() || remaining.is_some() || reset.is_some()).then_some(Self {
            limit,
            remaining,
            reset,
        })
    }

    /// Returns what the headers of a response report about a limit.
    pub(super) fn reported(headers: &[(String, String)]) -> Option<Reported> {
        let limit = Self::of(headers)?;
        Some(Reported { remaining: limit.remaining?, reset: limit.reset })
    }

    /// Returns the members as an object, for the bindings.
    #[doc(hidden)]
    pub fn to_value(self) -> Value {
        Value::from_members([
            ("limit", self.limit.into()),
            ("remaining", self.remaining.into()),
            ("reset", self.reset.into()),
        ])
    }
}

/// The result of an operation: a value, or JSON text that was not parsed.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::{json, operation};
///
/// let reply = operation::call_as_text(&client, "predictions.get", json!({"id": "4b2q8m"}).into(), None).await?;
/// println!("{}", reply.value.into_value()?["status"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Payload {
    /// A value that the core parsed or built.
    Value(Value),
    /// Valid JSON as the API sent it.
    Json(String),
    /// What a reader of the output of a running prediction needs, and what cancels the prediction if there is none.
    Live(Value, Arc<dyn PredictionGuard>),
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// Cancels a prediction on drop.
pub trait PredictionGuard: fmt::Debug + MaybeSend + MaybeSync {
    /// Leaves the prediction to what reads its output: dropping the guard cancels nothing.
    fn disarm(&self);
}

impl Payload {
    /// Returns the value, parsing the JSON if necessary.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidResponse`](crate::ErrorKind::InvalidResponse) if the text is not valid JSON. The
    /// results of operations always are.
    pub fn into_value(self) -> Result<Value> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Live(value, guard) => {
                guard.disarm();
                Ok(value)
            }
            Self::Json(text) => Value::from_json(text.as_bytes())
                .map_err(|error| Error::from(error).with_kind(ErrorKind::InvalidResponse)),
        }
    }

    /// Checks JSON and keeps it as text. The error includes the body.
    pub(crate) fn keep(json: Vec<u8>) -> std::result::Result<Self, (Error, Vec<u8>)> {
        match String::from_utf8(json) {
            Ok(text) => match check_json(&text) {
                Ok(()) => Ok(Self::Json(text)),
                Err(error) => Err((error.into(), text.into_bytes())),
            },
            Err(error) => {
                let json = error.into_bytes();
                // Fails with the position of the invalid byte.
                Value::from_json(&json).map(Self::Value).map_err(|error| (error.into(), json))
            }
        }
    }
}

/// How to decode the body of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A JSON object.
    Object,
    /// A JSON array of objects.
    List,
    /// A JSON object whose `results` are objects and whose `next` is a string.
    Page,
    Text,
    Bytes,
    /// The content of a file: of any size, so it is limited in neither size nor time while it arrives.
    File,
    /// The body is ignored.
    Nothing,
}

impl Expect {
    /// Checks the form of a decoded response. Members that are missing or `null` have defaults, but a value of another
    /// type would become an object without members.
    fn check(self, value: &Value) -> Result<()> {
        let unexpected = |place: &str, expected: &str, given: &Value| {
            let why = format!("unexpected response: {place} must be {expected}, not {}", given.kind());
            Err(Error::new(ErrorKind::InvalidResponse, why))
        };
        let objects = |place: &str, list: &Value| match list.as_array() {
            None => unexpected(place, "an array", list),
            Some(items) => match items.iter().find(|item| item.as_object().is_none()) {
                Some(other) => unexpected(&format!("each item of {place}"), "an object", other),
                None => Ok(()),
            },
        };
        match (self, value) {
            (Self::Object, Value::Object(_)) => Ok(()),
            (Self::Page, Value::Object(members)) => match (members.get("next"), members.get("results")) {
                (Some(next), _) if !matches!(next.kind(), "null" | "a string") => {
                    unexpected("`next`", "a string", next)
                }
                (_, None | Some(Value::Null)) => Ok(()),
                (_, Some(results)) => objects("`results`", results),
            },
            (Self::List, list) => objects("the body", list),
            (Self::Object | Self::Page, other) => unexpected("the body", "an object", other),
            _ => Ok(()),
        }
    }
}

pub(super) fn decode_body(
    expect: Expect,
    status: u16,
    headers: &[(String, String)],
    body: Bytes,
) -> Result<Value> {
    match expect {
        Expect::Nothing => Ok(Value::Bool(true)),
        Expect::Bytes | Expect::File => Ok(Value::Bytes(body)),
        Expect::Text => Ok(Value::String(String::from_utf8_lossy(&body).into_owned())),
        Expect::Object | Expect::List | Expect::Page => {
            let value = Value::from_json(without_mark(&body))
                .map_err(|error| not_json(error.into(), status, headers, &body))?;
            expect.check(&value).map_err(|error| error.with_response(response(status, headers, &body)))?;
            Ok(value)
        }
    }
}

/// Like [`decode_body`], but only checks JSON: bindings build objects of their language from the text.
pub(super) fn keep_body(
    expect: Expect,
    status: u16,
    headers: &[(String, String)],
    body: Bytes,
) -> Result<Payload> {
    let is_object = without_mark(&body).trim_ascii_start().starts_with(b"{");
    if expect != Expect::Object || !is_object {
        return decode_body(expect, status, headers, body).map(Payload::Value);
    }
    let body = match body.strip_prefix(MARK) {
        Some(json) => json.to_vec(),
        None => body.into(),
    };
    Payload::keep(body).map_err(|(error, body)| not_json(error, status, headers, &body))
}

/// The byte order mark, with which some servers begin JSON.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(MARK).unwrap_or(body)
}

fn response(status: u16, headers: &[(String, String)], body: &[u8]) -> ErrorResponse {
    let body = excerpt(&String::from_utf8_lossy(body), MAX_ERROR_BODY);
    ErrorResponse { status, headers: headers.to_vec(), body, ..ErrorResponse::default() }
}

fn not_json(error: Error, status: u16, headers: &[(String, String)], body: &[u8]) -> Error {
    let content_type = crate::error::header(headers, "content-type").unwrap_or("no content type");
    let explained = error.map_message(|why| {
        format!(
            "the response is {why} ({content_type}): {:?}. Check that `base_url` is the API and that no proxy replaces responses.",
            excerpt(&String::from_utf8_lossy(body), 200)
        )
    });
    explained.with_kind(ErrorKind::InvalidResponse).with_response(response(status, headers, body))
}
