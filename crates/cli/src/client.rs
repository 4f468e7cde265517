//! The client, and the operations of the core that commands use.

use std::time::Duration;

use replicant::{BoxStream, Client, Item, Options, Token, Value, operation};

use crate::{
    failure::{Failure, REFUSED},
    output, token,
};

/// Builds a client with the token of the environment, else with the one that `login` stored.
pub(crate) fn client() -> Result<Client, Failure> {
    let is_set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    if is_set("REPLICATE_API_TOKEN") {
        return client_with(None);
    }
    let stored = token::read()?;
    // Another server, such as the emulator or a proxy, may need no token.
    if stored.is_none() && !is_set("REPLICATE_BASE_URL") {
        let why = "there is no API token: run `replicant login`, or set REPLICATE_API_TOKEN";
        return Err(Failure::new(REFUSED, why));
    }
    client_with(stored)
}

/// Builds a client. Without a token, it has the one of the environment.
pub(crate) fn client_with(token: Option<Token>) -> Result<Client, Failure> {
    let user_agent = Some(concat!("replicant-cli/", env!("CARGO_PKG_VERSION")).to_owned());
    let client = Client::new(Options { token, user_agent, ..Options::default() })?;
    for warning in client.warnings() {
        output::note(&format!("replicant: {warning}"));
    }
    Ok(client)
}

/// Runs an operation of the core with one result.
pub(crate) async fn call(client: &Client, name: &str, params: impl Into<Value>) -> Result<Value, Failure> {
    Ok(operation::call(client, name, params.into(), None).await?.value)
}

/// Runs an operation of the core with a stream of results.
pub(crate) fn open(
    client: &Client,
    name: &str,
    params: impl Into<Value>,
) -> BoxStream<'static, replicant::Result<Item>> {
    operation::open(client, name, params.into())
}

/// Parses a duration in seconds.
pub(crate) fn seconds(flag: &str, text: &str) -> Result<f64, Failure> {
    let is_duration = |seconds: &f64| *seconds > 0.0 && Duration::try_from_secs_f64(*seconds).is_ok();
    let parsed = text.parse().ok().filter(is_duration);
    parsed
        .ok_or_else(|| Failure::usage(format!("`{flag}` must be a positive number of seconds, not `{text}`")))
}
