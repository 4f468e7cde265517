//! Implements [`Transport`] over reqwest.

mod response_body;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::TryFutureExt;
use reqwest::{
    Method, Version,
    header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue},
};
use tokio::sync::Semaphore;
use url::Url;
use zeroize::Zeroizing;

use self::response_body::{ResponseBody, YieldCounter};
use super::{
    activity::Activity,
    certificates::{self, Certificates, Extra},
    decompress::{ACCEPTED, decompress},
    failure::Route,
    gate::{Announce, Gate, needs_gate},
    identity::Identity,
    pools::PerRuntime,
    proxy::{Proxies, is_proxy},
    resolver::Resolver,
    tls,
    unsent::{before_sending, reporting},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::{
        content_coding::Coding,
        headers::invalid_header,
        secrets::is_secret_header,
        transport::{BodySource, HttpBody, HttpRequest, HttpResponse, StreamBody, Transport},
    },
    platform::{BoxError, BoxFuture},
    value::Password,
};

/// The options of an [`HttpTransport`]. Later versions may add fields: end with `..HttpOptions::default()`.
///
/// ```
/// use std::time::Duration;
/// use replicant::native::HttpOptions;
///
/// let options = HttpOptions { connect_timeout: Duration::from_secs(3), http2: false, ..HttpOptions::default() };
/// ```
#[derive(Clone)]
pub struct HttpOptions {
    /// Time limit for connecting. Defaults to 10 s.
    pub connect_timeout: Duration,
    /// URL of a proxy: `http`, `https`, `socks5` or `socks5h`. Defaults to the environment.
    pub proxy: Option<String>,
    /// PEM file, or a folder of such files, with certificates to trust in addition to those of the platform.
    pub ca_bundle: Option<PathBuf>,
    /// File with a client certificate in PEM, and its private key unless `client_key` has it.
    pub client_cert: Option<PathBuf>,
    /// PEM file with the private key of `client_cert`.
    pub client_key: Option<PathBuf>,
    /// Password of the private key, if it is encrypted.
    pub client_key_password: Option<Password>,
    /// Whether to offer HTTP/2. Defaults to true.
    pub http2: bool,
    /// Maximum number of requests at a time, each of which has its own connection over HTTP/1.1. Defaults to no limit.
    pub max_connections: Option<u32>,
    /// How long an unused connection stays open. Defaults to 50 s, shorter than the timeout of servers, so that a
    /// connection is rarely reused while it is closed.
    pub pool_idle_timeout: Duration,
}

impl fmt::Debug for HttpOptions {
    /// Omits the proxy, whose URL may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("ca_bundle", &self.ca_bundle)
            .field("client_cert", &self.client_cert)
            .field("http2", &self.http2)
            .field("max_connections", &self.max_connections)
            .field("pool_idle_timeout", &self.pool_idle_timeout)
            .finish_non_exhaustive()
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            proxy: None,
            ca_bundle: None,
            client_cert: None,
            client_key: None,
            client_key_password: None,
            http2: true,
            max_connections: None,
            pool_idle_timeout: Duration::from_secs(50),
        }
    }
}

/// HTTP/1.1 and HTTP/2 with a connection pool, over reqwest.
///
/// Certificates are verified by the platform's verifier; proxies are read from the environment.
///
/// [`Client::new`](crate::Client::new) creates one by default. Clients with the same transport share
/// connections; each tokio runtime has its own.
///
/// ```
/// use std::sync::Arc;
/// use replicant::{Client, Options, native::{HttpOptions, HttpTransport}};
///
/// let transport = HttpTransport::new(HttpOptions::default())?;
/// let client = Client::new(Options { transport: Some(Arc::new(transport)), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
pub struct HttpTransport {
    options: HttpOptions,
    certificates: Certificates,
    identity: Option<Identity>,
    // Built on first use: reading the platform's certificates takes milliseconds.
    network: OnceLock<Arc<Network>>,
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

/// What the connections of all runtimes share.
struct Network {
    options: HttpOptions,
    tls: rustls::ClientConfig,
    runtimes: PerRuntime<Connections>,
    proxies: Proxies,
    ignored: Vec<String>,
    has_client_cert: bool,
    requests: Option<Arc<Semaphore>>,
}

/// The connections of a runtime.
struct Connections {
    pools: Pools,
    /// For hosts that `NO_PROXY` excludes by their port.
    direct: Option<Pools>,
    gate: Gate,
    activity: Activity,
}

/// Connections without and with TLS. Only the latter need a layer around the connector, which is copied three times for
/// each request.
struct Pools {
    http: reqwest::Client,
    https: reqwest::Client,
}

impl Pools {
    fn of(&self, url: &Url) -> &reqwest::Client {
        if needs_gate(url) { &self.https } else { &self.http }
    }
}

impl HttpTransport {
    /// Builds a transport.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if `proxy` is not a URL, or if a certificate or key cannot be read.
    pub fn new(options: HttpOptions) -> Result<Self> {
        if options.proxy.as_ref().is_some_and(|proxy| !is_proxy(proxy)) {
            return Err(Error::invalid_argument("proxy", "must be a URL such as http://host:port"));
        }
        if options.max_connections == Some(0) {
            return Err(Error::invalid_argument("max_connections", "must be at least 1"));
        }
        let certificates = options.ca_bundle.as_deref().map(certificates::read).transpose();
        let certificates =
            certificates.map_err(|why| Error::invalid(format!("`ca_bundle`: {why}")).about("ca_bundle"))?;
        let (key, password) = (options.client_key.as_deref(), options.client_key_password.as_deref());
        let identity = match (&options.client_cert, key, password) {
            (Some(certificate), ..) => Some(Identity::read(certificate, key, password, &tls::provider())?),
            (None, Some(_), _) => {
                return Err(Error::invalid_argument("client_key", "requires `client_cert`, its certificate"));
            }
            (None, None, Some(_)) => {
                return Err(Error::invalid_argument("client_key_password", "requires `client_cert`"));
            }
            (None, None, None) => None,
        };
        let certificates = certificates.unwrap_or_default();
        Ok(Self { options, certificates, identity, network: OnceLock::new() })
    }

    fn network(&self) -> Result<Arc<Network>> {
        if let Some(network) = self.network.get() {
            return Ok(network.clone());
        }
        let options = &self.options;
        let proxies = Proxies::new(options.proxy.as_deref())?;
        let Extra { certificates, ignored } = Extra::from_environment(self.certificates.clone())?;
        let tls = tls::config(certificates, self.identity.as_ref(), options.http2).map_err(tls_failed)?;
        let network = Network {
            tls,
            runtimes: PerRuntime::new(),
            proxies,
            ignored,
            has_client_cert: self.identity.is_some(),
            requests: options.max_connections.map(|limit| Arc::new(Semaphore::new(limit as usize))),
            options: options.clone(),
        };
        Ok(self.network.get_or_init(|| Arc::new(network)).clone())
    }
}

fn tls_failed(error: BoxError) -> Error {
    Error::new(ErrorKind::Connection, format!("cannot set up TLS: {error}"))
        .with_source(error)
        .with_permanent()
}

impl Connections {
    fn new(network: &Network) -> Result<Self> {
        let Network { options, tls, proxies, .. } = network;
        let client = |direct: bool, announced: bool| {
            let mut builder = reqwest::Client::builder()
                .connect_timeout(options.connect_timeout)
                .pool_idle_timeout(options.pool_idle_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                // By default, it sends again what HTTP/2 refused, without hooks and limits.
                .retry(reqwest::retry::never())
                .dns_resolver(Resolver)
                .http2_max_header_list_size(MAX_HEADERS)
                .http2_initial_connection_window_size(CONNECTION_WINDOW)
                .http2_keep_alive_interval(PING_INTERVAL)
                .http2_keep_alive_timeout(PING_TIMEOUT)
                .tls_backend_preconfigured(tls.clone());
            if announced {
                builder = builder.connector_layer(Announce(()));
            }
            if !options.http2 {
                builder = builder.http1_only();
            }
            builder = if direct { builder.no_proxy() } else { proxies.apply(builder) };
            builder.build().map_err(|error| tls_failed(error.into()))
        };
        let pools = |direct: bool| {
            Ok::<_, Error>(Pools { http: client(direct, false)?, https: client(direct, true)? })
        };
        Ok(Self {
            pools: pools(false)?,
            direct: proxies.has_exclusions().then(|| pools(true)).transpose()?,
            gate: Gate::new(options.pool_idle_timeout),
            activity: Activity::new(),
        })
    }
}

impl Network {
    fn route<'a>(&'a self, url: &'a Url) -> Route<'a> {
        Route::new(url, self.proxies.for_url(url), &self.ignored, self.has_client_cert)
    }

    async fn send(self: Arc<Self>, request: reqwest::Request) -> Result<HttpResponse> {
        let url = request.url().clone();
        let connections = self.runtimes.get(|| Connections::new(&self))?;
        connections.activity.settle().await;
        let direct = connections.direct.as_ref().filter(|_| self.proxies.excludes(&url));
        let pools = direct.unwrap_or(&connections.pools);
        let permit = match &self.requests {
            Some(requests) => before_sending(requests.clone().acquire_owned()).await.ok(),
            None => None,
        };
        let sent = pools.of(&url).execute(request).map_err(|error| self.route(&url).failed(error));
        let response = connections.gate.pass(&url, sent).await?;
        connections.activity.record();
        let status = response.status().as_u16();
        if status == 407
            && let Some(error) = self.route(&url).credentials_required()
        {
            return Err(error);
        }
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        // A range of compressed bytes cannot be decoded.
        let codings = if status == 206 { Vec::new() } else { Coding::of(&headers) };
        let host = (!codings.is_empty()).then(|| url.host_str().unwrap_or_default().to_owned());
        let body = Box::new(ResponseBody {
            network: self,
            url,
            http2: response.version() == Version::HTTP_2,
            body: response.into(),
            counter: YieldCounter::default(),
            _permit: permit,
        });
        let body: Box<dyn BodySource> = match host {
            Some(host) => Box::new(StreamBody(decompress(host, codings, body.stream()))),
            None => body,
        };
        Ok(HttpResponse { status, headers, body })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let ready = self.network().and_then(|network| Ok((network, to_reqwest(request)?)));
        Box::pin(async move {
            let (network, request) = ready?;
            reporting(network.send(request)).await
        })
    }
}

fn to_reqwest(request: HttpRequest) -> Result<reqwest::Request> {
    let HttpRequest { method, url, headers, body, .. } = request;
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|error| Error::invalid(format!("`method`: {error}")).about("method"))?;
    let mut out = reqwest::Request::new(method, url);
    // With room for `accept`, `accept-encoding`, `content-length` and `host`: a map that grows hashes all names again.
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid_header("headers", &name))?;
        let secret = is_secret_header(name.as_str());
        let value = if secret {
            // Overwritten with zeros once the connection has written it.
            HeaderValue::from_maybe_shared(Bytes::from_owner(Zeroizing::new(value)))
        } else {
            HeaderValue::from_bytes(value.as_bytes())
        };
        let mut value = value.map_err(|_| invalid_header("headers", name.as_str()))?;
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
    map.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(ACCEPTED));
    *out.headers_mut() = map;
    Ok(out)
}

/// Most bytes of the headers of a response over HTTP/2: as many as hyper accepts over HTTP/1.1.
const MAX_HEADERS: u32 = 8192 + 4096 * 100;

/// Bytes that a server may send over an HTTP/2 connection before they are read. So many that only the windows of its streams
/// limit it: otherwise a few files that are not being read would hold up all other requests.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// How long a connection with open streams is silent before it is tested, and how long the test may take. All requests share the
/// connection, so one that no longer delivers anything must be replaced.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
