//! The signing secret of the account, which a client fetches once.

use std::time::Duration;

use tokio::sync::Mutex;

use super::{Client, response::Expect};
use crate::{
    error::{Error, ErrorKind, Result},
    http::request::{Request, RequestOptions},
    value::Token,
};

/// The least time between two requests for the secret, so that forged webhooks cause few of them.
const REFRESH: Duration = Duration::from_secs(60);

/// The secret as last fetched. The lock is held while it is fetched, so that concurrent webhooks share one request.
#[derive(Default)]
pub(super) struct WebhookSecret(Mutex<Option<Fetched>>);

struct Fetched {
    key: Token,
    /// The time of the last attempt to fetch it.
    at: Duration,
}

impl Client {
    /// Returns the signing secret of the account. Fetches it on the first call.
    pub(crate) async fn webhook_secret(&self, options: &RequestOptions) -> Result<Token> {
        let mut cached = self.0.webhook_secret.0.lock().await;
        if let Some(Fetched { key, .. }) = &*cached {
            return Ok(key.clone());
        }
        let key = self.fetch_webhook_secret(options).await?;
        *cached = Some(Fetched { key: key.clone(), at: self.runtime().monotonic() });
        Ok(key)
    }

    /// Returns the secret that has replaced `known`, which does not match a webhook. `None` if there is none, if it
    /// cannot be fetched, or if it was fetched less than [`REFRESH`] ago.
    pub(crate) async fn replaced_webhook_secret(
        &self,
        known: &Token,
        options: &RequestOptions,
    ) -> Option<Token> {
        let mut cached = self.0.webhook_secret.0.lock().await;
        let now = self.runtime().monotonic();
        let fetched = cached.as_mut()?;
        if fetched.key == *known && now.saturating_sub(fetched.at) >= REFRESH {
            fetched.at = now;
            fetched.key = self.fetch_webhook_secret(options).await.ok()?;
        }
        Some(fetched.key.clone()).filter(|key| key != known)
    }

    async fn fetch_webhook_secret(&self, options: &RequestOptions) -> Result<Token> {
        let request = Request::get("/webhooks/default/secret").options(options.clone());
        let reply = self.send(&request, Expect::Object).await?;
        let key = reply.value["key"].as_str().filter(|key| !key.is_empty());
        key.map(Token::from).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidResponse,
                "unexpected response: `key` of the webhook secret is missing",
            )
        })
    }
}
