//! Functions of the user that a client calls for each request.

use std::{fmt, time::Duration};

use bytes::Bytes;

use super::response::RateLimit;
use crate::{
    error::{Result, headers_value, request_id},
    platform::{BoxFuture, MaybeSend, MaybeSync},
    value::Value,
};

/// Headers to change: a value replaces or adds a header, `None` removes it.
pub type HeaderChanges = Vec<(String, Option<String>)>;

/// Functions that a client calls for each attempt of a request, in order. Each may fail, which ends the call with its
/// error.
///
/// ```
/// use std::sync::Arc;
/// use replicant::{
///     BoxFuture, Client, Options, Result,
///     hooks::{HeaderChanges, Hooks, RequestEvent, ResponseEvent},
/// };
///
/// struct Tenant;
///
/// impl Hooks for Tenant {
///     fn on_request(&self, _: RequestEvent) -> BoxFuture<'static, Result<HeaderChanges>> {
///         Box::pin(async { Ok(vec![("x-tenant".to_owned(), Some("acme".to_owned()))]) })
///     }
///
///     fn on_response(&self, response: ResponseEvent) -> BoxFuture<'static, Result<()>> {
///         println!("{} {} took {:?}", response.method, response.status, response.duration);
///         Box::pin(async { Ok(()) })
///     }
/// }
///
/// let client = Client::new(Options { hooks: Some(Arc::new(Tenant)), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
///
/// A panic in a hook ends the call as an error does.
pub trait Hooks: MaybeSend + MaybeSync {
    /// Called before each attempt. Returns the headers to change.
    ///
    /// A request to another origin than the API, such as the download of a file, receives no changes of
    /// `authorization`, `proxy-authorization`, `cookie` or `baggage`, and none that contain the token.
    ///
    /// # Errors
    /// Any error. It ends the call, and nothing is sent.
    fn on_request(&self, request: RequestEvent) -> BoxFuture<'static, Result<HeaderChanges>> {
        drop(request);
        Box::pin(async { Ok(HeaderChanges::new()) })
    }

    /// Called with the status and the headers of each response, before its body is read.
    ///
    /// # Errors
    /// Any error. It ends the call.
    fn on_response(&self, response: ResponseEvent) -> BoxFuture<'static, Result<()>> {
        drop(response);
        Box::pin(async { Ok(()) })
    }

    /// Called after a failed attempt that will be retried, before the delay.
    ///
    /// # Errors
    /// Any error. It ends the call.
    fn on_retry(&self, retry: RetryEvent) -> BoxFuture<'static, Result<()>> {
        drop(retry);
        Box::pin(async { Ok(()) })
    }
}

/// An attempt that is about to be sent.
#[derive(Clone)]
#[non_exhaustive]
pub struct RequestEvent {
    /// Number of the request, the same in all events of its attempts. No two requests of a process share it.
    pub request: u64,
    /// Method, in upper case.
    pub method: &'static str,
    /// URL.
    pub url: String,
    /// Headers, with lower-case names. The `authorization` header with the client's token is omitted.
    pub headers: Vec<(String, String)>,
    /// Body, unless it is streamed.
    pub body: Option<Bytes>,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

/// A response whose body has not been read.
#[derive(Clone)]
#[non_exhaustive]
pub struct ResponseEvent {
    /// Number of the request, the same in all events of its attempts. No two requests of a process share it.
    pub request: u64,
    /// Method of the request, in upper case.
    pub method: &'static str,
    /// URL of the request.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// Headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Time from the start of the attempt to the head of the response.
    pub duration: Duration,
}

/// A failed attempt that will be retried.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetryEvent {
    /// Number of the request, the same in all events of its attempts. No two requests of a process share it.
    pub request: u64,
    /// Method of the request, in upper case.
    pub method: &'static str,
    /// URL of the request, without its query.
    pub url: String,
    /// Number of the failed attempt, from 1.
    pub attempt: u32,
    /// Delay before the next attempt.
    pub delay: Duration,
    /// Code of the error.
    pub code: &'static str,
    /// Message of the error.
    pub message: String,
    /// Status, if there was a response.
    pub status: Option<u16>,
    /// Request id, if there was a response.
    pub request_id: Option<String>,
}

impl RequestEvent {
    /// Returns the members as an object, for the bindings. A body that is text is a string.
    #[doc(hidden)]
    pub fn to_value(&self) -> Value {
        let text = |body: &Bytes| match std::str::from_utf8(body) {
            Ok(text) => Value::from(text),
            Err(_) => Value::Null,
        };
        Value::from_members([
            ("hook", "request".into()),
            ("request", self.request.into()),
            ("method", self.method.into()),
            ("url", self.url.as_str().into()),
            ("headers", headers_value(&self.headers)),
            ("body", self.body.as_ref().map_or(Value::Null, text)),
            ("attempt", self.attempt.into()),
        ])
    }
}

impl ResponseEvent {
    /// Returns the id that the API assigned to the request.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers)
    }

    /// Returns the rate limit that the response reports.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::of(&self.headers)
    }

    /// Returns the members as an object, for the bindings. The duration is in seconds.
    #[doc(hidden)]
    pub fn to_value(&self) -> Value {
        Value::from_members([
            ("hook", "response".into()),
            ("request", self.request.into()),
            ("method", self.method.into()),
            ("url", self.url.as_str().into()),
            ("status", u32::from(self.status).into()),
            ("headers", headers_value(&self.headers)),
            ("attempt", self.attempt.into()),
            ("duration", self.duration.as_secs_f64().into()),
            ("request_id", self.request_id().map(Value::from).into()),
            ("rate_limit", self.rate_limit().map(RateLimit::to_value).into()),
        ])
    }
}

impl RetryEvent {
    /// Returns the members as an object, for the bindings. The delay is in seconds.
    #[doc(hidden)]
    pub fn to_value(&self) -> Value {
        Value::from_members([
            ("hook", "retry".into()),
            ("request", self.request.into()),
            ("method", self.method.into()),
            ("url", self.url.as_str().into()),
            ("attempt", self.attempt.into()),
            ("delay", self.delay.as_secs_f64().into()),
            ("code", self.code.into()),
            ("message", self.message.as_str().into()),
            ("status", self.status.map(u32::from).into()),
            ("request_id", self.request_id.as_deref().into()),
        ])
    }
}

impl fmt::Debug for RequestEvent {
    /// Writes the method and the attempt only: URL, headers and body may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestEvent")
            .field("method", &self.method)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseEvent {
    /// Omits the URL and the headers, which may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseEvent")
            .field("status", &self.status)
            .field("attempt", &self.attempt)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}
