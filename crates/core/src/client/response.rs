//! What an answer is read as.

use bytes::Bytes;

use super::send::ERROR_BODY;
use crate::{
    error::{Error, ErrorResponse, Result},
    http::excerpt::excerpt,
    value::{Value, check_json},
};

/// An answer of the API: its value, and what came with it.
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
    /// The body, decoded.
    pub value: T,
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl<T> Reply<T> {
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> Result<U>) -> Result<Reply<U>> {
        Ok(Reply { value: map(self.value)?, status: self.status, headers: self.headers })
    }
}

impl Reply {
    /// The answer of work that was no single request.
    pub(crate) fn of(value: Value) -> Self {
        Self { value, status: 200, headers: Vec::new() }
    }
}

/// The answer of an operation.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::{json, operation};
///
/// let reply = operation::answer(&client, "predictions.get", json!({"id": "4b2q8m"}).into(), None).await?;
/// println!("{}", reply.value.into_value()?["status"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// A value that had to be looked into, or was made here.
    Value(Value),
    /// JSON as the API sent it, found to be valid.
    Json(String),
}

impl Answer {
    /// The answer as a value, whichever it is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidResponse`](crate::ErrorKind::InvalidResponse) if it is not JSON, which the answer
    /// of an operation always is.
    ///
    /// ```
    /// use replicant::operation::Answer;
    ///
    /// assert_eq!(Answer::Json("[1, 2]".into()).into_value()?[1], replicant::Value::from(2u32));
    /// # Ok::<(), replicant::Error>(())
    /// ```
    pub fn into_value(self) -> Result<Value> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Json(text) => Ok(Value::from_json(text.as_bytes())?),
        }
    }

    /// JSON kept as it came, found to be valid; or what is wrong with it, and the JSON.
    pub(crate) fn keep(json: Vec<u8>) -> std::result::Result<Self, (Error, Vec<u8>)> {
        match String::from_utf8(json) {
            Ok(text) => match check_json(&text) {
                Ok(()) => Ok(Self::Json(text)),
                Err(error) => Err((error.into(), text.into_bytes())),
            },
            Err(error) => {
                let json = error.into_bytes();
                // Which fails as well, and says why.
                Value::from_json(&json).map(Self::Value).map_err(|error| (error.into(), json))
            }
        }
    }
}

/// How the body of an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Json,
    Text,
    Bytes,
    /// Nothing but success.
    Nothing,
}

/// Makes an answer of a body, its status and its headers.
pub(super) type ReadBody<T> = fn(Expect, u16, &[(String, String)], Bytes) -> Result<T>;

pub(super) fn decode_body(
    expect: Expect,
    status: u16,
    headers: &[(String, String)],
    body: Bytes,
) -> Result<Value> {
    match expect {
        Expect::Nothing => Ok(Value::Bool(true)),
        Expect::Bytes => Ok(Value::Bytes(body)),
        Expect::Text => Ok(Value::String(String::from_utf8_lossy(&body).into_owned())),
        Expect::Json if body.is_empty() && matches!(status, 202 | 204) => Ok(Value::Null),
        Expect::Json => {
            Value::from_json(&body).map_err(|error| not_json(error.into(), status, headers, &body))
        }
    }
}

/// As [`decode_body`], but JSON is only checked: a binding makes its own objects of the text.
pub(super) fn keep_body(
    expect: Expect,
    status: u16,
    headers: &[(String, String)],
    body: Bytes,
) -> Result<Answer> {
    if expect != Expect::Json || body.is_empty() {
        return decode_body(expect, status, headers, body).map(Answer::Value);
    }
    Answer::keep(body.into()).map_err(|(error, body)| not_json(error, status, headers, &body))
}

fn not_json(error: Error, status: u16, headers: &[(String, String)], body: &[u8]) -> Error {
    let content_type = crate::error::header(headers, "content-type").unwrap_or("no content type");
    let text = String::from_utf8_lossy(body);
    let answer = ErrorResponse {
        status,
        headers: headers.to_vec(),
        body: excerpt(&text, ERROR_BODY),
        ..ErrorResponse::default()
    };
    let explained = error.map_message(|why| {
        format!(
            "The response is {why} ({content_type}): {:?}. Check that `base_url` is the API and that no proxy replaces responses.",
            excerpt(&text, 200)
        )
    });
    explained.with_response(answer)
}
