//! Webhooks: events, signatures, delivery and retries.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::config::Config;
use crate::http::client::HttpClient;
use crate::support::ids;
use crate::support::json::Raw;
use crate::support::time::Time;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The events that a webhook can be sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WebhookEvent {
    Start,
    Output,
    Logs,
    Completed,
}

impl WebhookEvent {
    pub(crate) const ALL: [Self; 4] = [Self::Start, Self::Output, Self::Logs, Self::Completed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Output => "output",
            Self::Logs => "logs",
            Self::Completed => "completed",
        }
    }
}

/// An event and the job's JSON at that moment.
pub(crate) struct Message {
    pub(crate) event: WebhookEvent,
    pub(crate) body: Raw,
}

/// Delivers webhooks.
pub(crate) struct Webhooks {
    pub(crate) secret: String,
    throttle: Duration,
    backoff: Vec<Duration>,
    time: Time,
    client: Arc<HttpClient>,
}

impl Webhooks {
    pub(crate) fn new(config: &Config, time: Time, client: Arc<HttpClient>) -> Self {
        Self {
            secret: config.webhook_secret.clone().unwrap_or_else(ids::webhook_secret),
            throttle: time.scaled(config.webhook_throttle),
            backoff: config.webhook_backoff.iter().map(|delay| time.scaled(*delay)).collect(),
            time,
            client,
        }
    }

    /// Starts a task that delivers the messages of one job in order, up to `completed`.
    pub(crate) fn deliver_to(
        self: &Arc<Self>,
        url: String,
        filter: Option<Vec<WebhookEvent>>,
    ) -> mpsc::UnboundedSender<Message> {
        let (sender, mut messages) = mpsc::unbounded_channel::<Message>();
        let filter = filter.unwrap_or_else(|| vec![WebhookEvent::Output, WebhookEvent::Completed]);
        let webhooks = self.clone();
        tokio::spawn(async move {
            let mut last_partial: Option<Instant> = None;
            while let Some(message) = messages.recv().await {
                let last = message.event == WebhookEvent::Completed;
                if filter.contains(&message.event) {
                    let partial = matches!(message.event, WebhookEvent::Output | WebhookEvent::Logs);
                    if !(partial && last_partial.is_some_and(|at| at.elapsed() < webhooks.throttle)) {
                        if partial {
                            last_partial = Some(Instant::now());
                        }
                        webhooks.deliver(&url, message).await;
                    }
                }
                if last {
                    return;
                }
            }
        });
        sender
    }

    /// Sends a message; retries only `completed`.
    async fn deliver(&self, url: &str, message: Message) {
        let id = format!("msg_{}", ids::prediction());
        let retries: &[Duration] = match message.event {
            WebhookEvent::Completed => &self.backoff,
            _ => &[],
        };
        if self.post(url, &id, &message.body).await {
            return;
        }
        for delay in retries {
            tokio::time::sleep(*delay).await;
            if self.post(url, &id, &message.body).await {
                return;
            }
        }
    }

    /// Makes one attempt. Returns whether the receiver accepted the message; a redirect is a failure.
    async fn post(&self, url: &str, id: &str, body: &Raw) -> bool {
        let Ok(client) = self.client.get() else { return false };
        let timestamp = self.time.now().seconds().to_string();
        let request = client
            .post(url)
            .timeout(TIMEOUT)
            .header("content-type", "application/json")
            .header("user-agent", "replicant-emulator")
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", sign(&self.secret, id, &timestamp, body.get()))
            .body(body.get().to_owned());
        request.send().await.is_ok_and(|response| response.status().is_success())
    }
}

/// Returns the `webhook-signature` header of a message.
///
/// `secret` is `whsec_` and base64; any other text is used as it is. `timestamp` is in seconds since the Unix epoch.
///
/// ```
/// let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// let header = replicant_emulator::sign(secret, "msg_1", "1614265330", "{}");
/// assert!(header.starts_with("v1,"));
/// ```
pub fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = secret.strip_prefix("whsec_").unwrap_or(secret);
    // Any configured text works: a secret that is not base64 is the key itself.
    let key = STANDARD.decode(key).unwrap_or_else(|_| key.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signature_matches_the_published_example() {
        let signature = super::sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
