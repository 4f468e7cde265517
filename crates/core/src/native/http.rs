//! Implements [`Transport`] over reqwest.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use zeroize::Zeroizing;

use super::proxy::Proxies;
use crate::{
    error::{Error, ErrorKind, Result, causes},
    http::transport::{BodySource, HttpBody, HttpRequest, HttpResponse, Transport},
    platform::{BoxFuture, BoxStream},
};

/// HTTP/1.1 and HTTP/2 with a connection pool, over reqwest.
///
/// Certificates are verified by the platform's verifier; proxies are read from the environment.
///
/// [`Client::new`](crate::Client::new) creates one by default. Clients with the same transport share
/// connections.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use replicant::{Client, Options, native::HttpTransport};
///
/// let transport = HttpTransport::new(Duration::from_secs(3), None, None)?;
/// let client = Client::new(Options { transport: Some(Arc::new(transport)), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
pub struct HttpTransport {
    settings: Settings,
    // Built on first use: reading the platform's certificates takes milliseconds.
    client: OnceLock<(reqwest::Client, Arc<Proxies>)>,
}

struct Settings {
    connect_timeout: Duration,
    proxy: Option<(String, reqwest::Proxy)>,
    certificates: Vec<reqwest::Certificate>,
}

impl HttpTransport {
    /// Builds a transport.
    ///
    /// `connect_timeout` limits the time to connect. `proxy` is the URL of a proxy; without it, the proxy
    /// variables of the environment apply. `ca_bundle` is a PEM file with additional certificate authorities.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if `proxy` is not a URL or `ca_bundle` cannot be read.
    pub fn new(connect_timeout: Duration, proxy: Option<String>, ca_bundle: Option<PathBuf>) -> Result<Self> {
        let proxy = proxy
            .map(|url| {
                let proxy = reqwest::Proxy::all(&url).map_err(|error| {
                    Error::invalid_argument("proxy", "must be a URL such as http://host:port")
                        .with_source(error)
                })?;
                Ok::<_, Error>((url, proxy))
            })
            .transpose()?;
        let certificates = ca_bundle.as_deref().map(read_certificates).transpose();
        let certificates =
            certificates.map_err(|why| Error::invalid(format!("`ca_bundle`: {why}")).about("ca_bundle"))?;
        let certificates = certificates.unwrap_or_default();
        Ok(Self { settings: Settings { connect_timeout, proxy, certificates }, client: OnceLock::new() })
    }

    fn client(&self) -> Result<&(reqwest::Client, Arc<Proxies>)> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // Fails if the program has already installed a provider, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let Settings { connect_timeout, proxy, certificates } = &self.settings;
        let mut certificates = certificates.clone();
        for name in ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            if let Some(path) = std::env::var_os(name).filter(|path| !path.is_empty()) {
                // These variables are meant for other programs, so an invalid file is ignored.
                certificates.extend(read_certificates(&PathBuf::from(path)).unwrap_or_default());
            }
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(*connect_timeout)
            // Shorter than the timeout of servers, so that a connection is rarely reused while it is closed.
            .pool_idle_timeout(Duration::from_secs(50))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        if let Some((_, proxy)) = proxy {
            builder = builder.proxy(proxy.clone());
        }
        if !certificates.is_empty() {
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| {
            Error::new(ErrorKind::Connection, format!("cannot set up TLS: {error}")).with_source(error)
        })?;
        let proxies = Arc::new(Proxies::new(proxy.as_ref().map(|(url, _)| url.as_str())));
        Ok(self.client.get_or_init(|| (client, proxies)))
    }
}

fn read_certificates(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    reqwest::Certificate::from_pem_bundle(&pem)
        .map_err(|error| format!("{} is not PEM: {error}", path.display()))
}

impl Transport for HttpTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let sent = self.client().and_then(|client| Ok((client.clone(), to_reqwest(request)?)));
        Box::pin(async move {
            let ((client, proxies), request) = sent?;
            let url = request.url().clone();
            let host = url.host_str().unwrap_or_default().to_owned();
            let sent = client.execute(request).await;
            let response =
                sent.map_err(|error| match proxies.for_url(&url).filter(|_| error.is_connect()) {
                    Some(proxy) => proxy_error(&host, &proxy, error),
                    None => connection_error(&host, error),
                })?;
            let headers = response.headers().iter();
            Ok(HttpResponse {
                status: response.status().as_u16(),
                headers: headers
                    .map(|(name, value)| {
                        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                    })
                    .collect(),
                body: Box::new(ResponseBody { host, response }),
            })
        })
    }
}

fn to_reqwest(request: HttpRequest) -> Result<reqwest::Request> {
    let HttpRequest { method, url, headers, body } = request;
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|error| Error::invalid(format!("`method`: {error}")).about("method"))?;
    let mut out = reqwest::Request::new(method, url);
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid_header(&name))?;
        let secret = is_secret(name.as_str());
        let value = if secret {
            // Overwritten with zeros once the connection has written it.
            HeaderValue::from_maybe_shared(Bytes::from_owner(Zeroizing::new(value)))
        } else {
            HeaderValue::from_bytes(value.as_bytes())
        };
        let mut value = value.map_err(|_| invalid_header(name.as_str()))?;
        // HTTP/2 keeps others in a table for the whole connection.
        value.set_sensitive(secret);
        map.append(name, value);
    }
    match body {
        HttpBody::Empty => {}
        HttpBody::Bytes(bytes) => *out.body_mut() = Some(bytes.into()),
        HttpBody::Stream { length, chunks } => {
            if let Some(length) = length {
                map.insert(reqwest::header::CONTENT_LENGTH, length.into());
            }
            *out.body_mut() = Some(reqwest::Body::wrap_stream(chunks));
        }
    }
    *out.headers_mut() = map;
    Ok(out)
}

/// Returns `true` for a header whose value is the token, or is likely to be another secret.
fn is_secret(name: &str) -> bool {
    match name {
        "authorization" => true,
        // The headers of most requests, first because each search takes as long as a comparison of all.
        "user-agent" | "content-type" | "accept" | "accept-encoding" | "prefer" | "cancel-after" => false,
        _ => ["auth", "cookie", "key", "password", "secret", "token"].iter().any(|word| name.contains(word)),
    }
}

fn invalid_header(name: &str) -> Error {
    Error::invalid(format!(
        "`headers`: the name or value of {name:?} contains characters that HTTP headers do not allow"
    ))
}

/// Most bytes that a `content-length` preallocates.
const MAX_PREALLOCATION: u64 = 64 << 20;

struct ResponseBody {
    host: String,
    response: reqwest::Response,
}

impl BodySource for ResponseBody {
    fn bytes(self: Box<Self>) -> BoxFuture<'static, Result<Bytes>> {
        Box::pin(async move {
            let Self { host, mut response } = *self;
            // Appended chunk by chunk: reqwest would collect the chunks first and then copy them.
            let length = response.content_length().unwrap_or(0).min(MAX_PREALLOCATION);
            let mut whole = Vec::with_capacity(length as usize);
            while let Some(chunk) = response.chunk().await.map_err(|error| connection_error(&host, error))? {
                whole.extend_from_slice(&chunk);
            }
            Ok(whole.into())
        })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        let Self { host, response } = *self;
        let chunks = stream::unfold(Some(response), |state| async {
            let mut response = state?;
            match response.chunk().await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some(response))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Box::pin(chunks.map(move |chunk| chunk.map_err(|error| connection_error(&host, error))))
    }
}

/// Builds the error for a connection that failed at or behind a proxy.
fn proxy_error(host: &str, proxy: &str, error: reqwest::Error) -> Error {
    let why = causes(&error).last().unwrap_or(&error).to_string();
    if is_untrusted(&why) {
        return connection_error(host, error);
    }
    // The proxy responded but did not connect.
    let refused = ["tunnel", "proxy auth", "unsuccessful"].iter().any(|word| why.contains(word));
    let message = if refused {
        format!("The proxy {proxy} did not connect to {host}: {why}.")
    } else {
        format!("Cannot connect to the proxy {proxy}: {why}.")
    };
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Connection };
    let hint = "Check the `proxy` option, HTTPS_PROXY and NO_PROXY.";
    Error::new(kind, message).with_hint(hint).with_source(error.without_url()).with_never_sent()
}

/// Returns `true` if a connection failed because of its certificate.
fn is_untrusted(why: &str) -> bool {
    why.contains("certificate") || why.contains("UnknownIssuer")
}

/// Builds the error for a connection that failed.
fn connection_error(host: &str, error: reqwest::Error) -> Error {
    // The root cause is the most specific one.
    let why = causes(&error).last().unwrap_or(&error).to_string();
    let (kind, message) = if error.is_connect() {
        let hint = if is_untrusted(&why) {
            " If a proxy inspects TLS on this network, pass its certificate as `ca_bundle` or set SSL_CERT_FILE."
        } else {
            " Check `base_url` and the network."
        };
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Connection };
        (kind, format!("Cannot connect to {host}: {why}.{hint}"))
    } else if error.is_timeout() {
        (ErrorKind::Timeout, format!("{host} did not respond in time."))
    } else {
        (ErrorKind::Connection, format!("The connection to {host} broke: {why}."))
    };
    let never_sent = error.is_connect();
    // Without the URL: its query may contain signatures.
    let error = Error::new(kind, message).with_source(error.without_url());
    if never_sent { error.with_never_sent() } else { error }
}
