//! The options of a client with every default applied.

use std::{ops::Deref, sync::Arc, time::Duration};

use indexmap::IndexMap;
use url::Url;

use super::{
    base_url,
    built_in::{check_supported, default_runtime, default_transport, proxy_for},
    options::{DefaultedOptions, Options, RateLimitOption},
    token::unencrypted_at,
};
use crate::{
    error::{Error, Result},
    http::{headers::check_header, rate_limit::check_per_minute, retry::RetryPolicy, transport::Transport},
    platform::Runtime,
    value::{Object, Token, Value, parse_float},
};

/// [`Options`] with every default applied; see [`Client::new`](super::Client::new).
#[derive(Clone)]
pub(crate) struct Config {
    pub defaulted: DefaultedOptions,
    pub token: Option<Token>,
    pub base_url: Url,
    /// See [`Client::warnings`](super::Client::warnings).
    pub warnings: Vec<String>,
    pub headers: IndexMap<String, String>,
    pub query: IndexMap<String, String>,
    pub retry: RetryPolicy,
    /// The `timeout` that the user set. `DefaultedOptions::timeout` also has the default.
    pub explicit_timeout: Option<Duration>,
    pub poll_interval: Option<Duration>,
    pub rate_limit: RateLimitOption,
    /// Whether the clock is that of the process.
    pub shares_clock: bool,
    pub runtime: Arc<dyn Runtime>,
}

impl Deref for Config {
    type Target = DefaultedOptions;

    fn deref(&self) -> &DefaultedOptions {
        &self.defaulted
    }
}

impl Config {
    /// Returns the transport apart from the options, so that a client with another one does not keep its connections.
    pub fn resolve(options: Options) -> Result<(Self, Arc<dyn Transport>)> {
        check_supported(&options)?;
        let defaulted = DefaultedOptions::resolve(&options);
        check_header("user_agent", "user-agent", &defaulted.user_agent)?;
        for (name, value) in &options.headers {
            check_header("headers", name, value)?;
        }
        if let Some(RateLimitOption::PerMinute(count)) = options.rate_limit {
            check_per_minute("rate_limit", count)?;
        }
        let clock_rate = options.checked_clock_rate()?;
        let transport = match options.transport.clone() {
            Some(transport) => transport,
            None => default_transport(&defaulted, &options)?,
        };
        let mut retry = options.retry.unwrap_or_default();
        retry.max_retries = options.max_retries.unwrap_or(retry.max_retries);
        let poll_interval = match options.poll_interval {
            Some(interval) => Some(interval),
            None => env("REPLICATE_POLL_INTERVAL").map(|text| poll_interval_from(&text)).transpose()?,
        };
        let token = resolve_token(options.token)?;
        let base_url = given(options.base_url);
        // On the web there are no variables.
        let is_option = cfg!(target_arch = "wasm32") || base_url.is_some();
        let base_url =
            base_url::resolve(base_url.or_else(|| env("REPLICATE_BASE_URL"))).map_err(|error| {
                if is_option {
                    return error;
                }
                let variable = "the environment variable REPLICATE_BASE_URL";
                Error::invalid(error.message().replacen("`base_url`", variable, 1))
            })?;
        let built_in = options.transport.is_none();
        let proxy = || if built_in { proxy_for(options.proxy.as_deref(), &base_url) } else { None };
        let reader = unencrypted_at(&base_url, proxy);
        if let Some(reader) = reader.as_ref().filter(|_| defaulted.require_https) {
            let why = format!("must begin with https://: requests would be sent unencrypted to {reader}");
            return Err(Error::invalid_argument("base_url", why));
        }
        let is_authenticated =
            token.is_some() || options.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
        let warning =
            reader.filter(|_| is_authenticated).map(|reader| unencrypted_warning(&reader, &base_url));
        let config = Self {
            token,
            base_url,
            warnings: warning.into_iter().collect(),
            headers: options.headers,
            query: options.query,
            retry,
            explicit_timeout: options.timeout,
            poll_interval,
            rate_limit: options.rate_limit.unwrap_or_default(),
            shares_clock: options.runtime.is_none() && clock_rate == 1.0,
            runtime: match options.runtime {
                Some(runtime) => runtime,
                None => default_runtime(clock_rate)?,
            },
            defaulted,
        };
        Ok((config, transport))
    }

    /// Returns the options without secrets. Durations are in seconds.
    pub fn describe(&self) -> Object {
        let mut described = Object::new();
        let mut show = |name: &str, value: Value| {
            described.insert(name.to_owned(), value);
        };
        show("base_url", self.base_url.as_str().into());
        show("max_retries", self.retry.max_retries.into());
        show("poll_interval", self.poll_interval.map(|interval| interval.as_secs_f64()).into());
        show("rate_limit", self.rate_limit.to_value());
        show("has_token", self.token.is_some().into());
        self.defaulted.describe(show);
        described
    }
}

/// Returns the warning for a token that `reader` can read.
fn unencrypted_warning(reader: &str, base_url: &Url) -> String {
    format!(
        "The API token is sent unencrypted to {reader}: requests to {base_url} use plain http. Use https, or plain http to \
         a loopback address only."
    )
}

fn env(name: &str) -> Option<String> {
    given(std::env::var(name).ok())
}

/// Returns the text, or `None` if it is blank.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn poll_interval_from(text: &str) -> Result<Duration> {
    let seconds = parse_float(text.trim()).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| {
        Error::invalid(format!(
            "the environment variable REPLICATE_POLL_INTERVAL must be a non-negative number of seconds, not {text:?}"
        ))
    })
}

/// Returns the token without surrounding whitespace, such as the line break of a file. A blank token that is given means
/// none: the Python package passes one for a user without a token, who must not get that of the server.
fn resolve_token(token: Option<Token>) -> Result<Option<Token>> {
    let given = token.or_else(|| env("REPLICATE_API_TOKEN").map(Token::from));
    let Some(token) = given.as_deref().map(str::trim) else { return Ok(None) };
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // The message must not contain the token.
        return Err(Error::invalid(
            "the API token contains invalid characters; check it for spaces, quotes and line breaks",
        )
        .about("token"));
    }
    Ok((!token.is_empty()).then(|| token.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::options::OptionTable;

    /// Options that `describe` omits, in addition to those of the transport: secrets and the clock.
    const HIDDEN: [&str; 4] = ["token", "headers", "query", "clock_rate"];

    #[test]
    fn a_rate_limit_must_be_greater_than_zero() {
        let resolve = |count| {
            let rate_limit = Some(RateLimitOption::PerMinute(count));
            Config::resolve(Options { rate_limit, ..Options::default() })
        };
        for count in [0.0, -5.0, f64::NAN, f64::INFINITY] {
            let error = resolve(count).err().unwrap();
            assert_eq!(error.argument(), Some("rate_limit"), "{count}");
        }
        assert!(resolve(0.5).is_ok());
        let decoded = Options::from_value(crate::json!({"rate_limit": 0}).into()).unwrap();
        let error = Config::resolve(decoded).err().unwrap();
        assert_eq!(error.message(), "`rate_limit` must be a number of creates per minute greater than zero");
    }

    #[test]
    fn the_rate_of_a_clock_must_be_greater_than_zero() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            // Also with a clock of the caller, which the rate does not change.
            for runtime in [None, Some(default_runtime(1.0).unwrap())] {
                let options = Options { clock_rate: Some(rate), runtime, ..Options::default() };
                let error = Config::resolve(options).err().unwrap();
                assert_eq!(error.argument(), Some("clock_rate"), "{rate}");
            }
        }
    }

    #[test]
    fn every_option_is_described_or_explicitly_hidden() {
        let described = Config::resolve(Options::default()).unwrap().0.describe();
        let hidden = [&HIDDEN, Options::TRANSPORT_OPTIONS].concat();
        for option in Options::TABLE {
            let shown = described.contains_key(option.name);
            assert_eq!(shown, !hidden.contains(&option.name), "{}", option.name);
        }
        assert_eq!(described.len() - 1, Options::TABLE.len() - hidden.len(), "apart from `has_token`");
    }
}
