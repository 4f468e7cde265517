//! The HTTP client for webhooks, files given by URL and Cog servers.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::redirect::Policy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the innermost cause of an error, which is the most specific.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}

/// Builds a client.
pub(crate) fn build(
    configure: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, String> {
    // Fails if the program has installed a provider already, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = configure(reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT)).build();
    client.map_err(|error| format!("could not set up an HTTP client: {error}"))
}

/// A client that is built on first use. It follows no redirects; callers decide about them.
#[derive(Default)]
pub(crate) struct HttpClient(OnceLock<reqwest::Client>);

impl HttpClient {
    pub(crate) fn get(&self) -> Result<&reqwest::Client, String> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let client = build(|builder| builder.redirect(Policy::none()).no_proxy())?;
        Ok(self.0.get_or_init(|| client))
    }
}
