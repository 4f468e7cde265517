//! The secret that webhooks are signed with; see [`Webhook`](crate::Webhook) for verifying them.

use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, call::Call},
    http::request::Request,
};

/// The secret that the API signs an account's webhooks with. Worth keeping: it rarely changes.
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
    /// `whsec_` and base64.
    pub key: String,
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

/// Webhooks; see [`Client::webhooks`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let webhooks = client.webhooks();
/// let secret = webhooks.secret().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Webhooks<'c> {
    client: &'c Client,
}

impl Client {
    /// What webhooks are verified with.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let secret = client.webhooks().secret().await?.key;
    /// # Ok(()) }
    /// ```
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { client: self }
    }
}

impl Webhooks<'_> {
    /// The account's signing secret. `GET /webhooks/default/secret`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let secret = client.webhooks().secret().await?;
    /// # let _ = secret.key;
    /// # Ok(()) }
    /// ```
    pub fn secret(&self) -> Call<WebhookSecret> {
        Call::new(self.client, Ok(Request::get("/webhooks/default/secret")))
    }
}
