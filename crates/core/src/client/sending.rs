//! A request that is being sent: its turns at the rate gate, attempts, redirects and retries.

use std::time::Duration;

use tracing::Instrument;
use url::Url;

use super::{
    Client,
    encode::redirect_target,
    failure::{final_error, timeout_error, unsent_error},
    rate_gate::{Permit, QueuePosition, RateGate},
    rate_gates::Kind,
    reading::{Reading, Received},
    report::Report,
    response::Expect,
    timer::Timer,
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::{
        body_progress::BodyProgress,
        request::{Request, RequestTarget},
        retry::{Failure, Idempotency, RetryBudget, RetryPolicy},
        time_limit::within,
        transport::HttpResponse,
        url::{redacted_url, same_origin},
    },
    native::watch,
};

const MAX_REDIRECTS: usize = 5;

/// How long a request is retried after 429s while no other request of its kind is accepted either.
const MAX_SILENCE: Duration = Duration::from_secs(300);

/// A request that is being sent.
pub(super) struct Sending<'a> {
    client: &'a Client,
    request: &'a Request,
    reading: Reading,
    /// Counts the bytes of a file. Files can be of any size, so the timeout limits the time without progress.
    received: Option<BodyProgress>,
    timer: Timer<'a>,
    pub report: Report<'a>,
    retries: RetryBudget,
    position: Option<QueuePosition<'a>>,
    rejections: Rejections,
}

/// The 429s of a request that waits at a rate gate.
#[derive(Default)]
struct Rejections {
    number: u32,
    /// When the first arrived.
    began: Option<Duration>,
    /// The error of the last one.
    error: Option<Error>,
}

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

impl<'a> Sending<'a> {
    pub fn new(client: &'a Client, request: &'a Request, reading: Reading) -> Self {
        let (policy, max_retries) = match request.retried_for {
            Some(limit) => (RetryPolicy::unlimited(limit), None),
            None => (client.config().retry, request.options.max_retries),
        };
        Self {
            client,
            request,
            reading,
            received: reading.is_of_a_file().then(BodyProgress::default),
            timer: Timer::new(client, request),
            report: Report::new(client, request),
            retries: RetryBudget::new(policy, max_retries, request.idempotency),
            position: gate(client, request).map(RateGate::position),
            rejections: Rejections::default(),
        }
    }

    /// Sends the request until a response arrives or it must not be retried.
    pub async fn run(&mut self) -> Result<Received> {
        loop {
            let mut permit = self.permit().await?;
            if self.request.is_abandoned() {
                return Err(abandoned());
            }
            if let Some(observer) = &self.request.observer {
                observer.sending().await?;
            }
            let span = self.report.attempt();
            let failed = match self.attempt(&mut permit).instrument(span).await {
                Ok(received) => return Ok(received),
                // Reports and hooks receive the error, too.
                Err(failed) => FailedAttempt { error: self.client.without_token(failed.error), ..failed },
            };
            self.report.failed(&failed.error);
            let is_gated = permit.is_some() && failed.failure == Some(Failure::Status(429));
            let delay = match permit {
                Some(permit) if is_gated => self.reject(&failed.error, permit),
                permit => {
                    // Before the delay: others may use what is given back.
                    drop(permit);
                    self.delay(&failed)
                }
            };
            let is_abandoned = self.request.is_abandoned();
            let delay = delay.filter(|_| !is_abandoned);
            if let Some(observer) = &self.request.observer {
                let is_withdrawn = match delay {
                    Some(_) => failed.failure == Some(Failure::Status(429)),
                    // Nobody else records that nothing was created.
                    None => {
                        let is_rejected = matches!(failed.failure, Some(Failure::Status(..=499)));
                        is_abandoned && (is_rejected || failed.error.never_sent())
                    }
                };
                if is_withdrawn {
                    observer.withdrawn().await?;
                }
            }
            let Some(delay) = delay else { return Err(self.final_error(failed)) };
            if !self.report.retrying(&failed.error, delay, &self.timer).await? {
                return Err(self.final_error(failed));
            }
            if is_gated {
                // The next turn at the gate comes after the delay.
                self.rejections.error = Some(failed.error);
            } else {
                self.client.runtime().sleep(delay).await;
            }
        }
    }

    /// Waits until the rate gate permits an attempt. Fails once the time for it has passed. Returns `None` if no gate
    /// applies, or if the request was abandoned.
    async fn permit(&mut self) -> Result<Option<Permit<'a>>> {
        let runtime = self.client.runtime();
        let Some(position) = &mut self.position else { return Ok(None) };
        let gate = position.gate();
        let turn = position.turn(runtime, self.request);
        let Some(limit) = self.timer.remaining() else { return Ok(turn.await) };
        if let Some(permit) = within(runtime, limit, turn).await {
            return Ok(permit);
        }
        if let Some(error) = self.rejections.error.take() {
            return Err(self.final_error(FailedAttempt { error, failure: Some(Failure::Status(429)) }));
        }
        let rate = gate.per_minute(runtime.monotonic()).unwrap_or_default().ceil() as u64;
        let message = format!(
            "the timeout passed while the request waited for the rate limit of {rate} requests a minute, so it was not \
             sent. Allow more time, or send fewer requests at once."
        );
        Err(Error::new(self.timer.error_kind(), message).with_never_sent())
    }

    /// Returns the delay before the next attempt, or `None` if there must be none.
    fn delay(&mut self, failed: &FailedAttempt) -> Option<Duration> {
        self.retries.after(failed.failure?, failed.error.retry_after(), self.timer.remaining())
    }

    /// Tells the rate gate about a 429. Returns how long the request waits there, or `None` if it must not be sent again.
    fn reject(&mut self, error: &Error, permit: Permit<'_>) -> Option<Duration> {
        let now = self.client.runtime().monotonic();
        let rejections = &mut self.rejections;
        rejections.number += 1;
        let silence = permit.gate().since_accepted(*rejections.began.get_or_insert(now), now);
        let retry_after = error.retry_after();
        let pause = self.retries.after_rejection(rejections.number, retry_after, self.timer.remaining());
        // A longer delay is an error for each request: none of them should wait for so long.
        let longest = self.client.config().retry.max_retry_after;
        let asked = retry_after.filter(|asked| *asked <= longest);
        permit.rejected(pause.filter(|_| silence < MAX_SILENCE), asked, now)
    }

    fn final_error(&self, failed: FailedAttempt) -> Error {
        let FailedAttempt { error, failure } = failed;
        let attempts = self.retries.failed_attempts() + self.rejections.number + u32::from(failure.is_none());
        final_error(error, failure, self.request, attempts)
    }

    /// Sends the request, follows redirects and reads the response.
    async fn attempt(&mut self, permit: &mut Option<Permit<'_>>) -> Result<Received, FailedAttempt> {
        let original = self.client.url(self.request);
        let mut url = original.clone();
        let mut is_foreign = false;
        for _ in 0..=MAX_REDIRECTS {
            // Another origin must not choose the endpoint that receives the token.
            is_foreign |= !same_origin(&url, &original);
            if is_foreign {
                // Responses of another origin say nothing about the limits of the API.
                *permit = None;
            }
            let response = self.exchange(&url, is_foreign, permit.as_mut()).await?;
            match response.status {
                301 | 302 | 303 | 307 | 308
                    if self.request.method == "GET" && response.header("location").is_some() =>
                {
                    url = redirect_target(&url, &response)?;
                }
                200..=299 => {
                    let received = self.received.as_ref();
                    let reading =
                        self.client.read(self.request.method, response, self.reading, received.cloned());
                    let output = self.timer.step(received, reading).await;
                    let output = output.unwrap_or_else(|| Err(timeout_error(&url, self.timer.limit())));
                    return output
                        .map_err(|error| FailedAttempt { failure: retryable_failure(&error), error });
                }
                status => {
                    let limit = self.timer.step_limit();
                    let error = self.client.response_error(self.request, &url, response, limit).await;
                    return Err(FailedAttempt { error, failure: Some(Failure::Status(status)) });
                }
            }
        }
        let message = format!("too many redirects from {}", redacted_url(&original));
        Err(Error::new(ErrorKind::InvalidResponse, message).into())
    }

    /// Sends one HTTP request and returns the response with its body unread.
    async fn exchange(
        &mut self,
        url: &Url,
        is_foreign: bool,
        mut permit: Option<&mut Permit<'_>>,
    ) -> Result<HttpResponse, FailedAttempt> {
        let (client, request) = (self.client, self.request);
        let sent = request.body.progress();
        let mut http = client.http_request(request, url.clone(), is_foreign).await?;
        self.report.sending(&mut http, &self.timer).await.map_err(Error::with_never_sent)?;
        if request.is_abandoned() {
            return Err(abandoned().into());
        }
        let is_over = self.timer.remaining() == Some(Duration::ZERO);
        if is_over && request.idempotency == Idempotency::Once {
            let message =
                "the timeout passed before the request was sent, so nothing was created; allow more time";
            return Err(Error::new(self.timer.error_kind(), message).with_never_sent().into());
        }
        if let Some(permit) = &mut permit {
            permit.use_up();
        }
        let sending = client.transport().send(http);
        let mut is_unsent = false;
        let end = || request.is_abandoned().then(|| Err(abandoned()));
        let sending = watch(sending, &mut is_unsent, end);
        let response = self.timer.step(sent.as_ref(), sending).await;
        let response = response.unwrap_or_else(|| {
            let timeout = if is_unsent { unsent_error } else { timeout_error };
            Err(timeout(url, self.timer.limit()))
        });
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                // If the file cannot be read, the transport reports a broken connection. Report the file.
                if let Some(cause) = sent.as_ref().and_then(BodyProgress::take_error) {
                    return Err(cause.into());
                }
                if let Some(permit) = permit.filter(|_| error.never_sent()) {
                    permit.give_back();
                }
                return Err(FailedAttempt { failure: retryable_failure(&error), error });
            }
        };
        if let Some(permit) = permit.filter(|_| response.status != 429) {
            permit.accepted(&response.headers, client.runtime().monotonic());
        }
        match self.report.received(url, response.status, &response.headers, &self.timer).await {
            Ok(()) => Ok(response),
            Err(error) => Err(self.with_created(error, response).await.into()),
        }
    }

    /// Adds to the error of a hook what the response to a create says: the prediction, so that its call can cancel it, or
    /// that it may exist.
    async fn with_created(&mut self, error: Error, response: HttpResponse) -> Error {
        let request = self.request;
        if request.idempotency != Idempotency::Once || !matches!(response.status, 200..=299 | 500..=599) {
            return error;
        }
        if request.is_cancelable && response.status < 300 {
            let reading = Reading::Decode { expect: Expect::Object, as_text: false };
            let reading = self.client.read(request.method, response, reading, None);
            if let Some(Ok(received)) = self.timer.step(None, reading).await
                && let Ok(created) = received.payload().and_then(|created| created.value.into_value())
            {
                return error.with_prediction(created);
            }
        }
        error.with_lost_result()
    }
}

/// Returns the rate gate that a request passes.
fn gate<'a>(client: &'a Client, request: &Request) -> Option<&'a RateGate> {
    let gates = client.gates()?;
    let kind = match &request.target {
        RequestTarget::Path(path) => Kind::of(request.method, path),
        RequestTarget::Url(url) if client.owns(url) => Kind::of(request.method, url.path()),
        RequestTarget::Url(_) => None,
    };
    Some(gates.gate(kind?))
}

fn abandoned() -> Error {
    Error::new(ErrorKind::Internal, "the request was abandoned before it was sent").with_never_sent()
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
