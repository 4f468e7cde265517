//! Builds the error for an unsuccessful response, or for none.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use url::Url;

use super::{Client, send::ERROR_BODY};
use crate::{
    error::{Error, ErrorKind, ErrorResponse, Result, reason_phrase},
    http::{
        excerpt::excerpt,
        request::{Body, Request},
        retry::{Failure, Idempotency, parse_retry_after},
        time_limit::within,
        transport::HttpResponse,
        url::redacted_url,
    },
    native::is_file,
    value::{PathSegment, Value, place},
};

impl Client {
    /// Builds the error for an unsuccessful response.
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
        let error = Error::new(ErrorKind::from_status(status), failure_message(request, url, &answer));
        let error = error.with_retry_after(asked);
        match self.hint(request, url, &answer, asked) {
            Some(hint) => error.with_response(answer).with_hint(&hint),
            None => error.with_response(answer),
        }
    }

    /// What the user can do about an error response.
    fn hint(
        &self,
        request: &Request,
        url: &Url,
        answer: &ErrorResponse,
        asked: Option<Duration>,
    ) -> Option<String> {
        let hint = match answer.status {
            401 if self.config().token.is_none() && self.owns(url) => {
                "No API token was sent: set REPLICATE_API_TOKEN or pass a token to the client."
            }
            401 => "The API token was rejected: check REPLICATE_API_TOKEN or the token passed to the client.",
            404 if redacted_url(url).contains("/models/") && request.method == "POST" => {
                "Only official models run without a version: use owner/name:version for others, and check the spelling."
            }
            422 => return file_names(request, answer),
            429 => return asked.map(|asked| format!("The API asks to wait {} s.", asked.as_secs_f64())),
            500..=599 if request.repeat == Idempotency::Once => {
                "The request may have been processed, so it was not retried."
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The cause in plain words, then the request that failed.
fn failure_message(request: &Request, url: &Url, answer: &ErrorResponse) -> String {
    let text = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let mut cause = match (text(&answer.title), text(&answer.detail)) {
        (Some(title), Some(detail)) if !detail.starts_with(&title) => format!("{title}: {detail}"),
        (title, detail) => detail.or(title).unwrap_or_else(|| excerpt(answer.body.trim(), 500)),
    };
    if !cause.is_empty() && !cause.ends_with(['.', '!', '?']) {
        cause.push('.');
    }
    let reason = reason_phrase(answer.status);
    let failed =
        format!("{} {} failed with status {} {reason}", request.method, redacted_url(url), answer.status);
    format!("{cause} {}.", failed.trim_end()).trim_start().to_owned()
}

/// The hint for a string in the input that was refused as a URI and is the name of a local file.
fn file_names(request: &Request, answer: &ErrorResponse) -> Option<String> {
    let Body::Json(body) = &request.body else { return None };
    let refused = refused_uris(answer);
    let mut found = None;
    body["input"].walk(&mut Vec::<PathSegment>::new(), &mut |leaf, path| {
        let at = place("input", path);
        let is_refused = found.is_none() && refused.contains(&at.replace('[', ".").replace(']', ""));
        if let Some(name) = leaf.as_str().filter(|name| is_refused && is_file(name)) {
            found = Some(format!(
                "A string is sent as text: to upload the file {name:?} as `{at}`, pass `Path({name:?})` in Python or \
                 `await openAsBlob({name:?})` (node:fs) in Node."
            ));
        }
    });
    found
}

/// The fields that a response refuses as URIs, such as `input.image`.
fn refused_uris(answer: &ErrorResponse) -> Vec<String> {
    let of_uri = |text: &str| ["uri", "url"].iter().any(|word| text.to_ascii_lowercase().contains(word));
    let listed = answer.invalid_fields.iter().flat_map(|fields| fields.as_array().unwrap_or_default());
    let listed = listed
        .filter(|field| of_uri(field["description"].as_str().unwrap_or_default()))
        .filter_map(|field| field["field"].as_str());
    // Each line of `detail` is `- input.image: Does not match format 'uri'`.
    let lines = answer.detail.iter().flat_map(|detail| detail.lines()).filter_map(|line| {
        let (field, why) = line.trim_start_matches(['-', ' ']).split_once(": ")?;
        of_uri(why).then_some(field)
    });
    listed
        .chain(lines)
        .map(|field| if field.starts_with("input") { field.to_owned() } else { format!("input.{field}") })
        .collect()
}

pub(super) fn after_last_attempt(
    error: Error,
    failure: Option<Failure>,
    request: &Request,
    attempts: u32,
) -> Error {
    let error = match (request.repeat, failure) {
        (Idempotency::Once, Some(Failure::Lost)) => error
            .with_hint(
                "The request was sent but no response arrived, so it may have been processed (and billed). It was not \
                 retried; look for its result, for example in `predictions.list()`, before you send it again.",
            )
            .with_kind(ErrorKind::OutcomeUnknown)
            .with_outcome_unknown(),
        (Idempotency::Once, Some(Failure::Status(500..=599))) => error.with_outcome_unknown(),
        // It was processed, or may have been, and its result is unknown.
        (Idempotency::Once, None) if matches!(error.kind(), ErrorKind::InvalidResponse | ErrorKind::Internal) => {
            error.with_outcome_unknown()
        }
        (Idempotency::Impossible, Some(_)) => error.with_hint(
            "It was not retried because its file can be read only once; pass bytes, a path or a seekable file instead.",
        ),
        _ => error,
    };
    if attempts > 1 { error.with_hint(&format!("(after {attempts} attempts)")) } else { error }
}

pub(super) fn timed_out(url: &Url, limit: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("{} did not respond within {} s.", redacted_url(url), limit.as_secs_f64()),
    )
}

/// Reads the first part of a body; what arrived before a break is still worth showing.
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
