//! The one error type: what kind it is, what the API said, and what is known about the work.

mod kind;
mod reason;
mod response;

use std::{error::Error as StdError, fmt, time::Duration};

pub(crate) use self::response::{header, reason_phrase};
pub use self::{kind::ErrorKind, reason::FailureReason, response::ErrorResponse};
use crate::{
    platform::BoxError,
    value::{Object, Value},
};

/// A specialised `Result`.
///
/// ```
/// fn tokens(text: &str) -> replicant::Result<usize> {
///     Ok(text.split_whitespace().count())
/// }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of any operation.
///
/// ```
/// # async fn example(client: replicant::Client) {
/// use replicant::ErrorKind;
/// match client.run("acme/model", replicant::json!({"prompt": "hi"})).await {
///     Ok(output) => println!("{output}"),
///     Err(error) if error.kind() == ErrorKind::RateLimited => println!("wait {:?}", error.retry_after()),
///     Err(error) => println!("{error}"),
/// }
/// # }
/// ```
pub struct Error(Box<Inner>);

#[derive(Default)]
struct Inner {
    kind: Option<ErrorKind>,
    message: String,
    /// The end of `message`: what to do, and how often it was tried.
    hint: String,
    method: Option<&'static str>,
    url: Option<String>,
    response: Option<ErrorResponse>,
    retry_after: Option<Duration>,
    outcome_unknown: bool,
    never_sent: bool,
    prediction: Option<Value>,
    partial: Option<Value>,
    source: Option<BoxError>,
}

impl Error {
    /// An error of `kind` with a message for the user.
    ///
    /// For those who bring a [`Transport`](crate::transport::Transport) or a
    /// [`ByteSource`](crate::ByteSource) of their own.
    ///
    /// ```
    /// use replicant::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Connection, "the relay is closed");
    /// assert_eq!(error.to_string(), "the relay is closed");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind: Some(kind), message: message.into(), ..Inner::default() }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_request(mut self, method: &'static str, url: impl Into<String>) -> Self {
        self.0.method.get_or_insert(method);
        self.0.url.get_or_insert_with(|| url.into());
        self
    }

    pub(crate) fn with_response(mut self, response: ErrorResponse) -> Self {
        self.0.response = Some(response);
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    pub(crate) fn with_prediction(mut self, prediction: Value) -> Self {
        self.0.prediction.get_or_insert(prediction);
        self
    }

    pub(crate) fn with_partial(mut self, partial: Value) -> Self {
        self.0.partial = Some(partial);
        self
    }

    pub(crate) fn with_outcome_unknown(mut self) -> Self {
        self.0.outcome_unknown = true;
        self
    }

    /// Marks an error of a request of which no byte was written, so that even a create may be
    /// sent again. A [`Transport`](crate::transport::Transport) sets it on connect errors.
    ///
    /// ```
    /// use replicant::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Connection, "connection refused").with_never_sent();
    /// assert!(!error.outcome_unknown());
    /// ```
    pub fn with_never_sent(mut self) -> Self {
        self.0.never_sent = true;
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = Some(kind);
        self
    }

    pub(crate) fn map_message(mut self, map: impl FnOnce(String) -> String) -> Self {
        self.0.message = map(std::mem::take(&mut self.0.message));
        self
    }

    /// Appends what the user can do about it.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        for text in [&mut self.0.message, &mut self.0.hint] {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(hint);
        }
        self
    }

    /// Removes a secret from everything that the server said.
    pub(crate) fn without(mut self, secret: &str) -> Self {
        let clean = |text: &mut String| {
            if text.contains(secret) {
                *text = text.replace(secret, "***");
            }
        };
        clean(&mut self.0.message);
        clean(&mut self.0.hint);
        if let Some(response) = &mut self.0.response {
            response.headers.iter_mut().for_each(|(_, value)| clean(value));
            clean(&mut response.body);
            let said = [&mut response.problem_type, &mut response.title, &mut response.detail];
            said.into_iter().chain([&mut response.instance]).flatten().for_each(clean);
            response.invalid_fields = response.invalid_fields.take().map(|fields| {
                fields.map_leaves(&mut |leaf| match leaf {
                    Value::String(text) => Value::String(text.replace(secret, "***")),
                    leaf => leaf,
                })
            });
        }
        self
    }

    /// What went wrong.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     match error.kind() {
    ///         replicant::ErrorKind::PredictionFailed => println!("the model says: {error}"),
    ///         replicant::ErrorKind::Authentication => println!("set REPLICATE_API_TOKEN"),
    ///         _ => return Err(error),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Internal)
    }

    /// The stable code of the kind, the same in every language.
    ///
    /// ```
    /// use replicant::{Error, ErrorKind};
    ///
    /// assert_eq!(Error::new(ErrorKind::Timeout, "...").code(), "timeout");
    /// ```
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// The message alone; `Display` prints the same.
    ///
    /// ```
    /// use replicant::{Error, ErrorKind};
    ///
    /// assert_eq!(Error::new(ErrorKind::Timeout, "no answer").message(), "no answer");
    /// ```
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// HTTP status, where a server answered.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     println!("{:?}", error.status());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// What the server answered.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     println!("{:?}", error.response().and_then(|response| response.invalid_fields.clone()));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn response(&self) -> Option<&ErrorResponse> {
        self.0.response.as_ref()
    }

    /// The API's id of the request, for a support ticket.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     eprintln!("{error} (request {})", error.request_id().unwrap_or("unknown"));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn request_id(&self) -> Option<&str> {
        let headers = &self.response()?.headers;
        ["x-request-id", "request-id", "replicate-request-id", "cf-ray"]
            .iter()
            .find_map(|name| header(headers, name))
    }

    /// How long the API asks to wait.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     if let Some(wait) = error.retry_after() {
    ///         println!("again in {} s", wait.as_secs_f64());
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Method and URL of the request this is about.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     if let Some((method, url)) = error.request() {
    ///         println!("{method} {url} failed");
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn request(&self) -> Option<(&'static str, &str)> {
        Some((self.0.method?, self.0.url.as_deref()?))
    }

    /// Whether a create may have been carried out although no answer says so.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let create = client.predictions().create("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// if let Err(error) = create.await
    ///     && error.outcome_unknown()
    /// {
    ///     let newest = client.predictions().list().await?.results;
    ///     println!("is it one of these? {newest:?}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    pub(crate) fn never_sent(&self) -> bool {
        self.0.never_sent
    }

    /// The prediction this is about, as last seen (an object).
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     if let Some(prediction) = error.prediction() {
    ///         println!("{}: {}", prediction["id"], prediction["logs"]);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn prediction(&self) -> Option<&Value> {
        self.0.prediction.as_ref()
    }

    /// Why a model failed, read from its error text; `None` if no model did.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use replicant::FailureReason;
    ///
    /// if let Err(error) = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await {
    ///     if error.reason() == Some(FailureReason::ContentFilter) {
    ///         println!("choose another prompt");
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn reason(&self) -> Option<FailureReason> {
        use ErrorKind::{PredictionAborted, PredictionCanceled, PredictionFailed};
        let failed = matches!(self.kind(), PredictionFailed | PredictionCanceled | PredictionAborted);
        self.prediction().filter(|_| failed).map(reason::of_prediction)
    }

    /// What had arrived before the failure.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let events = client.stream("acme/text", replicant::json!({"prompt": "Sing."})).await?;
    /// if let Err(error) = events.try_collect::<Vec<_>>().await
    ///     && let Some(text) = error.partial()
    /// {
    ///     println!("until it broke: {text}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn partial(&self) -> Option<&Value> {
        self.0.partial.as_ref()
    }

    /// Returns all fields as an object, in which an error crosses into another language.
    ///
    /// ```
    /// use replicant::{Error, ErrorKind};
    ///
    /// let fields = Error::new(ErrorKind::Timeout, "no answer").to_value();
    /// assert_eq!(fields["code"], "timeout");
    /// ```
    pub fn to_value(&self) -> Value {
        let mut fields = Object::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        put("code", Some(self.code().into()));
        put("message", Some(self.to_string().into()));
        put("method", self.0.method.map(Value::from));
        put("url", self.0.url.clone().map(Value::from));
        if let Some(response) = self.response() {
            put("status", Some(i64::from(response.status).into()));
            put("status_text", Some(reason_phrase(response.status).into()));
            put("hint", Some(self.0.hint.as_str().into()).filter(|_| !self.0.hint.is_empty()));
            put("type", response.problem_type.clone().map(Value::from));
            put("title", response.title.clone().map(Value::from));
            put("detail", response.detail.clone().map(Value::from));
            put("instance", response.instance.clone().map(Value::from));
            put("invalid_fields", response.invalid_fields.clone());
            put("body", Some(response.body.clone().into()));
            let headers = response.headers.iter().map(|(name, value)| (name.clone(), value.clone().into()));
            put("headers", Some(Value::Object(headers.collect())));
        }
        put("request_id", self.request_id().map(Value::from));
        put("retry_after", self.0.retry_after.map(|wait| wait.as_secs_f64().into()));
        put("outcome_unknown", self.0.outcome_unknown.then_some(true.into()));
        put("prediction", self.0.prediction.clone());
        put("partial", self.0.partial.clone());
        put("reason", self.reason().map(|reason| reason.name().into()));
        let causes: Vec<String> = causes(self).map(ToString::to_string).collect();
        put("cause", (!causes.is_empty()).then(|| causes.join(": ").into()));
        Value::Object(fields)
    }
}

/// The causes of an error, nearest first.
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
        self.0.source.as_ref().map(|source| &**source as _)
    }
}
