//! Sends a request with its retries and returns the response or an error.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::{
    Client,
    encode::redirect_target,
    failure::{final_error, timeout_error},
    rate_gate::{Permit, Place, RateGate},
    rate_gates::Kind,
    report::{Report, log_response_body},
    response::{Expect, Payload, Reply, decode_body, keep_body},
    timer::Timer,
};
#[cfg(not(target_arch = "wasm32"))]
use crate::platform::run_blocking;
use crate::{
    error::{Error, ErrorKind, Result, decode, header},
    http::{
        body_progress::BodyProgress,
        request::{Request, RequestTarget},
        retry::{Failure, Idempotency, RetryBudget},
        time_limit::{while_progressing, within},
        transport::{BodySource, HttpResponse, StreamBody, check_size},
        url::{redacted_url, same_origin},
    },
    platform::BoxFuture,
};

/// Bytes of the body that an error keeps.
pub(super) const MAX_ERROR_BODY: usize = 64 * 1024;
const MAX_REDIRECTS: usize = 5;

/// How long a request is retried after 429s while no other request of its kind is accepted either.
const MAX_SILENCE: Duration = Duration::from_secs(300);

/// The 429s of a request that waits at a rate gate.
#[derive(Default)]
struct Rejections {
    number: u32,
    /// When the first arrived.
    began: Option<Duration>,
    /// The error of the last one.
    error: Option<Error>,
}

impl Rejections {
    /// Counts a 429. Returns for how long no request has been accepted.
    fn count(&mut self, gate: &RateGate, now: Duration) -> Duration {
        self.number += 1;
        gate.since_accepted(*self.began.get_or_insert(now), now)
    }
}

/// Size of a body that is decoded on another thread, in bytes: all requests would wait meanwhile.
#[cfg(not(target_arch = "wasm32"))]
const DECODED_ELSEWHERE: usize = 1 << 20;

/// A failed attempt: its error, and its failure for the retry policy.
struct FailedAttempt {
    error: Error,
    /// `None` if every attempt would fail in the same way.
    failure: Option<Failure>,
}

impl From<Error> for FailedAttempt {
    /// Builds an attempt that is not retried.
    fn from(error: Error) -> Self {
        Self { error, failure: None }
    }
}

/// How to read a response. Values of one type, so that the code of attempts exists once.
#[derive(Clone, Copy)]
enum Reading {
    Value(Expect),
    Text(Expect),
    Nothing,
}

impl Reading {
    fn is_of_a_file(self) -> bool {
        matches!(self, Self::Value(Expect::Bytes) | Self::Text(Expect::Bytes))
    }

    fn decode(self, status: u16, headers: Vec<(String, String)>, body: Bytes) -> Result<Received> {
        match self {
            Self::Value(expect) => {
                let value = decode_body(expect, status, &headers, body)?;
                Ok(Received::Value(Reply { value, status, headers }))
            }
            Self::Text(expect) => {
                let value = keep_body(expect, status, &headers, body)?;
                Ok(Received::Text(Reply { value, status, headers }))
            }
            Self::Nothing => Err(unexpected_reading()),
        }
    }
}

/// A response that was read as [`Reading`] says.
enum Received {
    Value(Reply),
    Text(Reply<Payload>),
    Unread(HttpResponse),
}

fn abandoned() -> Error {
    Error::new(ErrorKind::Internal, "the request was abandoned before it was sent").with_never_sent()
}

fn unexpected_reading() -> Error {
    Error::new(ErrorKind::Internal, "the response was read in another way than requested")
}

impl Client {
    /// Sends a request and decodes the response into `T`.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.send(request, Expect::Object).await.and_then(|reply| decode(reply.value))
    }

    /// Sends a request and decodes the response according to `expect`.
    pub(crate) async fn send(&self, request: &Request, expect: Expect) -> Result<Reply> {
        match self.send_and_read(request, Reading::Value(expect)).await? {
            Received::Value(reply) => Ok(reply),
            _ => Err(unexpected_reading()),
        }
    }

    /// Like [`Client::send`], but returns JSON as text.
    pub(crate) async fn send_as_text(&self, request: &Request, expect: Expect) -> Result<Reply<Payload>> {
        match self.send_and_read(request, Reading::Text(expect)).await? {
            Received::Text(reply) => Ok(reply),
            _ => Err(unexpected_reading()),
        }
    }

    /// Sends a request and returns the response with its body unread.
    pub(crate) async fn open(&self, request: &Request) -> Result<HttpResponse> {
        match self.send_and_read(request, Reading::Nothing).await? {
            Received::Unread(response) => Ok(response),
            _ => Err(unexpected_reading()),
        }
    }

    /// Reads a successful response.
    fn read(
        &self,
        method: &'static str,
        response: HttpResponse,
        reading: Reading,
        progress: Option<BodyProgress>,
    ) -> BoxFuture<'static, Result<Received>> {
        let limit = self.config().max_response_size;
        let client = self.config().log_bodies.then(|| self.clone());
        Box::pin(async move {
            if let Reading::Nothing = reading {
                return Ok(Received::Unread(response));
            }
            let HttpResponse { status, headers, body } = response;
            let body = match progress {
                Some(progress) => count_bytes(body, progress).bytes(u64::MAX).await?,
                None => {
                    let declared = header(&headers, "content-length").and_then(|length| length.parse().ok());
                    check_size(declared.unwrap_or(0), limit)?;
                    body.bytes(limit).await?
                }
            };
            if let Some(client) = &client {
                log_response_body(client, method, status, &body);
            }
            #[cfg(not(target_arch = "wasm32"))]
            if body.len() >= DECODED_ELSEWHERE {
                let decoded = run_blocking(move || reading.decode(status, headers, body)).await;
                return decoded.map_err(|error| {
                    Error::new(ErrorKind::Internal, format!("the response was not decoded: {error}"))
                })?;
            }
            reading.decode(status, headers, body)
        })
    }

    /// Sends a request and reads the response. Adds the request to an error and redacts the token.
    async fn send_and_read(&self, request: &Request, reading: Reading) -> Result<Received> {
        let mut report = Report::new(self, request);
        let result = self.send_with_retries(request, reading, &mut report).await;
        report.finished(result.as_ref().err());
        result.map_err(|error| {
            self.without_token(error.with_request(request.method, self.redacted_url(request)))
        })
    }

    /// Redacts the token, which the server or a model may echo.
    pub(crate) fn without_token(&self, error: Error) -> Error {
        match &self.config().token {
            // Tokens too short to be real would match parts of words.
            Some(token) if token.len() >= 8 => error.redact(token),
            _ => error,
        }
    }

    async fn send_with_retries(
        &self,
        request: &Request,
        reading: Reading,
        report: &mut Report<'_>,
    ) -> Result<Received> {
        // Files can be of any size, so the timeout limits the time without progress.
        let progress = reading.is_of_a_file().then(BodyProgress::default);
        let mut retries =
            RetryBudget::new(self.config().retry, request.options.max_retries, request.idempotency);
        let mut timer = Timer::new(self, request);
        let mut place = self.gate(request).map(RateGate::place);
        let mut rejections = Rejections::default();
        loop {
            let mut permit = match &mut place {
                Some(place) => self.turn(place, request, &timer, &mut rejections).await?,
                None => None,
            };
            if request.is_abandoned() {
                return Err(abandoned());
            }
            #[cfg(not(target_arch = "wasm32"))]
            if let Some(observer) = &request.observer {
                observer.sending().await?;
            }
            let span = report.attempt();
            let attempt = self
                .attempt(request, &mut timer, progress.as_ref(), reading, report, permit.as_mut())
                .instrument(span);
            let FailedAttempt { error, failure } = match attempt.await {
                Ok(output) => return Ok(output),
                Err(failed) => failed,
            };
            report.failed(&error);
            let (retry_after, remaining) = (error.retry_after(), timer.remaining());
            let (delay, gated) = match (&place, permit, failure) {
                (Some(place), Some(permit), Some(Failure::Status(429))) => {
                    let now = self.runtime().monotonic();
                    let silence = rejections.count(place.gate(), now);
                    let pause = retries.after_rejection(rejections.number, retry_after, remaining);
                    let pause = pause.filter(|_| silence < MAX_SILENCE);
                    // A longer delay is an error for each request: none of them should wait for so long.
                    let longest = self.config().retry.max_retry_after;
                    let asked = retry_after.filter(|asked| *asked <= longest);
                    (permit.rejected(pause, asked, now), true)
                }
                (_, _, Some(failure)) => (retries.after(failure, retry_after, remaining), false),
                (_, _, None) => (None, false),
            };
            let attempts = retries.failed_attempts() + u32::from(failure.is_none()) + rejections.number;
            match delay {
                Some(delay) if !request.is_abandoned() => {
                    #[cfg(not(target_arch = "wasm32"))]
                    if let (Some(observer), Some(Failure::Status(429))) = (&request.observer, failure) {
                        observer.rejected().await?;
                    }
                    if let Err(ended) = report.retrying(&error, delay, &timer).await {
                        let is_late = !ended.is_of_hook();
                        return Err(if is_late {
                            final_error(error, failure, request, attempts)
                        } else {
                            ended
                        });
                    }
                    if gated {
                        rejections.error = Some(error);
                    } else {
                        self.runtime().sleep(delay).await;
                    }
                }
                _ => {
                    return Err(final_error(error, failure, request, attempts));
                }
            }
        }
    }

    /// Returns the rate gate that a request passes.
    fn gate(&self, request: &Request) -> Option<&RateGate> {
        let gates = self.gates()?;
        let kind = match &request.target {
            RequestTarget::Path(path) => Kind::of(request.method, path),
            RequestTarget::Url(url) if self.owns(url) => Kind::of(request.method, url.path()),
            RequestTarget::Url(_) => None,
        };
        Some(gates.gate(kind?))
    }

    /// Waits until a request may be sent. Returns `None` if it was abandoned, and fails once its time has passed.
    async fn turn<'a>(
        &self,
        place: &mut Place<'a>,
        request: &Request,
        timer: &Timer<'_>,
        rejections: &mut Rejections,
    ) -> Result<Option<Permit<'a>>> {
        let gate = place.gate();
        let turn = place.turn(self.runtime(), request);
        let Some(limit) = timer.remaining() else { return Ok(turn.await) };
        if let Some(permit) = within(self.runtime(), limit, turn).await {
            return Ok(permit);
        }
        if let Some(error) = rejections.error.take() {
            return Err(final_error(error, Some(Failure::Status(429)), request, rejections.number));
        }
        let rate = gate.per_minute(self.runtime().monotonic()).unwrap_or_default().ceil() as u64;
        let kind = if timer.is_past_deadline() { ErrorKind::Deadline } else { ErrorKind::Timeout };
        let message = format!(
            "The timeout passed while the request waited for the rate limit of {rate} requests a minute, so it was not \
             sent. Allow more time, or send fewer requests at once."
        );
        Err(Error::new(kind, message).with_never_sent())
    }

    async fn attempt(
        &self,
        request: &Request,
        timer: &mut Timer<'_>,
        response_progress: Option<&BodyProgress>,
        reading: Reading,
        report: &mut Report<'_>,
        mut permit: Option<&mut Permit<'_>>,
    ) -> Result<Received, FailedAttempt> {
        let original = self.url(request)?;
        let mut url = original.clone();
        for _ in 0..=MAX_REDIRECTS {
            let progress = request.body.progress();
            let mut http = self.http_request(request, url.clone(), !same_origin(&url, &original)).await?;
            report.sending(&mut http, timer).await.map_err(Error::with_never_sent)?;
            if request.is_abandoned() {
                return Err(abandoned().into());
            }
            if let Some(permit) = &mut permit {
                permit.use_up();
            }
            let sending = self.transport().send(http);
            let sent = self.step(timer, progress.as_ref(), sending).await;
            let response = match sent {
                Some(Ok(response)) => response,
                Some(Err(error)) => {
                    // If the file cannot be read, the transport reports a broken connection. Report the file.
                    if let Some(cause) = progress.as_ref().and_then(BodyProgress::take_error) {
                        return Err(cause.into());
                    }
                    if let Some(permit) = permit.filter(|_| error.never_sent()) {
                        permit.give_back();
                    }
                    return Err(FailedAttempt { failure: retryable_failure(&error), error });
                }
                None => {
                    return Err(FailedAttempt {
                        error: timeout_error(&url, timer.limit()),
                        failure: Some(Failure::Lost),
                    });
                }
            };
            if let Some(permit) = permit.as_mut().filter(|_| response.status != 429) {
                permit.accepted(&response.headers, self.runtime().monotonic());
            }
            if let Err(error) = report.received(&url, response.status, &response.headers, timer).await {
                return Err(self.with_created(error, request, response, timer).await.into());
            }
            match response.status {
                301 | 302 | 303 | 307 | 308
                    if request.method == "GET" && response.header("location").is_some() =>
                {
                    url = redirect_target(&url, &response)?;
                    continue;
                }
                200..=299 => {
                    let reading = self.read(request.method, response, reading, response_progress.cloned());
                    let output = self.step(timer, response_progress, reading).await;
                    let output = output.unwrap_or_else(|| Err(timeout_error(&url, timer.limit())));
                    return output
                        .map_err(|error| FailedAttempt { failure: retryable_failure(&error), error });
                }
                status => {
                    let error = self.response_error(request, &url, response, timer.step()).await;
                    return Err(FailedAttempt { error, failure: Some(Failure::Status(status)) });
                }
            }
        }
        Err(Error::new(
            ErrorKind::InvalidResponse,
            format!("too many redirects from {}", redacted_url(&original)),
        )
        .into())
    }

    /// Adds to the error of a hook what the response to a create says: the prediction, so that its call can cancel it, or
    /// that it may exist.
    async fn with_created(
        &self,
        error: Error,
        request: &Request,
        response: HttpResponse,
        timer: &mut Timer<'_>,
    ) -> Error {
        if request.idempotency != Idempotency::Once || !matches!(response.status, 200..=299 | 500..=599) {
            return error;
        }
        if request.abandoned.is_some() && response.status < 300 {
            let reading = self.read(request.method, response, Reading::Value(Expect::Object), None);
            if let Some(Ok(Received::Value(created))) = self.step(timer, None, reading).await {
                return error.with_prediction(created.value);
            }
        }
        error.with_outcome_unknown()
    }

    /// Runs one step of an attempt. Returns `None` if its time has passed without progress.
    async fn step<F: Future>(
        &self,
        timer: &mut Timer<'_>,
        progress: Option<&BodyProgress>,
        step: F,
    ) -> Option<F::Output> {
        let before = progress.map(BodyProgress::bytes);
        let output = while_progressing(self.runtime(), timer.step(), progress, step).await;
        if output.is_some() && progress.map(BodyProgress::bytes) != before {
            timer.restart();
        }
        output
    }
}

/// Returns the failure of a retryable error, or `None` for one that would occur again, such as an invalid
/// header.
fn retryable_failure(error: &Error) -> Option<Failure> {
    match error.kind() {
        _ if error.is_permanent() => None,
        _ if error.never_sent() => Some(Failure::NeverSent),
        ErrorKind::Connection | ErrorKind::Timeout => Some(Failure::Lost),
        _ => None,
    }
}

/// Wraps a body to count its bytes as they arrive.
fn count_bytes(body: Box<dyn BodySource>, progress: BodyProgress) -> Box<dyn BodySource> {
    let chunks =
        body.stream().inspect(move |chunk| progress.add(chunk.as_ref().map_or(0, bytes::Bytes::len)));
    Box::new(StreamBody(Box::pin(chunks)))
}
