//! One request and its retries: from [`Request`] to an answer or the error that tells why not.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::{Either, select},
    pin_mut,
};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    client::{Client, check_header},
    error::{Error, ErrorKind, ErrorResponse, Result},
    platform::{BoxFuture, Runtime},
    request::{Body, Request, Target},
    retry::{Failure, Repeat, next_attempt, parse_retry_after},
    transport::{BodySource, HttpBody, HttpRequest, HttpResponse, StreamBody},
    upload::Progress,
    value::{Value, decode},
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

/// How long an answer may take after the server has held it as long as it was asked to.
const AFTER_HOLD: Duration = Duration::from_secs(15);
/// The largest part of an error body that is kept.
const ERROR_BODY: usize = 64 * 1024;
const MAX_REDIRECTS: usize = 5;
/// Headers that go along when a redirect leads to another origin. Any other may be a secret.
const HARMLESS: [&str; 5] = ["accept", "cache-control", "if-range", "last-event-id", "range"];

/// Runs `future` for at most `limit`; `None` when it took longer.
pub(crate) async fn within<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let sleep = runtime.sleep(limit);
    pin_mut!(future);
    match select(future, sleep).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Runs `future` as long as it ends or bytes move within every `limit`.
async fn while_moving<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    progress: Option<&Progress>,
    future: F,
) -> Option<F::Output> {
    pin_mut!(future);
    let mut seen = progress.map(Progress::moved);
    loop {
        match select(future.as_mut(), runtime.sleep(limit)).await {
            Either::Left((output, _)) => return Some(output),
            Either::Right(_) => {
                let now = progress.map(Progress::moved);
                if now == seen {
                    return None;
                }
                seen = now;
            }
        }
    }
}

/// One attempt that failed, and what the retry policy wants to know of it.
struct Attempt {
    error: Error,
    failure: Option<Failure>,
}

impl From<Error> for Attempt {
    /// An error that is the same on every attempt.
    fn from(error: Error) -> Self {
        Self { error, failure: None }
    }
}

impl Client {
    /// Sends a request and decodes the answer into `T`.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.send(request, Expect::Json).await.and_then(|reply| decode(reply.value))
    }

    /// Sends a request and reads the answer as `expect` says.
    pub(crate) async fn send(&self, request: &Request, expect: Expect) -> Result<Reply> {
        // Content can be of any size, so it is given up when nothing moves, not after a time.
        let moving = (expect == Expect::Bytes).then(Progress::default);
        self.exchange(request, moving.as_ref(), |response| {
            let moving = moving.clone();
            Box::pin(async move {
                let HttpResponse { status, headers, body } = response;
                let body = match moving {
                    Some(moving) => watched(body, moving).bytes().await?,
                    None => body.bytes().await?,
                };
                let value = decode_body(expect, status, &headers, body)?;
                Ok(Reply { value, status, headers })
            })
        })
        .await
    }

    /// Sends a request and hands over the answer with its body unread.
    pub(crate) async fn open(&self, request: &Request) -> Result<HttpResponse> {
        self.exchange(request, None, |response| Box::pin(async move { Ok(response) })).await
    }

    async fn exchange<T>(
        &self,
        request: &Request,
        moving: Option<&Progress>,
        read: impl Fn(HttpResponse) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let answer = self.repeated(request, moving, read).await;
        answer.map_err(|error| {
            let error = error.with_request(request.method, self.shown_url(request));
            match &self.config().token {
                // A server may repeat what it was sent. Shorter tokens than any that is real would be
                // found in every word.
                Some(token) if token.len() >= 8 => error.without(token),
                _ => error,
            }
        })
    }

    async fn repeated<T>(
        &self,
        request: &Request,
        moving: Option<&Progress>,
        read: impl Fn(HttpResponse) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let policy = self.config().retry.limited(request.options.max_retries);
        let mut attempt = 1;
        loop {
            if request.is_unwanted() {
                return Err(Error::new(ErrorKind::Internal, "given up before it was sent"));
            }
            let Attempt { error, failure } = match self.attempt(request, moving, &read).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let wait = failure.and_then(|failure| {
                let remaining = request.deadline.remaining(self.runtime());
                let asked = error.retry_after();
                next_attempt(&policy, request.repeat, failure, attempt, asked, remaining, fastrand::f64())
            });
            match wait {
                Some(wait) if !request.is_unwanted() => self.runtime().sleep(wait).await,
                _ => return Err(after_last_attempt(error, failure, request, attempt)),
            }
            attempt += 1;
        }
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        moving: Option<&Progress>,
        read: &impl Fn(HttpResponse) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T, Attempt> {
        let limit = match request.options.timeout {
            Some(timeout) => timeout.saturating_add(request.hold),
            None if request.hold.is_zero() => self.config().timeout,
            None => request.hold + AFTER_HOLD,
        };
        // A create that was sent is not given up at the deadline: its answer tells what to cancel.
        let remaining = request.deadline.remaining(self.runtime()).filter(|_| request.repeat != Repeat::Once);
        let limit = remaining.map_or(limit, |left| left.min(limit));
        let mut url = self.url(request)?;
        let origin = url.origin();
        for _ in 0..=MAX_REDIRECTS {
            let progress = request.body.progress();
            let http = self.http_request(request, url.clone(), url.origin() != origin).await?;
            let sent =
                while_moving(self.runtime(), limit, progress.as_ref(), self.config().transport.send(http))
                    .await;
            let response = match sent {
                Some(Ok(response)) => response,
                Some(Err(error)) => {
                    // A file that cannot be read shows as a broken connection; the file is the news.
                    if let Some(cause) = progress.as_ref().and_then(Progress::take_error) {
                        return Err(cause.into());
                    }
                    let failure = if error.never_sent() { Failure::NeverSent } else { Failure::Lost };
                    return Err(Attempt { error, failure: Some(failure) });
                }
                None => return Err(Attempt { error: timed_out(&url, limit), failure: Some(Failure::Lost) }),
            };
            match response.status {
                301 | 302 | 303 | 307 | 308
                    if request.method == "GET" && response.header("location").is_some() =>
                {
                    url = redirected(&url, &response)?;
                    continue;
                }
                200..=299 => {
                    let answer = while_moving(self.runtime(), limit, moving, read(response)).await;
                    let answer = answer.unwrap_or_else(|| Err(timed_out(&url, limit)));
                    return answer.map_err(|error| {
                        let lost = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
                        Attempt { error, failure: lost.then_some(Failure::Lost) }
                    });
                }
                status => {
                    let error = self.refused(request, &url, response).await;
                    return Err(Attempt { error, failure: Some(Failure::Status(status)) });
                }
            }
        }
        Err(Error::new(ErrorKind::InvalidResponse, format!("{} redirects too often", shown(&url))).into())
    }

    /// Where a request goes, query and all.
    pub(crate) fn url(&self, request: &Request) -> Result<Url> {
        let config = self.config();
        let mut url = match &request.target {
            Target::Url(url) => url.clone(),
            Target::Path(path) => {
                let mut url = config.base_url.clone();
                url.set_path(&format!("{}{path}", config.base_url.path()));
                url
            }
        };
        let mut query = request.query.clone();
        if self.owns(&url) {
            query.extend(config.query.iter().map(|(name, value)| (name.clone(), value.clone())));
            let more = &request.options.query;
            query.extend(more.iter().map(|(name, value)| (name.clone(), value.to_string())));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    pub(crate) fn shown_url(&self, request: &Request) -> String {
        self.url(request).map(|url| shown(&url)).unwrap_or_default()
    }

    /// The request as it goes to the wire. The one place where the token is attached.
    ///
    /// `led_away`: a redirect led to another origin than the one the request was made for.
    async fn http_request(&self, request: &Request, url: Url, led_away: bool) -> Result<HttpRequest> {
        let config = self.config();
        let mut headers: Vec<(String, String)> = Vec::with_capacity(6);
        headers.push(("user-agent".into(), config.user_agent.clone()));
        let goes = |name: &str| !led_away || HARMLESS.contains(&name);
        for (name, value) in request.headers.iter().filter(|(name, _)| goes(name)) {
            set_header(&mut headers, name, value.clone());
        }
        let own = headers.iter().any(|(name, _)| name == "authorization");
        if self.owns(&url) {
            if let Some(token) = config.token.as_ref().filter(|_| !own) {
                set_header(&mut headers, "authorization", format!("Bearer {token}"));
            }
            for (name, value) in config.headers.iter().chain(&request.options.headers) {
                check_header("headers", name, value)?;
                set_header(&mut headers, &name.to_ascii_lowercase(), value.clone());
            }
        }
        let body = match &request.body {
            Body::Empty => HttpBody::Empty,
            Body::Json(value) => {
                set_header(&mut headers, "content-type", "application/json".into());
                HttpBody::Bytes(json_body(value, request)?.into())
            }
            Body::Text(text) => {
                set_header(&mut headers, "content-type", "text/plain".into());
                HttpBody::Bytes(text.clone().into())
            }
            Body::Raw { content_type, bytes } => {
                if let Some(content_type) = content_type {
                    set_header(&mut headers, "content-type", content_type.clone());
                }
                HttpBody::Bytes(bytes.clone())
            }
            Body::Multipart(multipart) => {
                set_header(&mut headers, "content-type", multipart.content_type());
                multipart.open().await?
            }
        };
        Ok(HttpRequest { method: request.method, url, headers, body })
    }

    /// The error for an answer that is no success.
    async fn refused(&self, request: &Request, url: &Url, response: HttpResponse) -> Error {
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

fn after_last_attempt(error: Error, failure: Option<Failure>, request: &Request, attempts: u32) -> Error {
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
        // The status says that it was carried out, the body not what came of it.
        (Repeat::Once, None) if error.kind() == ErrorKind::InvalidResponse => error.with_outcome_unknown(),
        (Repeat::Impossible, Some(_)) => error.map_message(|why| {
            format!("{why} It could not be sent again because its file can be read only once; pass bytes, a path or a seekable file instead.")
        }),
        _ => error,
    };
    if attempts > 1 { error.map_message(|why| format!("{why} (after {attempts} attempts)")) } else { error }
}

fn json_body(value: &Value, request: &Request) -> Result<Vec<u8>> {
    if request.options.body.is_empty() {
        return value.to_json();
    }
    let mut merged = value.as_object().cloned().unwrap_or_default();
    merged.extend(request.options.body.clone());
    Value::Object(merged).to_json()
}

fn set_header(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    match headers.iter_mut().find(|(existing, _)| existing == name) {
        Some(header) => header.1 = value,
        None => headers.push((name.to_owned(), value)),
    }
}

/// A URL as it may be shown: without its query, which can hold signatures, and without a password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Refused only by URLs that cannot have either.
    let _ = (url.set_username(""), url.set_password(None));
    url.into()
}

fn timed_out(url: &Url, limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("{} did not answer within {} s.", shown(url), limit.as_secs_f64()))
}

fn redirected(from: &Url, response: &HttpResponse) -> Result<Url> {
    let location = response.header("location").unwrap_or_default();
    let url = from.join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| {
        Error::new(ErrorKind::InvalidResponse, format!("{} redirects to no URL: {location:?}", shown(from)))
    })
}

/// The same body, its bytes counted as they come.
fn watched(body: Box<dyn BodySource>, moving: Progress) -> Box<dyn BodySource> {
    let chunks = body.stream().inspect(move |chunk| moving.add(chunk.as_ref().map_or(0, Bytes::len)));
    Box::new(StreamBody(Box::pin(chunks)))
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

fn decode_body(expect: Expect, status: u16, headers: &[(String, String)], body: Bytes) -> Result<Value> {
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

/// The first `limit` bytes of a text, cut between characters.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}...", &text[..end])
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
