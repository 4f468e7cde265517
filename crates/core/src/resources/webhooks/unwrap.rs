//! Verifies a webhook with the secret of the account.

use std::time::Duration;

use bytes::Bytes;

use super::{WebhookEvent, WebhookObject};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Error, ErrorKind, Result, decode},
    http::request::RequestOptions,
    platform::BoxFuture,
    value::{Token, Value},
    webhook::{TOLERANCE, Webhook},
};

/// A webhook to verify; see [`Webhooks::unwrap`](super::Webhooks::unwrap).
///
/// # Errors
/// - [`ErrorKind::WebhookHeaders`]: a signature header is missing. [`Error::status`] is 400.
/// - [`ErrorKind::WebhookBody`]: the body is missing, or is not a prediction or training. The status is 400.
/// - [`ErrorKind::WebhookTimestamp`]: the timestamp is malformed or outside the tolerance. The status is 401.
/// - [`ErrorKind::WebhookSignature`]: no signature matches. The status is 401.
/// - [`ErrorKind::WebhookSecret`]: the secret is missing or malformed.
/// - The errors of a [`Call`](crate::Call): the secret could not be fetched.
///
/// ```no_run
/// # async fn example(client: replicant::Client, headers: Vec<(String, String)>, body: Vec<u8>) -> replicant::Result<()> {
/// let event = client.webhooks().unwrap(headers, body).secret("whsec_c2VjcmV0").await?;
/// println!("{}", event.id);
/// # Ok(()) }
/// ```
#[must_use = "a webhook is verified when this is awaited"]
pub struct Unwrap {
    client: Client,
    headers: Vec<(String, String)>,
    body: Bytes,
    pub(crate) secret: Option<Token>,
    pub(crate) tolerance: Option<Duration>,
    options: RequestOptions,
}

impl std::fmt::Debug for Unwrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unwrap").field("secret", &self.secret).finish_non_exhaustive()
    }
}

impl Unwrap {
    pub(super) fn new(client: &Client, headers: Vec<(String, String)>, body: Bytes) -> Self {
        let (client, options) = (client.clone(), RequestOptions::default());
        Self { client, headers, body, secret: None, tolerance: Some(TOLERANCE), options }
    }

    /// Sets the signing secret, `whsec_...`. Defaults to the secret of the account.
    pub fn secret(mut self, secret: impl Into<Token>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Sets the maximum difference between the timestamp and now. Defaults to [`TOLERANCE`]; `None` accepts any age.
    pub fn tolerance(mut self, tolerance: impl Into<Option<Duration>>) -> Self {
        self.tolerance = tolerance.into();
        self
    }

    request_options!();

    /// Returns the id of the webhook and its parsed body.
    async fn verified(self) -> Result<(String, Value)> {
        let Self { client, headers, body, secret, tolerance, options } = self;
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let webhook = Webhook::from_headers(pairs, &body)?;
        let now = client.runtime().now();
        let object = match secret {
            Some(secret) => webhook.verify(&secret, now, tolerance)?,
            None => {
                // Rejects webhooks that fail under any secret before the secret is fetched.
                webhook.check_unsigned(now, tolerance)?;
                let secret = client.webhook_secret(&options).await?;
                match webhook.verify(&secret, now, tolerance) {
                    Err(error) if error.kind() == ErrorKind::WebhookSignature => {
                        match client.replaced_webhook_secret(&secret, options).await? {
                            Some(newer) => webhook.verify(&newer, now, tolerance)?,
                            None => return Err(error),
                        }
                    }
                    verified => verified?,
                }
            }
        };
        if object["id"].as_str().is_none() {
            let why = "the body is signed, but is not a prediction or training: `id` is missing";
            return Err(Error::new(ErrorKind::WebhookBody, why));
        }
        client.announce_delivered(&object);
        Ok((webhook.id.to_owned(), object))
    }
}

/// Returns `true` if an object is a training, which has the members of a prediction and other URLs.
fn is_training(object: &Value) -> bool {
    let urls = &object["urls"];
    [&urls["get"], &urls["cancel"]]
        .iter()
        .any(|url| url.as_str().is_some_and(|url| url.contains("/trainings/")))
}

impl Work for Unwrap {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move {
            let (id, object) = self.verified().await?;
            let kind = if is_training(&object) { "training" } else { "prediction" };
            Ok(Reply::of(Value::from_members([("id", id.into()), ("type", kind.into()), ("object", object)])))
        })
    }
}

impl IntoFuture for Unwrap {
    type Output = Result<WebhookEvent>;
    type IntoFuture = BoxFuture<'static, Result<WebhookEvent>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (id, object) = self.verified().await?;
            let is_training = is_training(&object);
            let object = decode(object).map_err(|error| error.with_kind(ErrorKind::WebhookBody))?;
            let object =
                if is_training { WebhookObject::Training(object) } else { WebhookObject::Prediction(object) };
            Ok(WebhookEvent { id, object })
        })
    }
}
