//! The client: what it was configured with, and where the resources hang.

mod base_url;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde::Deserialize;
use url::Url;

use crate::{
    error::{Error, Result},
    exchange::same_origin,
    platform::Runtime,
    request::{limit, seconds},
    retry::RetryPolicy,
    run::Shapes,
    transport::Transport,
    upload::FileEncodingStrategy,
    value::{Object, Value, decode_params},
    wait::{OnAbandon, RunTimes},
};

/// How a [`Client`] is configured. Every field left out has the default that it documents.
///
/// ```
/// use std::time::Duration;
/// use replicant::{Client, Options};
///
/// # fn main() -> replicant::Result<()> {
/// let client = Client::new(Options {
///     token: Some("r8_...".into()),
///     timeout: Some(Duration::from_secs(30)),
///     ..Options::default()
/// })?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// API token. Default: the environment variable `REPLICATE_API_TOKEN`. Without one, requests
    /// go out unauthenticated.
    pub token: Option<String>,
    /// Where the API is; a URL without a path gets `/v1`. Default: the environment variable
    /// `REPLICATE_BASE_URL`, or `https://api.replicate.com/v1`.
    pub base_url: Option<String>,
    /// The `User-Agent` header. Default: `replicant/<version>`.
    pub user_agent: Option<String>,
    /// Further headers for every request to the API (never for another host).
    pub headers: indexmap::IndexMap<String, String>,
    /// Further query parameters for every request to the API.
    pub query: indexmap::IndexMap<String, String>,
    /// How long one attempt of a request may take, beyond what the server holds it on purpose; for
    /// an upload or a download, how long nothing may move. Default: 60 s.
    #[serde(deserialize_with = "limit")]
    pub timeout: Option<Duration>,
    /// How long connecting may take. Default: 10 s.
    #[serde(deserialize_with = "limit")]
    pub connect_timeout: Option<Duration>,
    /// How long an event stream may be silent, comments not counted as silence. Default: 5 min.
    #[serde(deserialize_with = "seconds")]
    pub idle_timeout: Option<Duration>,
    /// How often a request is repeated at most. Default: 5. See [`RetryPolicy`].
    pub max_retries: Option<u32>,
    /// The whole retry policy; `max_retries` above takes precedence over its own.
    #[serde(skip)]
    pub retry: Option<RetryPolicy>,
    /// How files in an input are sent. Default: uploaded.
    pub file_encoding_strategy: Option<FileEncodingStrategy>,
    /// Whether the SHA-256 of every upload is compared with the one in the response. Default: false, as TLS
    /// already protects the bytes and hashing takes about as long as sending.
    pub verify_uploads: Option<bool>,
    /// The time between two looks at a prediction. Default: the environment variable
    /// `REPLICATE_POLL_INTERVAL` (seconds), or adaptive: quick at first, slower for long runs.
    #[serde(deserialize_with = "seconds")]
    pub poll_interval: Option<Duration>,
    /// Whether URLs of files in an output become [`FileOutput`](crate::FileOutput)s. Default: true.
    pub use_file_output: Option<bool>,
    /// What happens to a prediction that `run` or `stream` started when they are given up. Default:
    /// it is cancelled.
    pub on_abandon: Option<OnAbandon>,
    /// Proxy for all requests. Default: the environment (`HTTPS_PROXY`, `NO_PROXY` ...).
    pub proxy: Option<String>,
    /// A PEM file of further certificate authorities to trust. Default: the platform's, and the
    /// environment (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `NODE_EXTRA_CA_CERTS`).
    pub ca_bundle: Option<PathBuf>,
    /// For tests: how many seconds the client's clock passes in one real second. Default: 1.
    pub clock_rate: Option<f64>,
    /// What carries the requests. Default: reqwest.
    #[serde(skip)]
    pub transport: Option<Arc<dyn Transport>>,
    /// The clock and timer. Default: tokio's.
    #[serde(skip)]
    pub runtime: Option<Arc<dyn Runtime>>,
}

impl Options {
    /// Options from an object with members named like the fields; durations are seconds.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an unknown or wrong
    /// member, which the message names.
    ///
    /// ```
    /// use replicant::{Options, json};
    ///
    /// let options = Options::from_value(json!({"token": "r8_...", "timeout": 30, "max_retries": 2}).into())?;
    /// assert_eq!(options.timeout, Some(std::time::Duration::from_secs(30)));
    /// let error = Options::from_value(json!({"timeuot": 30}).into()).unwrap_err();
    /// assert!(error.message().contains("timeuot"));
    /// # Ok::<(), replicant::Error>(())
    /// ```
    pub fn from_value(options: Value) -> Result<Self> {
        decode_params("options", options)
    }
}

impl fmt::Debug for Options {
    /// Without the token and without headers, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("base_url", &self.base_url)
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .finish_non_exhaustive()
    }
}

/// [`Options`] with every default applied; see [`Client::new`].
#[derive(Clone)]
pub(crate) struct Config {
    pub token: Option<String>,
    pub base_url: Url,
    pub user_agent: String,
    pub headers: indexmap::IndexMap<String, String>,
    pub query: indexmap::IndexMap<String, String>,
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub idle_timeout: Duration,
    pub retry: RetryPolicy,
    pub file_encoding_strategy: FileEncodingStrategy,
    pub verify_uploads: bool,
    pub poll_interval: Option<Duration>,
    pub use_file_output: bool,
    pub on_abandon: OnAbandon,
    pub transport: Arc<dyn Transport>,
    pub runtime: Arc<dyn Runtime>,
}

impl Config {
    fn resolve(options: Options) -> Result<Self> {
        let Options {
            token,
            base_url,
            user_agent,
            headers,
            query,
            timeout,
            connect_timeout,
            idle_timeout,
            max_retries,
            retry,
            file_encoding_strategy,
            verify_uploads,
            poll_interval,
            use_file_output,
            on_abandon,
            proxy,
            ca_bundle,
            clock_rate,
            transport,
            runtime,
        } = options;
        let mut retry = retry.unwrap_or_default();
        retry.max_retries = max_retries.unwrap_or(retry.max_retries);
        let connect_timeout = connect_timeout.unwrap_or(Duration::from_secs(10));
        for (name, value) in &headers {
            check_header("headers", name, value)?;
        }
        let user_agent = user_agent.unwrap_or_else(|| format!("replicant/{}", env!("CARGO_PKG_VERSION")));
        check_header("user_agent", "user-agent", &user_agent)?;
        let poll_interval = match poll_interval {
            Some(interval) => Some(interval),
            None => env("REPLICATE_POLL_INTERVAL").map(|text| poll_interval_from(&text)).transpose()?,
        };
        Ok(Self {
            token: resolve_token(token)?,
            base_url: base_url::resolve(base_url.or_else(|| env("REPLICATE_BASE_URL")))?,
            user_agent,
            headers,
            query,
            timeout: timeout.unwrap_or(Duration::from_secs(60)),
            connect_timeout,
            idle_timeout: idle_timeout.unwrap_or(Duration::from_secs(300)),
            retry,
            file_encoding_strategy: file_encoding_strategy.unwrap_or_default(),
            verify_uploads: verify_uploads.unwrap_or(false),
            poll_interval,
            use_file_output: use_file_output.unwrap_or(true),
            on_abandon: on_abandon.unwrap_or_default(),
            transport: match transport {
                Some(transport) => transport,
                None => default_transport(connect_timeout, proxy, ca_bundle)?,
            },
            runtime: match runtime {
                Some(runtime) => runtime,
                None => default_runtime(clock_rate)?,
            },
        })
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn default_transport(
    connect_timeout: Duration,
    proxy: Option<String>,
    ca_bundle: Option<PathBuf>,
) -> Result<Arc<dyn Transport>> {
    Ok(Arc::new(crate::native::HttpTransport::new(connect_timeout, proxy, ca_bundle)?))
}

#[cfg(not(target_arch = "wasm32"))]
fn default_runtime(clock_rate: Option<f64>) -> Result<Arc<dyn Runtime>> {
    let rate = clock_rate.unwrap_or(1.0);
    if !(rate.is_finite() && rate > 0.0) {
        return Err(Error::invalid(format!("`clock_rate` must be greater than zero, not {rate}")));
    }
    Ok(Arc::new(crate::native::TokioRuntime::with_rate(rate)))
}

#[cfg(target_arch = "wasm32")]
fn default_transport(_: Duration, _: Option<String>, _: Option<PathBuf>) -> Result<Arc<dyn Transport>> {
    Err(Error::invalid("`transport` is required on this platform"))
}

#[cfg(target_arch = "wasm32")]
fn default_runtime(_: Option<f64>) -> Result<Arc<dyn Runtime>> {
    Err(Error::invalid("`runtime` is required on this platform"))
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn poll_interval_from(text: &str) -> Result<Duration> {
    let seconds = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| {
        Error::invalid(format!(
            "the environment variable REPLICATE_POLL_INTERVAL must be a non-negative number of seconds, not {text:?}"
        ))
    })
}

/// The token, trimmed (one read from a file ends in a newline); the empty one is none.
fn resolve_token(token: Option<String>) -> Result<Option<String>> {
    let Some(token) = token.or_else(|| env("REPLICATE_API_TOKEN")) else { return Ok(None) };
    let token = token.trim();
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // Deliberately without the token itself.
        return Err(Error::invalid(
            "the API token contains invalid characters; check it for spaces, quotes and line breaks",
        ));
    }
    Ok((!token.is_empty()).then(|| token.to_owned()))
}

pub(crate) fn check_header(what: &str, name: &str, value: &str) -> Result<()> {
    let name_ok = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let value_ok = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if name_ok && value_ok {
        return Ok(());
    }
    // The value is left out: it may be a secret.
    Err(Error::invalid(format!(
        "`{what}`: the name or value of {name:?} contains characters that HTTP headers do not allow"
    )))
}

/// A client of the Replicate API. Cheap to clone; clones share connections.
///
/// ```no_run
/// use replicant::{Client, json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> replicant::Result<()> {
/// let client = Client::from_env()?;
/// let output = client.run("meta/meta-llama-3-8b-instruct", json!({"prompt": "Name a bird."})).await?;
/// println!("{}", output.text());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    config: Arc<Config>,
    run_times: Arc<RunTimes>,
    shapes: Arc<Shapes>,
}

impl Client {
    /// A client with these options. Opens no connection and needs no runtime yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an option that cannot be
    /// used.
    ///
    /// ```
    /// use replicant::{Client, Options};
    ///
    /// let client = Client::new(Options { token: Some("r8_...".into()), ..Options::default() })?;
    /// # Ok::<(), replicant::Error>(())
    /// ```
    pub fn new(options: Options) -> Result<Self> {
        Ok(Self {
            config: Arc::new(Config::resolve(options)?),
            run_times: Arc::default(),
            shapes: Arc::default(),
        })
    }

    /// A client configured by the environment alone: `REPLICATE_API_TOKEN`, `REPLICATE_BASE_URL`,
    /// `REPLICATE_POLL_INTERVAL`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if one of them cannot be used.
    ///
    /// ```no_run
    /// let client = replicant::Client::from_env()?;
    /// # Ok::<(), replicant::Error>(())
    /// ```
    pub fn from_env() -> Result<Self> {
        Self::new(Options::default())
    }

    /// Returns a client that sends its requests through `transport` and shares what this one has learned.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use replicant::{Client, transport::Transport};
    ///
    /// fn for_one_call(client: &Client, transport: Arc<dyn Transport>) -> Client {
    ///     client.with_transport(transport)
    /// }
    /// ```
    pub fn with_transport(&self, transport: Arc<dyn Transport>) -> Self {
        let config = Arc::new(Config { transport, ..(*self.config).clone() });
        Self { config, ..self.clone() }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn run_times(&self) -> &RunTimes {
        &self.run_times
    }

    pub(crate) fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    pub(crate) fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.config.runtime
    }

    /// Whether a URL is the API's own, so that it may see the token.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        same_origin(url, &self.config.base_url)
    }

    /// The resolved options that a user may see: everything but the token.
    ///
    /// Times are in seconds.
    ///
    /// ```
    /// use replicant::{Client, Options};
    ///
    /// let client = Client::new(Options { max_retries: Some(2), ..Options::default() })?;
    /// assert_eq!(client.describe()["max_retries"].as_i64(), Some(2));
    /// # Ok::<(), replicant::Error>(())
    /// ```
    pub fn describe(&self) -> Value {
        let config = self.config();
        let mut described = Object::new();
        let mut put = |name: &str, value: Value| described.insert(name.to_owned(), value);
        put("base_url", config.base_url.as_str().into());
        put("user_agent", config.user_agent.as_str().into());
        put("timeout", limited(config.timeout));
        put("connect_timeout", limited(config.connect_timeout));
        put("idle_timeout", config.idle_timeout.as_secs_f64().into());
        put("max_retries", config.retry.max_retries.into());
        put("file_encoding_strategy", config.file_encoding_strategy.name().into());
        put("verify_uploads", config.verify_uploads.into());
        put("poll_interval", config.poll_interval.map(|interval| interval.as_secs_f64()).into());
        put("use_file_output", config.use_file_output.into());
        put("on_abandon", config.on_abandon.name().into());
        put("has_token", config.token.is_some().into());
        Value::Object(described)
    }
}

/// A time limit in seconds; null for none.
fn limited(limit: Duration) -> Value {
    (limit != Duration::MAX).then_some(limit.as_secs_f64()).into()
}

impl fmt::Debug for Client {
    /// Where it points to; never the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.config.base_url.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_no_debug_output_and_no_error() {
        let options = Options { token: Some("r8_secret".into()), ..Options::default() };
        assert!(!format!("{options:?}").contains("secret"));
        let client = Client::new(options).unwrap();
        assert!(!format!("{client:?} {:?}", client.describe()).contains("secret"));
        // As somebody gives another token to one call.
        let stream = client.stream("acme/text", crate::json!({})).header("authorization", "Bearer secret");
        let run = client.run("acme/text", crate::json!({})).header("authorization", "Bearer secret");
        assert!(!format!("{stream:?} {run:?}").contains("secret"));
        let error =
            Client::new(Options { token: Some("r8_secret\u{1}x".into()), ..Options::default() }).unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn unknown_options_are_named() {
        let error = Options::from_value(crate::json!({"timeuot": 3}).into()).unwrap_err();
        assert!(error.message().contains("timeuot"), "{error}");
        let error = Options::from_value(crate::json!({"timeout": -3}).into()).unwrap_err();
        assert!(error.message().contains("`timeout`"), "{error}");
    }
}
