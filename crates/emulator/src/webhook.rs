//! Webhooks: which events are sent, how they are signed, how often delivery is tried.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::json::Raw;
use crate::{clock::Stamp, ids};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The moments a webhook can be sent at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HookEvent {
    Start,
    Output,
    Logs,
    Completed,
}

impl HookEvent {
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

/// One event with the job as it was then.
pub(crate) struct Hook {
    pub(crate) event: HookEvent,
    pub(crate) body: Raw,
}

/// Starts the delivery of one job's webhooks, in order, until it has completed.
pub(crate) fn deliver_to(
    app: &App,
    url: String,
    filter: Option<Vec<HookEvent>>,
) -> mpsc::UnboundedSender<Hook> {
    let (sender, mut hooks) = mpsc::unbounded_channel::<Hook>();
    let filter = filter.unwrap_or_else(|| vec![HookEvent::Output, HookEvent::Completed]);
    let app = app.clone();
    tokio::spawn(async move {
        let mut last_partial: Option<Instant> = None;
        while let Some(hook) = hooks.recv().await {
            let last = hook.event == HookEvent::Completed;
            if filter.contains(&hook.event) {
                let partial = matches!(hook.event, HookEvent::Output | HookEvent::Logs);
                let throttle = app.scaled(app.config.webhook_throttle);
                if !(partial && last_partial.is_some_and(|at| at.elapsed() < throttle)) {
                    if partial {
                        last_partial = Some(Instant::now());
                    }
                    deliver(&app, &url, hook).await;
                }
            }
            if last {
                return;
            }
        }
    });
    sender
}

async fn deliver(app: &App, url: &str, hook: Hook) {
    let id = format!("msg_{}", ids::prediction());
    let retries: &[Duration] = match hook.event {
        HookEvent::Completed => &app.config.webhook_backoff,
        _ => &[],
    };
    if post(app, url, &id, &hook.body).await {
        return;
    }
    for pause in retries {
        tokio::time::sleep(app.scaled(*pause)).await;
        if post(app, url, &id, &hook.body).await {
            return;
        }
    }
}

/// One attempt. True when the receiver took it; a redirect is not followed and counts as refusal.
async fn post(app: &App, url: &str, id: &str, body: &Raw) -> bool {
    let Ok(client) = app.http() else { return false };
    let timestamp = now_seconds(app.now());
    let request = client
        .post(url)
        .timeout(ANSWER_WITHIN)
        .header("content-type", "application/json")
        .header("user-agent", "replicant-emulator")
        .header("webhook-id", id)
        .header("webhook-timestamp", &timestamp)
        .header("webhook-signature", sign(&app.webhook_secret, id, &timestamp, body.get()))
        .body(body.get().to_owned());
    request.send().await.is_ok_and(|answer| answer.status().is_success())
}

fn now_seconds(now: Stamp) -> String {
    now.seconds().to_string()
}

/// The `webhook-signature` header for a delivery.
///
/// `secret` is `whsec_` and base64 (any other text is taken as it is), `timestamp` seconds since the Unix epoch.
///
/// ```
/// let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// let header = replicant_emulator::sign(secret, "msg_1", "1614265330", "{}");
/// assert!(header.starts_with("v1,"));
/// ```
pub fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = secret.strip_prefix("whsec_").unwrap_or(secret);
    // A secret that is not base64 signs with its own bytes, so that any configured text works.
    let key = STANDARD.decode(key).unwrap_or_else(|_| key.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn signs_the_published_example() {
        let signature = super::sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
