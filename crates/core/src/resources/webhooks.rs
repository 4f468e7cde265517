//! Webhooks: their signing secret and their events.

mod unwrap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::unwrap::Unwrap;
use super::trainings::Training;
use crate::{
    client::{Client, call::Call},
    http::request::Request,
    predictions::types::Prediction,
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
    /// Verifies a webhook and returns its event, for the handler of a request.
    ///
    /// Without [`Unwrap::secret`], the client fetches the secret of the account with the first webhook and keeps it.
    /// If no signature matches and the secret is older than a minute, it fetches the secret again, since it may have
    /// been replaced.
    ///
    /// - `headers`: all headers of the request: a `HeaderMap`, or pairs of names and values.
    /// - `body`: the raw body, exactly as received.
    ///
    /// ```no_run
    /// use replicant::{Client, resources::webhooks::WebhookObject};
    ///
    /// # async fn example(client: Client, headers: Vec<(String, String)>, body: Vec<u8>) -> replicant::Result<()> {
    /// let event = client.webhooks().unwrap(headers, body).await?;
    /// match event.object {
    ///     WebhookObject::Prediction(prediction) => println!("{} {}", prediction.id, prediction.output),
    ///     WebhookObject::Training(training) => println!("{} {}", training.id, training.output["version"]),
    ///     _ => {}
    /// }
    /// # Ok(()) }
    /// ```
    pub fn unwrap<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
        body: impl Into<Bytes>,
    ) -> Unwrap {
        let text = |value: V| String::from_utf8_lossy(value.as_ref()).into_owned();
        let headers = headers.into_iter().map(|(name, value)| (name.as_ref().to_owned(), text(value)));
        Unwrap::new(self.client, headers.collect(), body.into())
    }
}

/// A verified webhook.
///
/// ```
/// # use replicant::resources::webhooks::WebhookEvent;
/// fn handle(event: &WebhookEvent) {
///     println!("webhook {} of {}", event.id, event.prediction().map_or("a training", |prediction| &prediction.id));
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// The id of the webhook. Each delivery of the same webhook has the same id.
    pub id: String,
    /// The prediction or training, as it was when the API sent the webhook.
    pub object: WebhookObject,
}

impl WebhookEvent {
    /// Returns the prediction. `None` if the webhook is about a training.
    pub fn prediction(&self) -> Option<&Prediction> {
        match &self.object {
            WebhookObject::Prediction(prediction) => Some(prediction),
            WebhookObject::Training(_) => None,
        }
    }
}

/// What a webhook is about.
///
/// ```
/// # use replicant::resources::webhooks::WebhookObject;
/// fn id(object: &WebhookObject) -> Option<&str> {
///     match object {
///         WebhookObject::Prediction(prediction) => Some(&prediction.id),
///         WebhookObject::Training(training) => Some(&training.id),
///         _ => None,
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum WebhookObject {
    /// A prediction.
    Prediction(Prediction),
    /// A training.
    Training(Training),
}
