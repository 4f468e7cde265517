//! Builds errors and adds their fields.

#[cfg(not(target_arch = "wasm32"))]
use std::panic::AssertUnwindSafe;
use std::{any::Any, sync::Arc, time::Duration};

#[cfg(not(target_arch = "wasm32"))]
use futures_util::FutureExt;

#[cfg(not(target_arch = "wasm32"))]
use super::Result;
use super::{Error, ErrorKind, ErrorResponse, Inner};
use crate::{platform::BoxError, value::Value};

impl Error {
    /// Builds an error. Implementations of [`Transport`](crate::transport::Transport) and
    /// [`ByteSource`](crate::ByteSource) use this.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind: Some(kind), message: message.into(), ..Inner::default() }))
    }

    /// Builds the error for a state that only a bug can cause.
    #[doc(hidden)]
    pub fn bug(what: &str) -> Self {
        Self::new(ErrorKind::Internal, format!("this is a bug in replicant, please report it: {what}"))
    }

    /// Converts a panic to an error.
    #[doc(hidden)]
    pub fn from_panic(panic: &(dyn Any + Send)) -> Self {
        Self::bug(text_of_panic(panic).unwrap_or("a panic"))
    }

    /// Marks the request as never sent, so that even a create is retried.
    ///
    /// A [`Transport`](crate::transport::Transport) sets this if it could not connect.
    pub fn with_never_sent(mut self) -> Self {
        self.0.never_sent = true;
        self
    }

    /// Marks an error that a hook of the user returned.
    pub(crate) fn with_hook(mut self) -> Self {
        self.0.of_hook = true;
        self
    }

    /// Marks an error that another attempt would not change.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn with_permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// Builds the error for an invalid argument: `` `name` problem``.
    pub(crate) fn invalid_argument(name: &str, problem: impl AsRef<str>) -> Self {
        Self::invalid(format!("`{name}` {}", problem.as_ref())).about(name)
    }

    /// Builds the error for a file that cannot be read.
    pub(crate) fn unreadable(source: BoxError) -> Self {
        match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Self::new(ErrorKind::FileNotFound, format!("cannot read the file: {source}"))
                .with_source(source),
        }
    }

    /// Names the place of a file, unless the error names one already or is not about the file.
    pub(crate) fn of_file(self, place: &str) -> Self {
        let is_about_it = matches!(
            self.kind(),
            ErrorKind::FileNotFound | ErrorKind::FileTooLarge | ErrorKind::InvalidArgument
        );
        if !is_about_it || self.0.argument.is_some() {
            return self;
        }
        self.map_message(|why| format!("`{place}`: {why}")).about(place)
    }

    /// Builds the error for background work that panicked, or that the runtime dropped.
    pub(crate) fn background_failed(source: BoxError) -> Self {
        Self::new(ErrorKind::Internal, "background work did not finish").with_source(source)
    }

    /// Names the argument that the message is about.
    pub(crate) fn about(mut self, argument: &str) -> Self {
        self.0.argument = Some(argument.to_owned());
        self
    }

    /// Sets the cause, which [`std::error::Error::source`] returns.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::new(source.into()));
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

    /// Says that a request may have been processed although its result is lost.
    pub(crate) fn with_lost_result(self) -> Self {
        let hint = "The request may have been processed (and billed); look for its result, for example in \
                    `predictions.list()`, before you send it again.";
        self.with_hint(hint).with_outcome_unknown()
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = Some(kind);
        self
    }

    pub(crate) fn map_message(mut self, map: impl FnOnce(String) -> String) -> Self {
        self.0.message = map(std::mem::take(&mut self.0.message));
        self
    }

    /// Appends advice to the message.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        let starts_sentence = hint.starts_with(|first: char| first.is_ascii_uppercase());
        for text in [&mut self.0.message, &mut self.0.hint] {
            if !text.is_empty() {
                // The texts of operating systems and runtimes have no period.
                text.push_str(if starts_sentence && !text.ends_with(['.', '!', '?']) { ". " } else { " " });
            }
            text.push_str(hint);
        }
        self
    }

    /// Redacts a secret that the server or a model may have echoed.
    pub(crate) fn redact(mut self, secret: &str) -> Self {
        let clean = |text: &mut String| {
            if text.contains(secret) {
                *text = text.replace(secret, "***");
            }
        };
        let Inner { message, hint, argument, url, response, prediction, partial, .. } = &mut *self.0;
        [Some(message), Some(hint), argument.as_mut(), url.as_mut()].into_iter().flatten().for_each(clean);
        let mut values = [prediction.as_mut(), partial.as_mut(), None];
        if let Some(response) = response {
            response.headers.iter_mut().for_each(|(_, value)| clean(value));
            clean(&mut response.body);
            let texts = [&mut response.problem_type, &mut response.title, &mut response.detail];
            texts.into_iter().chain([&mut response.instance]).flatten().for_each(clean);
            values[2] = response.invalid_fields.as_mut();
        }
        values.into_iter().flatten().for_each(|value| value.edit_texts(&clean));
        let mut cause = self.cause();
        if cause.contains(secret) {
            clean(&mut cause);
            return self.with_source(cause);
        }
        self
    }
}

/// Awaits code of the user, such as a hook, and converts a panic in it to an error.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) async fn caught<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let text = text_of_panic(&*panic).unwrap_or_default();
        Err(Error::new(ErrorKind::Internal, format!("{what} panicked: {text}")))
    })
}

/// On the web, a panic does not unwind.
#[cfg(target_arch = "wasm32")]
pub(crate) fn caught<F>(_what: &str, work: F) -> F {
    work
}

fn text_of_panic(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_any_field_is_redacted() {
        let inner = Error::invalid("inner: s3cret").with_source("cause: s3cret");
        let error = Error::invalid_argument("s3cret", "is s3cret").with_hint("s3cret").with_source(inner);
        let error = error
            .with_request("GET", "https://example.com/s3cret")
            .with_prediction(crate::json!({"id": "p1", "logs": ["s3cret"], "s3cret": 1}).into())
            .with_partial("as3cretb".into())
            .redact("s3cret");
        let shown = format!("{error} {error:?} {:?}", error.to_value());
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(error.partial().unwrap(), &"a***b");
        assert_eq!(error.cause(), "inner: ***: cause: ***");
    }
}
