//! Webhooks: events, signatures, delivery and retries.

mod log;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::{Notify, watch};

use crate::config::Config;
use crate::http::client::{HttpClient, cause};
use crate::support::json::Raw;
use crate::support::time::{Pace, Time, Timestamp};
use crate::support::{ids, lock};
use log::Log;
pub(crate) use log::{Attempt, Delivery};

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

    /// Reports whether the event occurs repeatedly, so that its webhooks are throttled.
    fn is_partial(self) -> bool {
        matches!(self, Self::Output | Self::Logs)
    }
}

/// An event and the job's JSON at that moment.
pub(crate) struct Message {
    event: WebhookEvent,
    body: Raw,
    pace: Pace,
}

// What may wait for a slow receiver, except `start` and `completed`.
const MOST_MESSAGES: usize = 100;
const MOST_BYTES: usize = 4_000_000;

/// The messages of one job that wait for delivery.
pub(crate) struct Outbox {
    /// The id of the job.
    job: String,
    filter: Vec<WebhookEvent>,
    webhooks: Arc<Webhooks>,
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    last_partial: Option<Timestamp>,
}

impl Outbox {
    /// Reports whether an event is to be sent: the receiver asked for it, and it is not throttled.
    pub(crate) fn wants(&self, event: WebhookEvent, at: Timestamp) -> bool {
        self.filter.contains(&event)
            && !(event.is_partial() && self.is_throttled(at))
            // Also a `completed` that nobody asked for ends the deliveries.
            || event == WebhookEvent::Completed
    }

    fn is_throttled(&self, at: Timestamp) -> bool {
        let throttle = self.webhooks.throttle.as_secs_f64();
        let last = lock(&self.waiting).last_partial;
        throttle > 0.0 && last.is_some_and(|last| at.since(last) < throttle)
    }

    /// Adds a message. While a slow receiver makes too many wait, the oldest partial ones are dropped.
    pub(crate) fn push(&self, event: WebhookEvent, body: Raw, at: Timestamp) {
        let mut waiting = lock(&self.waiting);
        if event.is_partial() {
            waiting.last_partial = Some(at);
        }
        let pace = Pace::new(self.webhooks.time.clone(), at);
        waiting.messages.push_back(Message { event, body, pace });
        while waiting.is_full() {
            let Some(oldest) = waiting.messages.iter().position(|message| message.event.is_partial()) else {
                break;
            };
            waiting.messages.remove(oldest);
            self.webhooks.dropped.fetch_add(1, Ordering::Relaxed);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    async fn next(&self) -> Message {
        loop {
            if let Some(message) = lock(&self.waiting).messages.pop_front() {
                return message;
            }
            self.arrived.notified().await;
        }
    }

    /// Delivers the messages in order, up to `completed`.
    async fn deliver(&self, url: &str) {
        loop {
            let message = self.next().await;
            let event = message.event;
            if self.filter.contains(&event) {
                self.webhooks.deliver(&self.job, url, message).await;
            }
            if event == WebhookEvent::Completed {
                return;
            }
        }
    }
}

impl Waiting {
    fn is_full(&self) -> bool {
        let bytes: usize = self.messages.iter().map(|message| message.body.get().len()).sum();
        self.messages.len() > MOST_MESSAGES || bytes > MOST_BYTES
    }
}

/// Delivers webhooks.
pub(crate) struct Webhooks {
    pub(crate) secret: String,
    throttle: Duration,
    backoff: Vec<Duration>,
    time: Time,
    client: Arc<HttpClient>,
    /// How many partial messages were dropped because a receiver was slow.
    pub(crate) dropped: AtomicU64,
    log: Mutex<Log>,
    /// Ends the deliveries of the jobs so far.
    cleared: watch::Sender<()>,
}

impl Webhooks {
    pub(crate) fn new(config: &Config, time: Time, client: Arc<HttpClient>) -> Self {
        Self {
            secret: config.webhook_secret.clone().unwrap_or_else(ids::webhook_secret),
            throttle: time.scaled(config.webhook_throttle),
            backoff: config.webhook_backoff.clone(),
            time,
            client,
            dropped: AtomicU64::new(0),
            log: Mutex::default(),
            cleared: watch::Sender::new(()),
        }
    }

    /// Starts a task that delivers the messages of one job.
    pub(crate) fn deliver_to(
        self: &Arc<Self>,
        job: String,
        url: String,
        filter: Option<Vec<WebhookEvent>>,
    ) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox {
            job,
            filter: filter.unwrap_or_else(|| vec![WebhookEvent::Output, WebhookEvent::Completed]),
            webhooks: self.clone(),
            waiting: Mutex::default(),
            arrived: Notify::new(),
        });
        let (sender, mut cleared) = (outbox.clone(), self.cleared.subscribe());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = cleared.changed() => {}
                () = sender.deliver(&url) => {}
            }
        });
        outbox
    }

    /// Sends a message; retries only `completed`.
    async fn deliver(&self, job: &str, url: &str, message: Message) {
        let Message { event, body, pace } = message;
        let id = format!("msg_{}", ids::prediction());
        let delivery = Delivery::new(job, url, event, id, body);
        let number = lock(&self.log).add(&delivery);
        let retries: &[Duration] = match event {
            WebhookEvent::Completed => &self.backoff,
            _ => &[],
        };
        if self.attempt(number, &delivery).await {
            return;
        }
        for delay in retries {
            pace.sleep(*delay).await;
            if self.attempt(number, &delivery).await {
                return;
            }
        }
    }

    /// Sends the message of a delivery once more, under the same id. Returns false if it is not kept.
    pub(crate) async fn deliver_again(&self, job: &str, number: u64) -> bool {
        let delivery = lock(&self.log).get(number).filter(|delivery| delivery.job == job);
        let Some(delivery) = delivery else { return false };
        self.attempt(number, &delivery).await;
        true
    }

    /// Returns the deliveries of a job that are kept, oldest first.
    pub(crate) fn deliveries(&self, job: &str) -> Vec<Delivery> {
        lock(&self.log).of(job)
    }

    /// Returns how many deliveries are not kept any more.
    pub(crate) fn deliveries_dropped(&self) -> u64 {
        lock(&self.log).dropped
    }

    /// Forgets the deliveries so far, and the messages that the jobs so far have sent or will send.
    pub(crate) fn clear(&self) {
        self.cleared.send_replace(());
        lock(&self.log).clear();
    }

    /// Makes one attempt and records it. Returns `true` if the receiver accepted the message; a redirect is a failure.
    async fn attempt(&self, number: u64, delivery: &Delivery) -> bool {
        let at = self.time.now();
        let result = self.post(&delivery.url, &delivery.id, &delivery.body).await;
        let accepted = matches!(result, Ok(200..=299));
        lock(&self.log).record(number, Attempt { at, result });
        accepted
    }

    /// Sends a message and returns the status of the response.
    async fn post(&self, url: &str, id: &str, body: &Raw) -> Result<u16, String> {
        // Receivers compare it with their own clocks, which a test does not advance.
        let timestamp = Time::real_seconds().to_string();
        let request = self
            .client
            .get()?
            .post(url)
            .timeout(TIMEOUT)
            .header("content-type", "application/json")
            .header("user-agent", "replicant-emulator")
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", sign(&self.secret, id, &timestamp, body.get()))
            .body(body.get().to_owned());
        let response = request.send().await.map_err(|error| cause(&error))?;
        Ok(response.status().as_u16())
    }
}

/// Checks that receivers can verify signatures with a secret.
pub(crate) fn check_secret(secret: &str) -> Result<(), String> {
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    match key {
        Some(key) if !key.is_empty() => Ok(()),
        _ => Err(
            "`webhook_secret` must be `whsec_` and base64, such as whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
                .into(),
        ),
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
