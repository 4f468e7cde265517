//! The interface to the network: [`Transport`] sends an HTTP request and returns the response.
//!
//! Retries, polling, streams and files are built on top of it. The default on an operating system is
//! [`HttpTransport`](crate::native::HttpTransport); the bindings also implement it over transports of their
//! language.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use url::Url;

use crate::{
    error::{Error, ErrorKind, Result},
    platform::{BoxFuture, BoxStream, MaybeSend, MaybeSync},
};

/// Sends HTTP requests.
///
/// An implementation must not follow redirects, which could send the token to another origin, and must not
/// retry. Dropping the future must end the request.
///
/// ```
/// use std::sync::Arc;
/// use replicant::{
///     BoxFuture, Client, Options, Result,
///     transport::{HttpRequest, HttpResponse, Transport},
/// };
///
/// /// Responds to every request with the same body, for tests.
/// struct Canned(&'static [u8]);
///
/// impl Transport for Canned {
///     fn send(&self, _request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
///         let body = Box::new(bytes::Bytes::from_static(self.0));
///         Box::pin(async { Ok(HttpResponse::new(200, Vec::new(), body)) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let transport = Arc::new(Canned(br#"{"type": "user", "username": "acme"}"#));
/// let client = Client::new(Options { transport: Some(transport), ..Options::default() })?;
/// assert_eq!(client.account().await?.username, "acme");
/// # Ok(()) }
/// ```
pub trait Transport: MaybeSend + MaybeSync {
    /// Sends the request. The future resolves once the head of the response has arrived.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`](crate::ErrorKind::Connection) or
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout), marked with
    /// [`Error::with_never_sent`](crate::Error::with_never_sent) if no part of the request can have
    /// reached the server. Errors of other kinds are not retried.
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>>;
}

/// An HTTP request.
///
/// ```
/// use replicant::transport::HttpRequest;
///
/// fn line(request: &HttpRequest) -> String {
///     format!("{} {} HTTP/1.1", request.method, request.url.path())
/// }
/// ```
#[non_exhaustive]
pub struct HttpRequest {
    /// Method, in upper case.
    pub method: &'static str,
    /// Absolute URL.
    pub url: Url,
    /// Headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: HttpBody,
    /// Whether a transport may add credentials: the request goes to the API, and neither a model nor another origin has chosen
    /// its URL.
    pub to_api: bool,
}

/// The body of a request. Not `non_exhaustive`, because a transport must send every kind.
///
/// ```
/// use futures_util::TryStreamExt;
/// use replicant::transport::HttpBody;
///
/// async fn size(body: HttpBody) -> replicant::Result<usize> {
///     Ok(match body {
///         HttpBody::Empty => 0,
///         HttpBody::Bytes(bytes) => bytes.len(),
///         HttpBody::Stream { chunks, .. } => chunks.try_fold(0, async |sum, chunk| Ok(sum + chunk.len())).await?,
///     })
/// }
/// ```
pub enum HttpBody {
    /// No body.
    Empty,
    /// The whole body.
    Bytes(Bytes),
    /// A streamed body.
    Stream {
        /// Length in bytes, if known.
        length: Option<u64>,
        /// The chunks.
        chunks: BoxStream<'static, Result<Bytes>>,
    },
}

/// An HTTP response whose body has not been read.
///
/// ```
/// use replicant::transport::HttpResponse;
///
/// let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
/// let response = HttpResponse::new(200, headers, Box::new(bytes::Bytes::from_static(b"{}")));
/// assert_eq!(response.header("content-type"), Some("application/json"));
/// ```
#[non_exhaustive]
pub struct HttpResponse {
    /// Status.
    pub status: u16,
    /// Headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Unread body.
    pub body: Box<dyn BodySource>,
}

/// A response body that can be read once, as a whole or as a stream.
///
/// Both forms exist because on the web one promise for the whole body is much cheaper than one per chunk.
///
/// `Bytes` implements it; [`StreamBody`] wraps a stream.
///
/// ```
/// use replicant::transport::BodySource;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> replicant::Result<()> {
/// let body: Box<dyn BodySource> = Box::new(bytes::Bytes::from_static(b"{}"));
/// assert_eq!(body.bytes(1024).await?, "{}");
/// # Ok(()) }
/// ```
pub trait BodySource: MaybeSend {
    /// Returns the whole body. Fails once it exceeds `limit` bytes, with
    /// [`ErrorKind::InvalidResponse`](crate::ErrorKind::InvalidResponse).
    fn bytes(self: Box<Self>, limit: u64) -> BoxFuture<'static, Result<Bytes>>;

    /// Returns the chunks as they arrive.
    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>>;
}

/// Fails if a body of `size` bytes, or the part of it that has arrived, exceeds `limit`.
pub(crate) fn check_size(size: u64, limit: u64) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    let why = format!(
        "the response is longer than {limit} bytes; raise `max_response_size` if such responses are expected"
    );
    Err(Error::new(ErrorKind::InvalidResponse, why).about("max_response_size"))
}

impl BodySource for Bytes {
    fn bytes(self: Box<Self>, limit: u64) -> BoxFuture<'static, Result<Bytes>> {
        Box::pin(async move { check_size(self.len() as u64, limit).map(|()| *self) })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        Box::pin(stream::once(async move { Ok(*self) }))
    }
}

/// A response body that wraps a stream of chunks.
///
/// ```
/// use futures_util::stream;
/// use replicant::transport::{BodySource, StreamBody};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> replicant::Result<()> {
/// let chunks = stream::iter([Ok("{".into()), Ok("}".into())]);
/// let body = Box::new(StreamBody(Box::pin(chunks)));
/// assert_eq!(body.bytes(1024).await?, "{}");
/// # Ok(()) }
/// ```
pub struct StreamBody(pub BoxStream<'static, Result<Bytes>>);

impl BodySource for StreamBody {
    fn bytes(self: Box<Self>, limit: u64) -> BoxFuture<'static, Result<Bytes>> {
        let mut chunks = self.0;
        Box::pin(async move {
            let mut whole = BytesMut::new();
            while let Some(chunk) = chunks.next().await.transpose()? {
                check_size((whole.len() + chunk.len()) as u64, limit)?;
                whole.extend_from_slice(&chunk);
            }
            Ok(whole.freeze())
        })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        self.0
    }
}

impl HttpRequest {
    /// Builds a request without headers and body. `method` is in upper case.
    pub fn new(method: &'static str, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), body: HttpBody::Empty, to_api: false }
    }
}

impl HttpResponse {
    /// Builds a response. Converts the names of the headers to lower case.
    pub fn new(status: u16, mut headers: Vec<(String, String)>, body: Box<dyn BodySource>) -> Self {
        headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        Self { status, headers, body }
    }

    /// Returns the first header with this name, which must be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::error::header(&self.headers, name)
    }
}

impl fmt::Debug for HttpBody {
    /// Omits the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Stream { length, .. } => {
                f.debug_struct("Stream").field("length", length).finish_non_exhaustive()
            }
        }
    }
}

impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamBody")
    }
}

impl fmt::Debug for HttpRequest {
    /// Writes the method and the redacted URL only: headers contain the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, crate::http::url::redacted_url(&self.url))
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
