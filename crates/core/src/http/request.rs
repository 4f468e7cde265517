//! Requests as data.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::Url;

use super::{body_progress::BodyProgress, deadline::Deadline, multipart::Multipart, retry::Idempotency};
use crate::{
    error::{Error, Result},
    platform::{BoxFuture, MaybeSend, MaybeSync},
    value::{Object, Value, options::options, seconds::limit},
};

options! {
    /// Options of a single request. They take precedence over the client's [`Options`](crate::Options).
    ///
    /// Every call has builder methods for these. [`operation::call`](crate::operation::call) accepts them as
    /// the parameter `request_options`.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use replicant::{json, operation};
    ///
    /// let params = json!({"id": "4b2q8m", "request_options": {"timeout": 5, "max_retries": 0}});
    /// operation::call(&client, "predictions.get", params.into(), None).await?;
    /// # Ok(()) }
    /// ```
    #[derive(Clone, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    #[non_exhaustive]
    pub struct RequestOptions {
        /// Time limit of the request with all its retries, in addition to the time that the server is asked to hold its
        /// response. For uploads and downloads, the time limit without progress. In seconds if decoded from a number.
        #[serde(deserialize_with = "limit")]
        pub timeout: Option<Duration>,
        /// Maximum number of retries.
        pub max_retries: Option<u32>,
        /// Additional headers, sent to the API origin only.
        pub headers: indexmap::IndexMap<String, String>,
        /// Additional query parameters, sent to the API origin only.
        pub query: indexmap::IndexMap<String, Value>,
        /// Additional members of a JSON body.
        pub body: Object,
    }
}

impl fmt::Debug for RequestOptions {
    /// Omits the values of headers, query and body, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestOptions")
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .field("headers", &self.headers.keys())
            .finish_non_exhaustive()
    }
}

/// A request body that can be sent several times.
#[derive(Debug)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    Text(String),
    Multipart(Multipart),
    Raw { content_type: Option<String>, bytes: Bytes },
}

impl Body {
    /// Returns the progress of a streamed body, or `None` for bodies sent as a whole.
    pub fn progress(&self) -> Option<BodyProgress> {
        match self {
            Self::Multipart(multipart) => Some(multipart.progress()),
            Self::Empty | Self::Json(_) | Self::Text(_) | Self::Raw { .. } => None,
        }
    }
}

/// Follows when a request is about to be sent, to record it first.
pub(crate) trait SendObserver: MaybeSend + MaybeSync {
    /// Called before each attempt, after the request has waited for its turn. After an error it is not sent.
    fn sending(&self) -> BoxFuture<'static, Result<()>>;

    /// Called if the API has certainly not processed the request, and it is not about to be sent: after a 429, before it waits
    /// for its next turn, and if it was abandoned before it was sent.
    fn withdrawn(&self) -> BoxFuture<'static, Result<()>>;
}

impl fmt::Debug for dyn SendObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendObserver")
    }
}

/// A request that has not been sent.
#[derive(Debug)]
pub struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: RequestTarget,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) idempotency: Idempotency,
    /// Whether the `timeout` includes the hold.
    pub(crate) hold_within_timeout: bool,
    pub(crate) deadline: Deadline,
    /// How long the request is retried, whatever the limits of the client. Its `timeout` limits each attempt.
    pub(crate) retried_for: Option<Duration>,
    /// Set when the caller has abandoned the request: an attempt that was sent completes, but none is sent.
    pub(crate) abandoned: Option<Arc<AtomicBool>>,
    /// Whether the caller of a create cancels a prediction that it does not return.
    pub(crate) is_cancelable: bool,
    pub(crate) observer: Option<Arc<dyn SendObserver>>,
    /// Whether the URL is that of a file, which a model can choose.
    pub(crate) is_file: bool,
    pub(crate) options: RequestOptions,
}

/// The target of a request.
#[derive(Debug, Clone)]
pub(crate) enum RequestTarget {
    /// A percent-encoded path relative to the base URL.
    Path(String),
    /// A URL returned by the API.
    Url(Url),
}

impl Request {
    fn new(method: &'static str, target: RequestTarget, idempotency: Idempotency) -> Self {
        Self {
            method,
            target,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            idempotency,
            hold_within_timeout: false,
            deadline: Deadline::none(),
            retried_for: None,
            abandoned: None,
            is_cancelable: false,
            observer: None,
            is_file: false,
            options: RequestOptions::default(),
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", RequestTarget::Path(path.into()), Idempotency::Safe)
    }

    pub(crate) fn get_url(url: Url) -> Self {
        Self::new("GET", RequestTarget::Url(url), Idempotency::Safe)
    }

    /// Reads the file at a URL.
    pub(crate) fn get_file(url: Url) -> Self {
        Self { is_file: true, ..Self::get_url(url) }
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new("POST", RequestTarget::Path(path.into()), Idempotency::Once)
    }

    pub(crate) fn with_method(method: &'static str, target: RequestTarget) -> Self {
        let idempotency =
            if matches!(method, "POST" | "PATCH") { Idempotency::Once } else { Idempotency::Safe };
        Self::new(method, target, idempotency)
    }

    pub(crate) fn patch(path: impl Into<String>) -> Self {
        Self::new("PATCH", RequestTarget::Path(path.into()), Idempotency::Once)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new("DELETE", RequestTarget::Path(path.into()), Idempotency::Safe)
    }

    /// Marks a POST or PATCH that can safely be sent twice.
    pub(crate) fn idempotent(mut self) -> Self {
        self.idempotency = Idempotency::Safe;
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.query.push((name.to_owned(), value.to_string()));
        }
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.as_ref().is_some_and(|abandoned| abandoned.load(Ordering::SeqCst))
    }

    pub(crate) fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Retries the request for so long, because it must succeed.
    pub(crate) fn retried_for(mut self, limit: Duration) -> Self {
        self.retried_for = Some(limit);
        self
    }

    pub(crate) fn options(mut self, options: RequestOptions) -> Self {
        self.options = options;
        self
    }
}

/// Characters to encode in a path segment: all but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Replaces each `{name}` in a path template with its percent-encoded value, in the order of `params`.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if a value is empty, is `.` or
/// `..`, or contains control characters. Such values are not ids and could reach another endpoint.
pub(crate) fn path(template: &str, params: &[(&str, &str)]) -> Result<String> {
    let mut path = String::with_capacity(template.len() + 32);
    let mut rest = template;
    for (name, value) in params {
        let problem = match *value {
            "" => Some("must not be empty"),
            "." | ".." => Some("is not an id"),
            value if value.chars().any(char::is_control) => Some("must not contain control characters"),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Error::invalid_argument(name, format!("{problem}: {value:?}")));
        }
        let (before, after) = rest.split_once('{').unwrap_or((rest, ""));
        debug_assert!(after.starts_with(name), "the parameters of {template} are out of order");
        path.push_str(before);
        path.extend(utf8_percent_encode(value, SEGMENT));
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    path.push_str(rest);
    Ok(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_encoded_or_rejected() {
        let get = |id: &str| path("/predictions/{id}/cancel", &[("id", id)]);
        assert_eq!(get("abc").unwrap(), "/predictions/abc/cancel");
        assert_eq!(get("../files/a?b#c").unwrap(), "/predictions/..%2Ffiles%2Fa%3Fb%23c/cancel");
        for bad in ["", ".", "..", "a\nb", "a\0"] {
            assert!(get(bad).unwrap_err().message().contains("`id`"), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_id_stays_one_segment(id in any::<String>()) {
            if let Ok(path) = path("/predictions/{id}", &[("id", &id)]) {
                let url = Url::parse(&format!("http://h/v1{path}")).unwrap();
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
                prop_assert!(url.path().starts_with("/v1/predictions/"));
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}
