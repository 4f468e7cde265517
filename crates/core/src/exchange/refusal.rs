//! What is said of an answer that is no success, and of none at all.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use url::Url;

use super::{
    ERROR_BODY,
    limits::within,
    shown::{excerpt, shown},
};
use crate::{
    client::Client,
    error::{Error, ErrorKind, ErrorResponse, Result},
    request::Request,
    retry::{Failure, Repeat, parse_retry_after},
    transport::HttpResponse,
    value::Value,
};

impl Client {
    /// The error for an answer that is no success.
    pub(super) async fn refused(&self, request: &Request, url: &Url, response: HttpResponse) -> Error {
        let HttpResponse { status, headers, body } = response;
        let body = within(self.runtime(), self.config().timeout, read_prefix(body.stream())).await;
        let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        let problem = Value::from_json(body.as_bytes()).unwrap_or_default();
        let text = |name: &str| problem[name].as_str().map(str::to_owned);
        let answer = ErrorResponse {
            status,
            problem_type: text("type"),
            title: text("title"),
            detail: text("detail"),
            instance: text("instance"),
            invalid_fields: problem.get("invalid_fields").cloned(),
            headers,
            body,
        };
        let asked = crate::error::header(&answer.headers, "retry-after")
            .and_then(|header| parse_retry_after(header, self.runtime().now()))
            .or_else(|| Duration::try_from_secs_f64(problem["retry_after"].as_f64()?).ok());
        let message = self.refusal_message(request, url, &answer, asked);
        Error::new(ErrorKind::from_status(status), message).with_response(answer).with_retry_after(asked)
    }

    fn refusal_message(
        &self,
        request: &Request,
        url: &Url,
        answer: &ErrorResponse,
        asked: Option<Duration>,
    ) -> String {
        let mut message = format!("Request to {} failed with status {}", shown(url), answer.status);
        let reason = reason_phrase(answer.status);
        if !reason.is_empty() {
            message.push_str(&format!(" {reason}"));
        }
        let said: Vec<&str> = [&answer.title, &answer.detail]
            .into_iter()
            .flatten()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        if said.is_empty() {
            let body = answer.body.trim();
            if !body.is_empty() {
                message.push_str(&format!(": {}", excerpt(body, 500)));
            }
        } else {
            message.push_str(&format!(": {}", said.join(": ")));
        }
        if !message.ends_with(['.', '!', '?']) {
            message.push('.');
        }
        let hint = match answer.status {
            401 if self.config().token.is_none() && self.owns(url) => {
                " No API token was sent: set REPLICATE_API_TOKEN or pass one to the client.".to_owned()
            }
            401 => " The API token was refused: check REPLICATE_API_TOKEN or the one passed to the client.".to_owned(),
            404 if shown(url).contains("/models/") && request.method == "POST" => {
                " Only official models run without a version: use owner/name:version for others, and check the spelling.".to_owned()
            }
            429 => match asked {
                Some(asked) => format!(" The API asks to wait {} s.", asked.as_secs_f64()),
                None => String::new(),
            },
            500..=599 if request.repeat == Repeat::Once => {
                " It is not known whether it was carried out, so it was not sent again.".to_owned()
            }
            _ => String::new(),
        };
        message + &hint
    }
}

pub(super) fn after_last_attempt(
    error: Error,
    failure: Option<Failure>,
    request: &Request,
    attempts: u32,
) -> Error {
    let error = match (request.repeat, failure) {
        (Repeat::Once, Some(Failure::Lost)) => error
            .map_message(|why| {
                format!(
                    "{why} The request had been sent, so it may have been carried out (and billed) although no answer \
                     came; it was not sent again. Look for it (for example in the list of predictions) before you repeat it."
                )
            })
            .with_kind(ErrorKind::OutcomeUnknown)
            .with_outcome_unknown(),
        (Repeat::Once, Some(Failure::Status(500..=599))) => error.with_outcome_unknown(),
        // It was carried out, by the status or for all we know, and nothing says what came of it.
        (Repeat::Once, None) if matches!(error.kind(), ErrorKind::InvalidResponse | ErrorKind::Internal) => {
            error.with_outcome_unknown()
        }
        (Repeat::Impossible, Some(_)) => error.map_message(|why| {
            format!("{why} It could not be sent again because its file can be read only once; pass bytes, a path or a seekable file instead.")
        }),
        _ => error,
    };
    if attempts > 1 { error.map_message(|why| format!("{why} (after {attempts} attempts)")) } else { error }
}

pub(super) fn timed_out(url: &Url, limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("{} did not answer within {} s.", shown(url), limit.as_secs_f64()))
}

/// The first part of a body; what came before a break is still worth showing.
async fn read_prefix(mut chunks: crate::platform::BoxStream<'static, Result<Bytes>>) -> Vec<u8> {
    let mut prefix = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        let room = ERROR_BODY - prefix.len();
        prefix.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if prefix.len() == ERROR_BODY {
            break;
        }
    }
    prefix
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
