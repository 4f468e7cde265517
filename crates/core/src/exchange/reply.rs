//! What an answer is read as.

use bytes::Bytes;

use super::{ERROR_BODY, shown::excerpt};
use crate::{
    error::{ErrorResponse, Result},
    value::Value,
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

/// How the body of an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Json,
    Text,
    Bytes,
    /// Nothing but success.
    Nothing,
}

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
        Expect::Json => Value::from_json(&body).map_err(|error| {
            let content_type = crate::error::header(headers, "content-type").unwrap_or("no content type");
            let text = String::from_utf8_lossy(&body);
            let answer = ErrorResponse { status, headers: headers.to_vec(), body: excerpt(&text, ERROR_BODY), ..ErrorResponse::default() };
            error
                .map_message(|why| {
                    format!(
                        "The answer is {why} ({content_type}): {:?}. Is `base_url` the API, and is there a proxy in between?",
                        excerpt(&text, 200)
                    )
                })
                .with_response(answer)
        }),
    }
}
