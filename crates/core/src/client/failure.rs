//! Builds the error of an unsuccessful response, or of a missing one.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use url::Url;

use super::{Client, response::MAX_ERROR_BODY};
use crate::{
    error::{Error, ErrorKind, ErrorResponse, Result, header, reason_phrase},
    http::{
        excerpt::excerpt,
        request::Request,
        retry::{Failure, Idempotency, parse_retry_after},
        time_limit::within,
        transport::HttpResponse,
        url::redacted_url,
    },
    value::{Value, float_text},
};

impl Client {
    /// Builds the error of an unsuccessful response, whose body is read for at most `limit`.
    pub(super) async fn response_error(
        &self,
        request: &Request,
        url: &Url,
        response: HttpResponse,
        limit: Duration,
    ) -> Error {
        let HttpResponse { status, headers, body } = response;
        let body = within(self.runtime(), limit, read_prefix(body.stream())).await;
        let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        let problem = Value::from_json(body.as_bytes()).unwrap_or_default();
        // The API is not consistent: some details are objects or lists, by field.
        let text = |name: &str| match &problem[name] {
            Value::Null => None,
            text => Some(text.to_string()),
        };
        let response = ErrorResponse {
            status,
            problem_type: text("type"),
            title: text("title"),
            detail: text("detail"),
            instance: text("instance"),
            invalid_fields: problem.get("invalid_fields").cloned(),
            headers,
            body,
        };
        let retry_after = header(&response.headers, "retry-after")
            .and_then(|header| parse_retry_after(header, self.runtime().now()))
            .or_else(|| Duration::try_from_secs_f64(problem["retry_after"].as_f64()?).ok())
            .or_else(|| time_of_reset(problem["detail"].as_str()?));
        let error = Error::new(ErrorKind::from_status(status), failure_message(request, url, &response));
        let error = error.with_retry_after(retry_after);
        match self.hint(request, url, &response, retry_after) {
            Some(hint) => error.with_response(response).with_hint(&hint),
            None => error.with_response(response),
        }
    }

    /// Returns advice on an unsuccessful response.
    fn hint(
        &self,
        request: &Request,
        url: &Url,
        response: &ErrorResponse,
        retry_after: Option<Duration>,
    ) -> Option<String> {
        let hint = match response.status {
            300..=399 => {
                let target =
                    Url::options().base_url(Some(url)).parse(header(&response.headers, "location")?).ok()?;
                return Some(format!("It redirects to {}; check `base_url`.", redacted_url(&target)));
            }
            // The token was not sent.
            401 if !self.trusts(request, url) => return None,
            401 if self.config().token.is_none() => {
                "No API token was sent: set REPLICATE_API_TOKEN or pass a token to the client."
            }
            401 => "The API token was rejected: check REPLICATE_API_TOKEN or the token passed to the client.",
            404 if request.method == "POST" && is_create_without_version(url) => {
                "Only official models run without a version: use owner/name:version for others, and check the spelling."
            }
            404 if self.owns(url) => {
                let id = self.below("/predictions/", url)?;
                let id = id.strip_suffix("/cancel").unwrap_or(id);
                return Some(format!(
                    "There is no prediction {:?} that this token can see: check the id, and that the token belongs to the \
                     account that created it.",
                    percent_decode_str(id).decode_utf8_lossy()
                ));
            }
            // On the web there are no paths.
            #[cfg(not(target_arch = "wasm32"))]
            422 => return super::file_hint::local_file_hint(request, response),
            500..=599 if request.idempotency == Idempotency::Once => {
                "The request may have been processed, so it was not retried."
            }
            429 | 500..=599 => {
                return retry_after.map(|retry_after| {
                    format!("The API asks to wait {} s.", float_text(retry_after.as_secs_f64()))
                });
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Returns `true` for `POST /models/{owner}/{name}/predictions`.
fn is_create_without_version(url: &Url) -> bool {
    url.path().contains("/models/") && url.path().ends_with("/predictions")
}

/// Returns the delay in the text of a 429, which may be its only place: "Your rate limit resets in ~30s."
fn time_of_reset(detail: &str) -> Option<Duration> {
    let (_, rest) = detail.split_once("rate limit resets in ~")?;
    let (seconds, _) = rest.split_once('s')?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Builds the message: first the cause, then the request that failed.
fn failure_message(request: &Request, url: &Url, response: &ErrorResponse) -> String {
    let text = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let mut cause = match (text(&response.title), text(&response.detail)) {
        (Some(title), Some(detail)) if !detail.starts_with(&title) => format!("{title}: {detail}"),
        (title, detail) => detail.or(title).unwrap_or_else(|| excerpt(response.body.trim(), 500)),
    };
    if !cause.is_empty() && !cause.ends_with(['.', '!', '?']) {
        cause.push('.');
    }
    let reason = reason_phrase(response.status);
    let failed =
        format!("{} {} failed with status {} {reason}", request.method, redacted_url(url), response.status);
    format!("{cause} {}.", failed.trim_end()).trim_start().to_owned()
}

/// Adds what the last failed attempt means for the caller: an unknown outcome, or why it was not retried.
pub(super) fn final_error(error: Error, failure: Option<Failure>, request: &Request, attempts: u32) -> Error {
    let error = match (request.idempotency, failure) {
        (Idempotency::Once, Some(Failure::Lost)) => error
            .with_hint(
                "No response arrived, so the request may have been processed (and billed). It was not retried; look for \
                 its result, for example in `predictions.list()`, before you send it again.",
            )
            .with_kind(ErrorKind::OutcomeUnknown)
            .with_outcome_unknown(),
        (Idempotency::Once, Some(Failure::Status(500..=599))) => error.with_outcome_unknown(),
        // The create may have been processed, but its result is unknown.
        (Idempotency::Once, None)
            // `Sending::with_created` has read the response that a hook refused.
            if !error.never_sent()
                && !error.is_of_hook()
                && error.prediction().is_none()
                && matches!(error.kind(), ErrorKind::InvalidResponse | ErrorKind::Internal) =>
        {
            error.with_lost_result()
        }
        (Idempotency::Impossible, Some(_)) => error.with_hint(
            "It was not retried because its file can be read only once; pass bytes, or a file that can be read again.",
        ),
        _ => error,
    };
    if attempts > 1 { error.with_hint(&format!("(after {attempts} attempts)")) } else { error }
}

/// Builds the error of an attempt that timed out.
pub(super) fn timeout_error(url: &Url, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "no complete response from {} within {} s.",
            redacted_url(url),
            float_text(limit.as_secs_f64())
        ),
    )
}

/// Builds the error of an attempt that timed out before it had a connection.
pub(super) fn unsent_error(url: &Url, limit: Duration) -> Error {
    let (url, limit) = (redacted_url(url), float_text(limit.as_secs_f64()));
    let message = format!(
        "the timeout of {limit} s passed while the request waited for a connection to {url}, so it was not sent. Check the \
         network and `max_connections`, or allow more time."
    );
    Error::new(ErrorKind::Timeout, message).with_never_sent()
}

/// Reads the first part of a body, up to where the connection broke.
async fn read_prefix(mut chunks: crate::platform::BoxStream<'static, Result<Bytes>>) -> Vec<u8> {
    let mut prefix = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        let room = MAX_ERROR_BODY - prefix.len();
        prefix.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if prefix.len() == MAX_ERROR_BODY {
            break;
        }
    }
    prefix
}
