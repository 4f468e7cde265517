//! The client and its configuration.

mod abandoned;
pub mod background;
mod base_url;
#[cfg(not(target_arch = "wasm32"))]
mod built_in;
#[cfg(target_arch = "wasm32")]
#[path = "client/no_built_in.rs"]
mod built_in;
pub(crate) mod call;
pub(crate) mod config;
mod encode;
mod failure;
#[cfg(not(target_arch = "wasm32"))]
mod file_hint;
pub mod hooks;
pub(crate) mod options;
pub(crate) mod page;
pub(crate) mod pause;
mod rate_gate;
pub(crate) mod rate_gates;
pub(crate) mod rate_state;
mod reading;
pub(crate) mod redact;
pub(crate) mod report;
pub(crate) mod response;
pub(crate) mod run_times;
mod send;
mod sending;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod shape_cache;
mod timer;
pub(crate) mod token;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod turns;
mod uncanceled;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod waiting;
#[cfg(target_arch = "wasm32")]
#[path = "client/no_waiting.rs"]
pub(crate) mod waiting;
mod webhook_secret;

use std::{fmt, sync::Arc};

use url::Url;

use self::{
    abandoned::Abandoned, background::Tasks, config::Config, hooks::Hooks, options::Options,
    rate_gates::RateGates, rate_state::RateLimits, run_times::RunTimes, webhook_secret::WebhookSecret,
};
use crate::{
    error::Result,
    http::{request::Request, transport::Transport, url::same_origin},
    platform::Runtime,
    value::Value,
};

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
pub struct Client(Arc<State>);

/// In one allocation: each call copies its client several times, on several threads.
#[derive(Clone)]
struct State {
    config: Arc<Config>,
    transport: Arc<dyn Transport>,
    run_times: Arc<RunTimes>,
    #[cfg(not(target_arch = "wasm32"))]
    shapes: Arc<shape_cache::Shapes>,
    abandoned: Arc<Abandoned>,
    gates: Option<Arc<RateGates>>,
    waiting: Arc<waiting::Waiting>,
    tasks: Option<Tasks>,
    webhook_secret: Arc<WebhookSecret>,
    hooks: Option<Arc<dyn Hooks>>,
}

impl Client {
    /// Builds a client. Opens no connection and requires no async runtime.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if an option is invalid.
    pub fn new(mut options: Options) -> Result<Self> {
        let hooks = options.hooks.take();
        let (config, transport) = Config::resolve(options)?;
        for warning in &config.warnings {
            tracing::warn!(target: "replicant", "{warning}");
        }
        let gates = RateGates::of(&config);
        Ok(Self(Arc::new(State {
            run_times: Arc::default(),
            #[cfg(not(target_arch = "wasm32"))]
            shapes: Arc::default(),
            abandoned: Arc::default(),
            waiting: waiting_of(&config, gates.as_deref()),
            gates,
            transport,
            config: Arc::new(config),
            tasks: None,
            webhook_secret: Arc::default(),
            hooks,
        })))
    }

    /// Builds a client from the environment variables `REPLICATE_API_TOKEN`, `REPLICATE_BASE_URL` and
    /// `REPLICATE_POLL_INTERVAL`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if a variable is invalid.
    pub fn from_env() -> Result<Self> {
        Self::new(Options::default())
    }

    /// Returns a client with another transport, which shares this client's options and cached run times.
    pub fn with_transport(&self, transport: Arc<dyn Transport>) -> Self {
        Self(Arc::new(State { transport, ..(*self.0).clone() }))
    }

    /// Returns a client with other hooks, which shares this client's options, connections and cached run times.
    pub fn with_hooks(&self, hooks: Arc<dyn Hooks>) -> Self {
        Self(Arc::new(State { hooks: Some(hooks), ..(*self.0).clone() }))
    }

    /// Returns a client whose background tasks are counted in `tasks`, such as the cancels of abandoned predictions. It shares
    /// this client's options, connections and cached run times.
    pub fn with_tasks(&self, tasks: Tasks) -> Self {
        Self(Arc::new(State { tasks: Some(tasks), ..(*self.0).clone() }))
    }

    /// Returns the rate limits that the client has learned, which all clients with the same token share. `None` if
    /// [`Options::rate_limit`](crate::Options::rate_limit) is [`Off`](crate::RateLimitOption::Off).
    pub fn rate_limit(&self) -> Option<RateLimits> {
        self.gates().map(|gates| gates.state(self.runtime().monotonic()))
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.0.transport
    }

    pub(crate) fn gates(&self) -> Option<&RateGates> {
        self.0.gates.as_deref()
    }

    pub(crate) fn waiting(&self) -> &Arc<waiting::Waiting> {
        &self.0.waiting
    }

    /// Returns a client whose predictions are each polled alone, for comparison.
    #[cfg(test)]
    pub(crate) fn polling_alone(&self) -> Self {
        Self(Arc::new(State { waiting: Arc::new(waiting::Waiting::alone()), ..(*self.0).clone() }))
    }

    pub(crate) fn tasks(&self) -> Option<&Tasks> {
        self.0.tasks.as_ref()
    }

    pub(crate) fn hooks(&self) -> Option<&Arc<dyn Hooks>> {
        self.0.hooks.as_ref()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn run_times(&self) -> &RunTimes {
        &self.0.run_times
    }

    pub(crate) fn abandoned(&self) -> &Abandoned {
        &self.0.abandoned
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn shapes(&self) -> &shape_cache::Shapes {
        &self.0.shapes
    }

    pub(crate) fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.0.config.runtime
    }

    /// Returns `true` if a URL is at the API origin, which may receive the token.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        same_origin(url, &self.0.config.base_url)
    }

    /// Returns the path of a URL below an endpoint such as `/files/`.
    fn below<'a>(&self, endpoint: &str, url: &'a Url) -> Option<&'a str> {
        url.path().strip_prefix(self.config().base_url.path())?.strip_prefix(endpoint)
    }

    /// Returns `true` if a URL may receive the token and other secrets of a request. A model can name any URL as its output, also
    /// that of an endpoint that returns a secret, so of all files only those below `/files/` are read with the token.
    pub(crate) fn trusts(&self, request: &Request, url: &Url) -> bool {
        let id = self.below("/files/", url).unwrap_or_default();
        // Some servers decode slashes before they select the endpoint.
        let names_a_file = !id.is_empty() && !id.starts_with('/') && !id.contains('%');
        self.owns(url) && (!request.is_file || names_a_file)
    }

    /// Returns a warning for each option that is accepted but unsafe; the client also logs it. A `base_url` over plain
    /// http to a host other than loopback is unsafe, because the token is sent unencrypted. See
    /// [`Options::require_https`](crate::Options::require_https).
    pub fn warnings(&self) -> &[String] {
        &self.0.config.warnings
    }

    /// Returns the resolved options, except the token. Durations are in seconds; `null` means no limit.
    pub fn describe(&self) -> Value {
        Value::Object(self.0.config.describe())
    }
}

/// Returns the waiting predictions that share their polls with those of a client. A client with headers or query parameters
/// shares with no other: they may select another account.
fn waiting_of(config: &Config, gates: Option<&RateGates>) -> Arc<waiting::Waiting> {
    let gates = gates.filter(|_| config.headers.is_empty() && config.query.is_empty());
    gates.map(RateGates::waiting).unwrap_or_default()
}

impl fmt::Debug for Client {
    /// Writes the base URL. Omits the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.0.config.base_url.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_and_errors_omit_the_token() {
        let options = Options { token: Some("r8_secret".into()), ..Options::default() };
        assert!(!format!("{options:?}").contains("secret"));
        let client = Client::new(options).unwrap();
        assert!(!format!("{client:?} {:?}", client.describe()).contains("secret"));
        // A header may override the token for one call.
        let stream = client.stream("acme/text", crate::json!({})).header("authorization", "Bearer secret");
        let run = client.run("acme/text", crate::json!({})).header("authorization", "Bearer secret");
        assert!(!format!("{stream:?} {run:?}").contains("secret"));
        let error =
            Client::new(Options { token: Some("r8_secret\u{1}x".into()), ..Options::default() }).unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn errors_name_unknown_and_invalid_options() {
        let error = Options::from_value(crate::json!({"timeuot": 3}).into()).unwrap_err();
        assert!(error.message().contains("timeuot"), "{error}");
        let error = Options::from_value(crate::json!({"timeout": -3}).into()).unwrap_err();
        assert!(error.message().contains("`timeout`"), "{error}");
    }
}
