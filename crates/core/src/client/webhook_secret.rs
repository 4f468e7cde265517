//! The signing secret of the account, which a client fetches once.

use std::{sync::Mutex, time::Duration};

use tokio::sync::MutexGuard;

use super::{Client, response::Expect};
use crate::{
    error::{Error, ErrorKind, Result},
    http::{
        request::{Request, RequestOptions},
        time_limit::within,
    },
    platform::lock,
    value::{Token, float_text},
};

/// The least time between two requests for the secret, so that forged webhooks cause few of them.
const REFRESH: Duration = Duration::from_secs(60);
/// How long webhooks share a failure to fetch the secret.
const RETRY: Duration = Duration::from_secs(5);
/// Whether concurrent webhooks share one request for the secret, and its failure. Not on the web: a Worker ends a request
/// without dropping what the request has locked, and the others would wait forever.
const SHARED: bool = !cfg!(target_arch = "wasm32");

/// The secret as last fetched.
#[derive(Default)]
pub(super) struct WebhookSecret {
    fetched: Mutex<Option<Fetched>>,
    /// The last failure to fetch it, and its time.
    failed: Mutex<Option<(Error, Duration)>>,
    /// Locked while the secret is fetched.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Fetched {
    key: Token,
    /// The time of the last attempt to fetch it.
    at: Duration,
}

impl Client {
    /// Returns the signing secret of the account. Fetches it on the first call.
    pub(crate) async fn webhook_secret(&self, options: &RequestOptions) -> Result<Token> {
        if let Some(known) = self.known_webhook_secret() {
            return known;
        }
        let (_fetching, rest) = self.fetching_webhook_secret(options.clone()).await?;
        let limited = rest.timeout.is_some();
        if let Some(known) = self.known_webhook_secret() {
            return known;
        }
        let fetched = self.fetch_webhook_secret(rest).await;
        match &fetched {
            Ok(key) => self.keep_webhook_secret(key),
            // Other failures belong to this call, such as an error of a hook, and a timeout that only this call has or that a
            // wait has shortened.
            Err(error)
                if SHARED
                    && (error.status().is_some()
                        || error.kind() == ErrorKind::Connection
                        || (error.kind() == ErrorKind::Timeout && !limited)) =>
            {
                *lock(&self.0.webhook_secret.failed) = Some((error.clone(), self.runtime().monotonic()));
            }
            Err(_) => {}
        }
        fetched
    }

    /// Returns the secret, or why it could not be fetched a short time ago.
    fn known_webhook_secret(&self) -> Option<Result<Token>> {
        if let Some(Fetched { key, .. }) = self.fetched_webhook_secret() {
            return Some(Ok(key));
        }
        if SHARED
            && let Some((error, at)) = &*lock(&self.0.webhook_secret.failed)
            && self.runtime().monotonic().saturating_sub(*at) < RETRY
        {
            return Some(Err(error.clone()));
        }
        None
    }

    /// Returns the secret that has replaced `known`, which does not match a webhook. `None` if there is none, if it
    /// cannot be fetched, or if it was fetched less than [`REFRESH`] ago.
    ///
    /// # Errors
    /// If the timeout passes while another webhook fetches it.
    pub(crate) async fn replaced_webhook_secret(
        &self,
        known: &Token,
        options: RequestOptions,
    ) -> Result<Option<Token>> {
        let (_fetching, options) = self.fetching_webhook_secret(options).await?;
        let Some(Fetched { mut key, at }) = self.fetched_webhook_secret() else { return Ok(None) };
        if key == *known && self.runtime().monotonic().saturating_sub(at) >= REFRESH {
            // Before it is fetched: an attempt that fails counts.
            self.keep_webhook_secret(&key);
            let Ok(fetched) = self.fetch_webhook_secret(options).await else { return Ok(None) };
            self.keep_webhook_secret(&fetched);
            key = fetched;
        }
        Ok(Some(key).filter(|key| key != known))
    }

    /// Waits until no other webhook fetches the secret. Returns the options, after a wait with the timeout that is left.
    async fn fetching_webhook_secret(
        &self,
        mut options: RequestOptions,
    ) -> Result<(Option<MutexGuard<'_, ()>>, RequestOptions)> {
        if !SHARED {
            return Ok((None, options));
        }
        if let Ok(free) = self.0.webhook_secret.fetching.try_lock() {
            return Ok((Some(free), options));
        }
        let fetching = self.0.webhook_secret.fetching.lock();
        let Some(limit) = options.timeout.or(self.config().explicit_timeout) else {
            return Ok((Some(fetching.await), options));
        };
        let begun = self.runtime().monotonic();
        let Some(locked) = within(self.runtime(), limit, fetching).await else {
            let limit = float_text(limit.as_secs_f64());
            let message = format!(
                "the timeout of {limit} s passed while another webhook fetched the secret of the account; allow more time"
            );
            return Err(Error::new(ErrorKind::Timeout, message));
        };
        options.timeout = Some(limit.saturating_sub(self.runtime().monotonic().saturating_sub(begun)));
        Ok((Some(locked), options))
    }

    fn fetched_webhook_secret(&self) -> Option<Fetched> {
        lock(&self.0.webhook_secret.fetched).clone()
    }

    fn keep_webhook_secret(&self, key: &Token) {
        let fetched = Fetched { key: key.clone(), at: self.runtime().monotonic() };
        *lock(&self.0.webhook_secret.fetched) = Some(fetched);
    }

    async fn fetch_webhook_secret(&self, options: RequestOptions) -> Result<Token> {
        let request = Request::get("/webhooks/default/secret").options(options);
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
