//! Reports a request and its attempts: events for logs, a span for each attempt, and calls of the client's hooks.
//!
//! Events have the fields `method`, `path`, `status`, `duration_ms`, `attempt`, `request_id` and `prediction_id`. Spans
//! follow the semantic conventions of OpenTelemetry for HTTP clients. Neither contains headers, the token or a query.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tracing::{Span, debug, field::Empty, info, info_span, level_filters::LevelFilter};
use url::Url;

use super::{
    Client,
    hooks::{HeaderChanges, RequestEvent, ResponseEvent, RetryEvent},
    timer::Timer,
};
use crate::{
    error::{Error, ErrorKind, Result, caught, request_id},
    http::{
        headers::check_header,
        request::{Request, RequestTarget},
        secrets::is_for_the_api_only,
        time_limit::within,
        transport::{HttpBody, HttpRequest},
        url::redacted_url,
    },
    platform::BoxFuture,
};

/// The number of requests that were reported.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Reports one request.
pub(super) struct Report<'a> {
    client: &'a Client,
    request: &'a Request,
    /// `None` while nothing receives reports.
    state: Option<Box<State>>,
}

struct State {
    /// The number of the request, for the hooks.
    number: u64,
    began: Duration,
    url: Url,
    attempt: u32,
    attempt_began: Duration,
    span: Span,
    /// Status and request id of the last response.
    status: Option<u16>,
    request_id: Option<String>,
}

impl<'a> Report<'a> {
    pub fn new(client: &'a Client, request: &'a Request) -> Self {
        let wanted = LevelFilter::current() != LevelFilter::OFF || client.hooks().is_some();
        let state = wanted.then(|| {
            Box::new(State {
                number: REQUESTS.fetch_add(1, Relaxed),
                began: client.runtime().monotonic(),
                url: client.url(request),
                attempt: 0,
                attempt_began: Duration::ZERO,
                span: Span::none(),
                status: None,
                request_id: None,
            })
        });
        Self { client, request, state }
    }

    /// Begins an attempt and returns its span.
    pub fn attempt(&mut self) -> Span {
        let Some(state) = &mut self.state else { return Span::none() };
        state.attempt += 1;
        state.attempt_began = self.client.runtime().monotonic();
        (state.status, state.request_id) = (None, None);
        if !self.client.config().tracing {
            return Span::none();
        }
        let url = &state.url;
        state.span = info_span!(
            target: "replicant",
            "attempt",
            otel.name = self.request.method,
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = self.request.method,
            http.request.resend_count = (state.attempt > 1).then_some(state.attempt - 1),
            http.response.status_code = Empty,
            server.address = url.host_str(),
            server.port = url.port_or_known_default(),
            url.full = redacted_url(url),
            "error.type" = Empty,
        );
        state.span.clone()
    }

    /// Reports that a request is about to be sent, and applies the changes of the hooks.
    pub async fn sending(&mut self, http: &mut HttpRequest, timer: &Timer<'_>) -> Result<()> {
        let Some(state) = &self.state else { return Ok(()) };
        let body = match &http.body {
            HttpBody::Bytes(bytes) => Some(bytes.clone()),
            HttpBody::Empty | HttpBody::Stream { .. } => None,
        };
        let log_body = || {
            let body = body.as_ref().filter(|_| self.client.config().log_bodies)?;
            Some(self.client.redacted_body(body))
        };
        debug!(
            target: "replicant",
            method = http.method,
            host = http.url.host_str(),
            path = http.url.path(),
            attempt = state.attempt,
            prediction_id = prediction_id(self.request),
            body = log_body(),
            "sending request"
        );
        let Some(hooks) = self.client.hooks() else { return Ok(()) };
        let token = self.client.config().token.as_deref();
        let has_token = |value: &str| token.is_some() && value.strip_prefix("Bearer ") == token;
        let headers = http.headers.iter();
        let headers = headers.filter(|(name, value)| name != "authorization" || !has_token(value));
        let event = RequestEvent {
            request: state.number,
            method: http.method,
            url: http.url.as_str().to_owned(),
            headers: headers.cloned().collect(),
            body,
            attempt: state.attempt,
        };
        let changes = caught("`on_request`", async move { hooks.on_request(event).await });
        match self.limited(Box::pin(changes), timer).await? {
            Some(changes) => self.apply(changes, http),
            None => Err(hook_timeout_error("on_request", timer)),
        }
    }

    /// Runs a hook. Returns `None` if it takes longer than the `timeout` or deadline leaves.
    async fn limited(
        &self,
        hook: BoxFuture<'_, Result<HeaderChanges>>,
        timer: &Timer<'_>,
    ) -> Result<Option<HeaderChanges>> {
        let limit = timer.remaining().unwrap_or(Duration::MAX);
        within(self.client.runtime(), limit, hook).await.transpose().map_err(Error::with_hook)
    }

    fn apply(&self, changes: HeaderChanges, http: &mut HttpRequest) -> Result<()> {
        let token = self.client.config().token.as_deref();
        for (name, value) in changes {
            let name = name.to_ascii_lowercase();
            // A header that is removed need not be valid.
            if let Some(value) = &value {
                check_header("on_request", &name, value)?;
            }
            let secret = |value: &String| token.is_some_and(|token| value.contains(token));
            if !http.to_api && (is_for_the_api_only(&name) || value.as_ref().is_some_and(secret)) {
                continue;
            }
            http.headers.retain(|(existing, _)| *existing != name);
            http.headers.extend(value.map(|value| (name, value)));
        }
        Ok(())
    }

    /// Reports the head of a response.
    pub async fn received(
        &mut self,
        url: &Url,
        status: u16,
        headers: &[(String, String)],
        timer: &Timer<'_>,
    ) -> Result<()> {
        let event = self.record_head(url, status, headers);
        let (Some(event), Some(hooks)) = (event, self.client.hooks()) else { return Ok(()) };
        let hook = caught("`on_response`", async move { hooks.on_response(event).await });
        match self.limited(without_changes(Box::pin(hook)), timer).await? {
            Some(_) => Ok(()),
            None => Err(hook_timeout_error("on_response", timer)),
        }
    }

    fn record_head(&mut self, url: &Url, status: u16, headers: &[(String, String)]) -> Option<ResponseEvent> {
        let state = self.state.as_mut()?;
        let duration = self.client.runtime().monotonic().saturating_sub(state.attempt_began);
        state.status = Some(status);
        state.request_id = request_id(headers).map(str::to_owned);
        state.span.record("http.response.status_code", status);
        debug!(
            target: "replicant",
            method = self.request.method,
            path = url.path(),
            status,
            duration_ms = milliseconds(duration),
            attempt = state.attempt,
            request_id = state.request_id,
            prediction_id = prediction_id(self.request),
            "received response"
        );
        self.client.hooks()?;
        Some(ResponseEvent {
            request: state.number,
            method: self.request.method,
            url: url.as_str().to_owned(),
            status,
            headers: headers.to_vec(),
            attempt: state.attempt,
            duration,
        })
    }

    /// Reports a failed attempt.
    pub fn failed(&mut self, error: &Error) {
        let Some(state) = &mut self.state else { return };
        match state.status {
            Some(status @ 400..) => state.span.record("error.type", status.to_string()),
            _ => state.span.record("error.type", error.code()),
        };
        state.span.record("otel.status_code", "ERROR");
        state.span = Span::none();
    }

    /// Reports the delay before the next attempt. Returns `false` if the time for it passed in the hook.
    pub async fn retrying(&mut self, error: &Error, delay: Duration, timer: &Timer<'_>) -> Result<bool> {
        let Some(state) = &self.state else { return Ok(true) };
        // Other messages may quote the response.
        let own = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
        info!(
            target: "replicant",
            method = self.request.method,
            path = state.url.path(),
            attempt = state.attempt,
            wait_ms = milliseconds(delay),
            status = state.status,
            error = error.code(),
            reason = own.then(|| error.message()),
            request_id = state.request_id,
            prediction_id = prediction_id(self.request),
            "retrying request"
        );
        let Some(hooks) = self.client.hooks() else { return Ok(true) };
        let retry = RetryEvent {
            request: state.number,
            method: self.request.method,
            url: self.client.redacted_url(self.request),
            attempt: state.attempt,
            delay,
            code: error.code(),
            message: error.message().to_owned(),
            status: state.status,
            request_id: state.request_id.clone(),
        };
        let hook = caught("`on_retry`", async move { hooks.on_retry(retry).await });
        let returned = self.limited(without_changes(Box::pin(hook)), timer).await?;
        Ok(returned.is_some())
    }

    /// Reports the end of the request.
    pub fn finished(&self, error: Option<&Error>) {
        let Some(state) = &self.state else { return };
        let outcome = if error.is_some() { "request failed" } else { "request succeeded" };
        info!(
            target: "replicant",
            method = self.request.method,
            path = state.url.path(),
            status = state.status,
            error = error.map(Error::code),
            duration_ms = milliseconds(self.client.runtime().monotonic().saturating_sub(state.began)),
            attempt = state.attempt,
            request_id = state.request_id,
            prediction_id = prediction_id(self.request),
            "{outcome}"
        );
    }
}

/// Logs the body of a response.
pub(super) fn log_response_body(client: &Client, method: &'static str, status: u16, body: &[u8]) {
    debug!(target: "replicant", method, status, body = client.redacted_body(body), "read response");
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the id of the prediction that a request is about.
fn prediction_id(request: &Request) -> Option<&str> {
    let RequestTarget::Path(path) = &request.target else { return None };
    path.strip_prefix("/predictions/")?.split('/').next()
}

/// Builds the error of a hook that ran for too long.
fn hook_timeout_error(hook: &str, timer: &Timer<'_>) -> Error {
    Error::new(timer.error_kind(), format!("the timeout passed while `{hook}` ran; allow more time"))
}

/// Converts a hook to the type of `on_request`, so that time limits are compiled once.
fn without_changes(hook: BoxFuture<'_, Result<()>>) -> BoxFuture<'_, Result<HeaderChanges>> {
    Box::pin(async { hook.await.map(|()| HeaderChanges::new()) })
}
