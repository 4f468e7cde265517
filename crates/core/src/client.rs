//! The client: what it was configured with, and where the resources hang.

pub mod background;
mod base_url;
pub(crate) mod call;
pub(crate) mod config;
mod encode;
mod failure;
pub(crate) mod options;
pub(crate) mod output_shapes;
pub(crate) mod page;
pub(crate) mod response;
pub(crate) mod run_times;
mod send;

use std::{fmt, sync::Arc};

use url::Url;

use self::{config::Config, options::Options, output_shapes::Shapes, run_times::RunTimes};
use crate::{
    error::Result,
    http::{transport::Transport, url::same_origin},
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
        Value::Object(self.config.describe())
    }
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
