//! The options of a client with every default applied.

use std::{path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::{
    base_url,
    options::{FileEncodingStrategy, OnAbandon, Options},
};
use crate::{
    error::{Error, Result},
    http::{headers::check_header, retry::RetryPolicy, transport::Transport},
    platform::Runtime,
};

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
    pub fn resolve(options: Options) -> Result<Self> {
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
        return Err(Error::invalid_argument("clock_rate", format!("must be greater than zero, not {rate}")));
    }
    Ok(Arc::new(crate::native::TokioRuntime::with_rate(rate)))
}

#[cfg(target_arch = "wasm32")]
fn default_transport(_: Duration, _: Option<String>, _: Option<PathBuf>) -> Result<Arc<dyn Transport>> {
    Err(Error::invalid_argument("transport", "is required on this platform"))
}

#[cfg(target_arch = "wasm32")]
fn default_runtime(_: Option<f64>) -> Result<Arc<dyn Runtime>> {
    Err(Error::invalid_argument("runtime", "is required on this platform"))
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
