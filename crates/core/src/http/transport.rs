//! The one seam to the network: an HTTP request goes out, an HTTP response comes back.
//!
//! Everything else (retries, waiting, streams, files) is built on [`Transport`] and does not know
//! what carries it. The native one is [`crate::native::HttpTransport`]; a host language may bring its
//! own.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use url::Url;

use crate::{
    error::Result,
    platform::{BoxFuture, BoxStream, MaybeSend, MaybeSync},
};

/// Carries one HTTP request, once: no retries, no redirects.
///
/// It must neither follow redirects (they would take the token along) nor repeat a request, and dropping the
/// future must end the request.
///
/// ```
/// use std::sync::Arc;
/// use replicant::{
///     BoxFuture, Client, Options, Result,
///     transport::{HttpRequest, HttpResponse, Transport},
/// };
///
/// /// Answers every request by itself, for tests.
/// struct Canned(&'static [u8]);
///
/// impl Transport for Canned {
///     fn send(&self, _request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
///         let body = Box::new(bytes::Bytes::from_static(self.0));
///         Box::pin(async { Ok(HttpResponse { status: 200, headers: Vec::new(), body }) })
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
    /// Sends the request and resolves when the head of the response is there.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`](crate::ErrorKind::Connection) or
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout), marked with
    /// [`Error::with_never_sent`](crate::Error::with_never_sent) when no byte of the request can have
    /// reached the server. An error of any other kind is handed on at once, without another attempt.
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>>;
}

/// A request as it goes to the wire.
///
/// ```
/// use replicant::transport::HttpRequest;
///
/// fn line(request: &HttpRequest) -> String {
///     format!("{} {} HTTP/1.1", request.method, request.url.path())
/// }
/// ```
pub struct HttpRequest {
    /// Method, in capitals.
    pub method: &'static str,
    /// Absolute URL.
    pub url: Url,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: HttpBody,
}

/// A body on its way up.
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
    /// None.
    Empty,
    /// All of it at once.
    Bytes(Bytes),
    /// Piece by piece.
    Stream {
        /// Length in bytes, where it is known.
        length: Option<u64>,
        /// The pieces.
        chunks: BoxStream<'static, Result<Bytes>>,
    },
}

/// A response whose head has come.
///
/// ```
/// use replicant::transport::HttpResponse;
///
/// let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
/// let response = HttpResponse { status: 200, headers, body: Box::new(bytes::Bytes::from_static(b"{}")) };
/// assert_eq!(response.header("content-type"), Some("application/json"));
/// ```
pub struct HttpResponse {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unread.
    pub body: Box<dyn BodySource>,
}

/// A body that can be had whole or as a stream, once.
///
/// Two forms, because on the web one promise for the whole body is much cheaper than many.
///
/// `Bytes` is one; [`StreamBody`] makes one of a stream.
///
/// ```
/// use replicant::transport::BodySource;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> replicant::Result<()> {
/// let body: Box<dyn BodySource> = Box::new(bytes::Bytes::from_static(b"{}"));
/// assert_eq!(body.bytes().await?, "{}");
/// # Ok(()) }
/// ```
pub trait BodySource: MaybeSend {
    /// The whole body.
    fn bytes(self: Box<Self>) -> BoxFuture<'static, Result<Bytes>>;

    /// The pieces as they come.
    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>>;
}

impl BodySource for Bytes {
    fn bytes(self: Box<Self>) -> BoxFuture<'static, Result<Bytes>> {
        Box::pin(async move { Ok(*self) })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        Box::pin(stream::once(async move { Ok(*self) }))
    }
}

/// A body that only comes piece by piece.
///
/// ```
/// use futures_util::stream;
/// use replicant::transport::{BodySource, StreamBody};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> replicant::Result<()> {
/// let pieces = stream::iter([Ok("{".into()), Ok("}".into())]);
/// let body = Box::new(StreamBody(Box::pin(pieces)));
/// assert_eq!(body.bytes().await?, "{}");
/// # Ok(()) }
/// ```
pub struct StreamBody(pub BoxStream<'static, Result<Bytes>>);

impl BodySource for StreamBody {
    fn bytes(self: Box<Self>) -> BoxFuture<'static, Result<Bytes>> {
        let mut chunks = self.0;
        Box::pin(async move {
            let mut whole = BytesMut::new();
            while let Some(chunk) = chunks.next().await {
                whole.extend_from_slice(&chunk?);
            }
            Ok(whole.freeze())
        })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        self.0
    }
}

impl HttpResponse {
    /// The first header of that name (given in lower case).
    ///
    /// ```
    /// use replicant::transport::HttpResponse;
    ///
    /// let headers = vec![("etag".to_owned(), "\"7\"".to_owned())];
    /// let response = HttpResponse { status: 200, headers, body: Box::new(bytes::Bytes::new()) };
    /// assert_eq!(response.header("etag"), Some("\"7\""));
    /// assert_eq!(response.header("content-type"), None);
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::error::header(&self.headers, name)
    }
}

impl fmt::Debug for HttpRequest {
    /// Method and URL only: headers hold the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, crate::http::url::redacted_url(&self.url))
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
