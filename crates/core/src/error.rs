//! The error type and its accessors.

mod build;
mod decode;
mod fields;
mod kind;
mod reason;
mod response;

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

pub(crate) use self::build::caught;
pub(crate) use self::{
    decode::{Params, decode, decode_params, flattened},
    response::{headers_value, reason_phrase, request_id},
};
pub use self::{
    kind::ErrorKind,
    reason::FailureReason,
    response::{ErrorResponse, header},
};
use crate::{platform::BoxError, value::Value};

/// A `Result` whose error is [`enum@Error`](Error) unless stated otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of every operation.
///
/// [`kind`](Error::kind) identifies the cause; [`message`](Error::message) describes it and suggests a remedy.
/// No field contains the token.
///
/// ```
/// # async fn example(client: replicant::Client) {
/// use replicant::ErrorKind;
///
/// match client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
///     Ok(output) => println!("{output}"),
///     Err(error) if error.kind() == ErrorKind::RateLimited => println!("wait {:?}", error.retry_after()),
///     Err(error) if error.outcome_unknown() => println!("it may be running; see `predictions().list()`"),
///     Err(error) => println!("{error} ({:?})", error.prediction()),
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, Default)]
struct Inner {
    kind: Option<ErrorKind>,
    message: String,
    /// The last part of `message`: advice and the number of attempts.
    hint: String,
    argument: Option<String>,
    method: Option<&'static str>,
    url: Option<String>,
    response: Option<ErrorResponse>,
    retry_after: Option<Duration>,
    outcome_unknown: bool,
    never_sent: bool,
    permanent: bool,
    of_hook: bool,
    prediction: Option<Value>,
    partial: Option<Value>,
    source: Option<Arc<BoxError>>,
}

impl Error {
    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Internal)
    }

    /// Returns the code of the kind. Codes are the same in every language.
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// Returns the message: the cause and a remedy.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the name of the invalid option or argument, such as `max_retries` or `input.image`.
    pub fn argument(&self) -> Option<&str> {
        self.0.argument.as_deref()
    }

    /// Returns the HTTP status of the response. For an invalid webhook, the status to respond with: 400 or 401.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status).or_else(|| self.kind().webhook_status())
    }

    /// Returns the unsuccessful response of the API.
    pub fn response(&self) -> Option<&ErrorResponse> {
        self.0.response.as_ref()
    }

    /// Returns the id that the API assigned to the request, for support inquiries.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.response()?.headers)
    }

    /// Returns the delay before the next request that the API asks for (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the method and the URL of the request, without its query.
    pub fn request(&self) -> Option<(&'static str, &str)> {
        Some((self.0.method?, self.0.url.as_deref()?))
    }

    /// Returns `true` if a create may have been processed although no response confirms it.
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// Returns `true` if no part of the request was sent or processed, so that any request can be retried.
    pub(crate) fn never_sent(&self) -> bool {
        self.0.never_sent
    }

    /// Returns `true` if another attempt would fail in the same way.
    pub(crate) fn is_permanent(&self) -> bool {
        self.0.permanent
    }

    /// Returns `true` if a hook of the user returned the error.
    pub(crate) fn is_of_hook(&self) -> bool {
        self.0.of_hook
    }

    /// Returns the prediction as last seen: an object as the API returned it.
    pub fn prediction(&self) -> Option<&Value> {
        self.0.prediction.as_ref()
    }

    /// Returns why the prediction failed, inferred from its error text. `None` for errors of other kinds.
    pub fn reason(&self) -> Option<FailureReason> {
        self.prediction().filter(|_| self.kind().ends_prediction()).map(reason::of_prediction)
    }

    /// Returns the partial result: the text received from a stream, or the paths of saved files.
    pub fn partial(&self) -> Option<&Value> {
        self.0.partial.as_ref()
    }
}

/// Iterates over the causes of an error, the immediate one first.
pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.0.message)?;
        if let Some((method, url)) = self.request() {
            write!(f, "\n  request: {method} {url}")?;
        }
        if let Some(status) = self.status() {
            write!(f, "\n  status: {status}")?;
        }
        if let Some(id) = self.request_id() {
            write!(f, "\n  request id: {id}")?;
        }
        causes(self).try_for_each(|cause| write!(f, "\n  caused by: {cause}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &***source as _)
    }
}
