//! The options of a client.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{
    error::{Result, decode_params},
    http::{retry::RetryPolicy, transport::Transport},
    platform::Runtime,
    value::{
        Value,
        seconds::{limit, seconds},
    },
};

/// How a [`Client`](super::Client) is configured. Every field left out has the default that it documents.
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

/// What happens to a prediction when nobody waits for it any more.
///
/// ```
/// use replicant::{Client, OnAbandon, Options};
///
/// let client = Client::new(Options { on_abandon: Some(OnAbandon::Leave), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAbandon {
    /// It is cancelled, so that it costs no more.
    #[default]
    Cancel,
    /// It goes on.
    Leave,
}

impl OnAbandon {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Leave => "leave",
        }
    }
}

/// How the files in an input are sent.
///
/// ```
/// use replicant::{Client, FileEncodingStrategy, Options};
///
/// let strategy = Some(FileEncodingStrategy::Auto);
/// let client = Client::new(Options { file_encoding_strategy: strategy, ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum FileEncodingStrategy {
    /// Uploads every file, as the official clients do: an inlined file comes back in every poll and webhook.
    #[default]
    #[serde(rename = "upload", alias = "url")]
    Upload,
    /// Uploads every file, and inlines those whose upload fails unless the API refused it. The default in Node,
    /// as in npm `replicate`.
    #[serde(rename = "default")]
    UploadOrInline,
    /// Inlines files of up to 64 KiB and uploads the others.
    #[serde(rename = "auto")]
    Auto,
    /// Inlines every file as a data: URI; 10 MB in total at most.
    #[serde(rename = "data-uri", alias = "base64")]
    DataUri,
}

impl FileEncodingStrategy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::UploadOrInline => "default",
            Self::Auto => "auto",
            Self::DataUri => "data-uri",
        }
    }
}
