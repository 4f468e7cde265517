//! The signing secret of webhooks. [`Webhook`](crate::Webhook) verifies them.

use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, call::Call},
    http::request::Request,
};

/// The secret that signs the webhooks of an account. It rarely changes, so it can be cached.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let secret = client.webhooks().secret().await?;
/// assert!(secret.key.starts_with("whsec_"));
/// # Ok(()) }
/// ```
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WebhookSecret {
    /// The secret, `whsec_...`.
    pub key: String,
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

/// The webhooks resource; see [`Client::webhooks`].
#[derive(Debug, Clone, Copy)]
pub struct Webhooks<'c> {
    client: &'c Client,
}

impl Client {
    /// Returns the webhooks resource.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { client: self }
    }
}

impl Webhooks<'_> {
    /// Returns the signing secret of the account. `GET /webhooks/default/secret`
    pub fn secret(&self) -> Call<WebhookSecret> {
        Call::new(self.client, Ok(Request::get("/webhooks/default/secret")))
    }
}
