//! One request and its retries: from [`Request`] to an answer or the error that tells why not.

use std::time::Duration;

use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::{
    Client,
    encode::redirected,
    failure::{after_last_attempt, timed_out},
    response::{Answer, Expect, ReadBody, Reply, decode_body, keep_body},
};
use crate::{
    error::{Error, ErrorKind, Result, decode},
    http::{
        body_progress::BodyProgress,
        request::Request,
        retry::{Failure, Idempotency, RetryBudget},
        time_limit::while_moving,
        transport::{BodySource, HttpResponse, StreamBody},
        url::{redacted_url, same_origin},
    },
    platform::{BoxFuture, MaybeSend},
};

/// How long an answer may take after the server has held it as long as it was asked to.
const AFTER_HOLD: Duration = Duration::from_secs(15);
/// The largest part of an error body that is kept.
pub(super) const ERROR_BODY: usize = 64 * 1024;
const MAX_REDIRECTS: usize = 5;

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
        self.send_and_read(request, expect, decode_body).await
    }

    /// The same, with JSON as the text that came.
    pub(crate) async fn send_as_text(&self, request: &Request, expect: Expect) -> Result<Reply<Answer>> {
        self.send_and_read(request, expect, keep_body).await
    }

    async fn send_and_read<T: MaybeSend + 'static>(
        &self,
        request: &Request,
        expect: Expect,
        read: ReadBody<T>,
    ) -> Result<Reply<T>> {
        // Content can be of any size, so it is given up when nothing moves, not after a time.
        let moving = (expect == Expect::Bytes).then(BodyProgress::default);
        self.exchange(request, moving.as_ref(), |response| {
            let moving = moving.clone();
            Box::pin(async move {
                let HttpResponse { status, headers, body } = response;
                let body = match moving {
                    Some(moving) => watched(body, moving).bytes().await?,
                    None => body.bytes().await?,
                };
                let value = read(expect, status, &headers, body)?;
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
        moving: Option<&BodyProgress>,
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
        moving: Option<&BodyProgress>,
        read: impl Fn(HttpResponse) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let mut retries = RetryBudget::new(self.config().retry, request.options.max_retries, request.repeat);
        loop {
            if request.is_abandoned() {
                return Err(Error::new(ErrorKind::Internal, "the request was abandoned before it was sent"));
            }
            let Attempt { error, failure } = match self.attempt(request, moving, &read).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let wait = failure.and_then(|failure| {
                let remaining = request.deadline.remaining(self.runtime());
                retries.after(failure, error.retry_after(), remaining)
            });
            match wait {
                Some(wait) if !request.is_abandoned() => self.runtime().sleep(wait).await,
                _ => {
                    let attempts = retries.failed_attempts() + u32::from(failure.is_none());
                    return Err(after_last_attempt(error, failure, request, attempts));
                }
            }
        }
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        moving: Option<&BodyProgress>,
        read: &impl Fn(HttpResponse) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T, Attempt> {
        let limit = match request.options.timeout {
            Some(timeout) => timeout.saturating_add(request.hold),
            None if request.hold.is_zero() => self.config().timeout,
            None => request.hold + AFTER_HOLD,
        };
        // A create that was sent is not given up at the deadline: its answer tells what to cancel.
        let remaining =
            request.deadline.remaining(self.runtime()).filter(|_| request.repeat != Idempotency::Once);
        let limit = remaining.map_or(limit, |left| left.min(limit));
        let asked = self.url(request)?;
        let mut url = asked.clone();
        for _ in 0..=MAX_REDIRECTS {
            let progress = request.body.progress();
            let http = self.http_request(request, url.clone(), !same_origin(&url, &asked)).await?;
            let sent =
                while_moving(self.runtime(), limit, progress.as_ref(), self.config().transport.send(http))
                    .await;
            let response = match sent {
                Some(Ok(response)) => response,
                Some(Err(error)) => {
                    // A file that cannot be read shows as a broken connection; the file is the news.
                    if let Some(cause) = progress.as_ref().and_then(BodyProgress::take_error) {
                        return Err(cause.into());
                    }
                    return Err(Attempt { failure: fault(&error), error });
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
                    return answer.map_err(|error| Attempt { failure: fault(&error), error });
                }
                status => {
                    let error = self.refused(request, &url, response).await;
                    return Err(Attempt { error, failure: Some(Failure::Status(status)) });
                }
            }
        }
        Err(Error::new(
            ErrorKind::InvalidResponse,
            format!("too many redirects from {}", redacted_url(&asked)),
        )
        .into())
    }
}

/// Which fault of the network an error is. `None` for one that would come again, such as a header that
/// cannot be sent, or a transport that is itself at fault.
fn fault(error: &Error) -> Option<Failure> {
    match error.kind() {
        _ if error.never_sent() => Some(Failure::NeverSent),
        ErrorKind::Connection | ErrorKind::Timeout => Some(Failure::Lost),
        _ => None,
    }
}

/// The same body, its bytes counted as they come.
fn watched(body: Box<dyn BodySource>, moving: BodyProgress) -> Box<dyn BodySource> {
    let chunks = body.stream().inspect(move |chunk| moving.add(chunk.as_ref().map_or(0, bytes::Bytes::len)));
    Box::new(StreamBody(Box::pin(chunks)))
}
