//! The options of a client.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer};

use super::hooks::Hooks;
use crate::{
    error::{Error, Result, decode_params},
    http::{retry::RetryPolicy, transport::Transport},
    platform::Runtime,
    value::{
        Password, Token, Value, float_text,
        options::{option_types, options},
        seconds::{limit, seconds},
    },
};
use indexmap::IndexMap;

/// Declares the options of a client.
///
/// `defaulted` are fields of [`DefaultedOptions`], each with a default and a conversion for
/// [`Client::describe`](super::Client::describe). [`Config`](super::config::Config) resolves the `resolved` options,
/// `transport` options configure the default transport, and `rust` options exist in Rust only.
macro_rules! client_options {
    (
        $(#[$meta:meta])*
        resolved { $($(#[$resolved_meta:meta])* $resolved:ident: $resolved_type:ty,)* }
        defaulted { $($(#[$defaulted_meta:meta])* $defaulted:ident: $type:ty = $default:expr, $shown:expr;)* }
        transport { $($(#[$transport_meta:meta])* $transport:ident: $transport_type:ty,)* }
        rust { $($(#[$rust_meta:meta])* $rust:ident: $rust_type:ty,)* }
    ) => {
        options! {
            $(#[$meta])*
            #[derive(Clone, Default, Deserialize)]
            #[serde(deny_unknown_fields, default)]
            pub struct Options {
                $($(#[$resolved_meta])* pub $resolved: $resolved_type,)*
                $($(#[$defaulted_meta])* pub $defaulted: Option<$type>,)*
                $($(#[$transport_meta])* pub $transport: $transport_type,)*
            }
            rust { $($(#[$rust_meta])* $rust: $rust_type,)* }
        }

        /// The options that are resolved by a default value.
        #[derive(Clone)]
        pub(crate) struct DefaultedOptions {
            $(pub $defaulted: $type,)*
        }

        impl Options {
            /// Returns the name of an option of the built-in transport that is given.
            #[cfg(target_arch = "wasm32")]
            pub(super) fn given_transport_option(&self) -> Option<&'static str> {
                [$((stringify!($transport), self.$transport.is_some()),)*]
                    .into_iter()
                    .find_map(|(name, is_given)| is_given.then_some(name))
            }

            #[cfg(test)]
            pub(super) const TRANSPORT_OPTIONS: &[&str] = &[$(stringify!($transport),)*];
        }

        impl DefaultedOptions {
            pub(super) fn resolve(options: &Options) -> Self {
                Self { $($defaulted: options.$defaulted.clone().unwrap_or_else(|| $default),)* }
            }

            /// Passes the name and the converted value of each option to `show`.
            pub(super) fn describe(&self, mut show: impl FnMut(&'static str, Value)) {
                $({
                    let shown: fn(&$type) -> Value = $shown;
                    show(stringify!($defaulted), shown(&self.$defaulted));
                })*
            }
        }
    };
}

client_options! {
    /// The options of a [`Client`](super::Client). A field that is `None` has the default that it documents.
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
    resolved {
        /// API token. Defaults to the environment variable `REPLICATE_API_TOKEN`; without one, requests are not
        /// authenticated.
        token: Option<Token>,
        /// Base URL of the API; `/v1` is added to a URL without a path. Defaults to the environment variable
        /// `REPLICATE_BASE_URL`, otherwise `https://api.replicate.com/v1`.
        base_url: Option<String>,
        /// Headers for every request to the API. Other hosts do not receive them.
        headers: IndexMap<String, String>,
        /// Query parameters for every request to the API.
        query: IndexMap<String, String>,
        /// Maximum number of retries per request. Defaults to 5. See [`RetryPolicy`].
        max_retries: Option<u32>,
        /// Maximum number of predictions to create per minute, with up to a second's worth at once. Defaults to what the API
        /// allows, which the client learns from its responses: requests wait for their turn instead of failing with 429.
        /// Clients with the same token share the limit.
        #[serde(deserialize_with = "rate_limit")]
        rate_limit: Option<RateLimitOption>,
        /// Time between polls of a prediction. Defaults to the environment variable `REPLICATE_POLL_INTERVAL`
        /// (seconds), otherwise adaptive: short at first, longer for long runs.
        #[serde(deserialize_with = "seconds")]
        poll_interval: Option<Duration>,
        /// Seconds that the client's clock advances per real second, for tests. Defaults to 1.
        clock_rate: Option<f64>,
    }
    defaulted {
        /// The `User-Agent` header. Defaults to `replicant/<version>`.
        user_agent: String = format!("replicant/{}", env!("CARGO_PKG_VERSION")), |agent| agent.as_str().into();
        /// Time limit of a request with all its retries, in addition to the time that the server is asked to hold its
        /// response. For uploads and downloads, the time limit without progress. Without this option, an attempt has 60 s
        /// until the head of its response and 60 s for its body.
        #[serde(deserialize_with = "limit")]
        timeout: Duration = Duration::from_secs(60), |limit| shown_limit(*limit);
        /// Time limit for connecting. Defaults to 10 s.
        #[serde(deserialize_with = "limit")]
        connect_timeout: Duration = Duration::from_secs(10), |limit| shown_limit(*limit);
        /// Time after which a silent event stream is resumed. Comments count as activity. Defaults to 5 min.
        #[serde(deserialize_with = "seconds")]
        idle_timeout: Duration = Duration::from_secs(300), |limit| limit.as_secs_f64().into();
        /// Size of the longest response to read, in bytes, after decompression. Does not apply to files and event
        /// streams. Defaults to 64 MiB.
        max_response_size: u64 = 64 << 20, |size| (*size).into();
        /// How files in an input are sent. Defaults to uploading them.
        file_encoding_strategy: FileEncodingStrategy = FileEncodingStrategy::default(), |it| it.name().into();
        /// Whether to compare the SHA-256 of every upload with the one in the response. Defaults to false, because TLS
        /// protects the bytes and hashing takes about as long as sending.
        verify_uploads: bool = false, |it| (*it).into();
        /// Whether files in outputs become [`FileOutput`](crate::FileOutput)s rather than strings. Defaults to
        /// true.
        use_file_output: bool = true, |it| (*it).into();
        /// Whether to refuse a `base_url` over plain http to a host other than loopback. Defaults to false: such a client
        /// has a [warning](super::Client::warnings).
        require_https: bool = false, |it| (*it).into();
        /// What to do with a running prediction when `run` or `stream` is abandoned. Defaults to canceling it.
        on_abandon: OnAbandon = OnAbandon::default(), |it| it.name().into();
        /// Whether logs of the level `debug` show the JSON bodies of requests and responses, without secrets and long
        /// strings. Defaults to false.
        log_bodies: bool = false, |it| (*it).into();
        /// Whether to create spans: one for each run and each attempt of a request. In Python and Node they are those of
        /// OpenTelemetry, if the program uses it, and `traceparent` is sent to the API. Defaults to true.
        tracing: bool = true, |it| (*it).into();
        /// Whether the spans of runs have the input and the output. Defaults to false, or the environment variable
        /// `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`.
        trace_content: bool = captures_content(), |it| (*it).into();
    }
    transport {
        /// File with a client certificate in PEM, and its private key unless `client_key` has
        /// it.
        client_cert: Option<PathBuf>,
        /// PEM file with the private key of `client_cert`.
        client_key: Option<PathBuf>,
        /// Password of the private key, if it is encrypted.
        client_key_password: Option<Password>,
        /// Whether to use HTTP/2 with servers that offer it. Defaults to true.
        http2: Option<bool>,
        /// Maximum number of requests at a time; others wait. Over HTTP/1.1, each has its own connection, and an event
        /// stream or download keeps it until its end. Defaults to no limit.
        max_connections: Option<u32>,
        /// How long an unused connection stays open. Defaults to 50 s.
        #[serde(deserialize_with = "seconds")]
        pool_idle_timeout: Option<Duration>,
        /// URL of a proxy for all requests: `http`, `https`, `socks5`, or `socks5h`, which also resolves host names.
        /// Defaults to the environment (`HTTPS_PROXY`, `NO_PROXY`, ...).
        proxy: Option<String>,
        /// PEM file, or a folder of such files, with certificates to trust in addition to those of the platform and the
        /// environment (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`, `NODE_EXTRA_CA_CERTS`): of authorities, or of a server.
        ca_bundle: Option<PathBuf>,
    }
    rust {
        /// Retry policy. The option `max_retries` takes precedence over that of the policy.
        retry: Option<RetryPolicy>,
        /// Transport of all requests. Defaults to reqwest.
        transport: Option<Arc<dyn Transport>>,
        /// Functions to call for each request.
        hooks: Option<Arc<dyn Hooks>>,
        /// Clock, timer and spawner. Defaults to the clock of the system, and the timer and the tasks of tokio.
        runtime: Option<Arc<dyn Runtime>>,
    }
}

/// Returns the default of the instrumentations of OpenTelemetry for generative AI.
fn captures_content() -> bool {
    let variable = std::env::var("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT");
    variable.is_ok_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

/// Converts a time limit to seconds, or `null` for no limit.
fn shown_limit(limit: Duration) -> Value {
    (limit != Duration::MAX).then_some(limit.as_secs_f64()).into()
}

option_types! {
    OnAbandon => "cancel | leave",
    FileEncodingStrategy => "upload | default | auto | data-uri",
    RateLimitOption => "number",
}

impl Options {
    /// Decodes options from an object with the names of the fields. Durations are in seconds.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for a member that is unknown or has the wrong
    /// type. The message names it.
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

    /// Returns [`clock_rate`](Self::clock_rate) or its default, for a [`Runtime`] with a clock of its own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if it is not a finite number above zero.
    pub fn checked_clock_rate(&self) -> Result<f64> {
        let rate = self.clock_rate.unwrap_or(1.0);
        if rate.is_finite() && rate > 0.0 {
            return Ok(rate);
        }
        let why = format!("must be greater than zero, not {}", float_text(rate));
        Err(Error::invalid_argument("clock_rate", why))
    }
}

impl fmt::Debug for Options {
    /// Omits the token and the headers, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("base_url", &self.base_url)
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .finish_non_exhaustive()
    }
}

/// What to do with a running prediction when `run` or `stream` is abandoned.
///
/// ```
/// use replicant::{Client, OnAbandon, Options};
///
/// let client = Client::new(Options { on_abandon: Some(OnAbandon::Leave), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnAbandon {
    /// Cancel it, so that it costs no more. The cancel is sent in the background: await
    /// [`background::drain`](crate::background::drain) before the program ends.
    #[default]
    Cancel,
    /// Let it continue.
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

/// How many predictions a client creates per minute.
///
/// ```
/// use replicant::{Client, Options, RateLimitOption};
///
/// let client = Client::new(Options { rate_limit: Some(RateLimitOption::PerMinute(60.0)), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum RateLimitOption {
    /// As many as the API allows, learned from its responses.
    #[default]
    Learned,
    /// At most this number, which must be greater than zero.
    PerMinute(f64),
    /// Any number. Each request that fails with 429 is retried on its own, up to `max_retries` times.
    Off,
}

/// Decodes a number per minute. `null` means no limit.
fn rate_limit<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<RateLimitOption>, D::Error> {
    let count = Option::<f64>::deserialize(deserializer)?;
    Ok(Some(count.map_or(RateLimitOption::Off, RateLimitOption::PerMinute)))
}

impl RateLimitOption {
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Learned => "learned".into(),
            Self::PerMinute(count) => count.into(),
            Self::Off => Value::Null,
        }
    }
}

/// How files in an input are sent.
///
/// ```
/// use replicant::{Client, FileEncodingStrategy, Options};
///
/// let strategy = Some(FileEncodingStrategy::Auto);
/// let client = Client::new(Options { file_encoding_strategy: strategy, ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[non_exhaustive]
pub enum FileEncodingStrategy {
    /// Upload every file. An inlined file would be repeated in every poll and webhook.
    #[default]
    #[serde(rename = "upload", alias = "url")]
    Upload,
    /// Upload every file, and inline those whose upload fails, unless the API rejected it. The default in Node, as in
    /// npm `replicate`.
    #[serde(rename = "default")]
    UploadOrInline,
    /// Inline files of up to 64 KiB, and upload larger ones.
    #[serde(rename = "auto")]
    Auto,
    /// Inline every file as a `data:` URI, at most 10 MB in total.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error_of(options: serde_json::Value) -> String {
        Options::from_value(options.into()).expect_err("an invalid option").to_string()
    }

    #[test]
    fn a_misspelled_option_is_reported_with_a_suggestion() {
        for (given, meant) in [
            ("max_retry", "max_retries"),
            ("baseURL", "base_url"),
            ("Time-Out", "timeout"),
            ("tokn", "token"),
        ] {
            let expected = format!("options: unknown option `{given}`; did you mean `{meant}`?");
            assert_eq!(error_of(json!({given: 1})), expected);
        }
        let far = error_of(json!({"flavour": 1}));
        assert!(far.starts_with("options: unknown option `flavour`; expected one of `token`, "), "{far}");
        assert!(far.contains(" and `ca_bundle`") && !far.contains("clock_rate"), "{far}");
    }

    #[test]
    fn an_invalid_value_is_reported_with_the_expected_type() {
        for (given, expected) in [
            (json!({"timeout": "soon"}), "options: `timeout` must be a number, not \"soon\""),
            (json!({"token": 5}), "options: `token` must be a string, not 5"),
            (json!({"headers": {"x-trace": 5}}), "options: `headers.x-trace` must be a string, not 5"),
            (json!({"headers": [1]}), "options: `headers` must be an object, not an array"),
            (
                json!({"use_file_output": "no"}),
                "options: `use_file_output` must be true or false, not \"no\"",
            ),
            (
                json!({"on_abandon": "kill"}),
                "options: `on_abandon` must be \"cancel\" or \"leave\", not \"kill\"",
            ),
            (
                json!({"headers": "Bearer r8_0123456789012345678901234567890123456"}),
                "options: `headers` must be an object, not a string",
            ),
        ] {
            assert_eq!(error_of(given), expected);
        }
    }
}
