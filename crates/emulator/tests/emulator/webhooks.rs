//! Webhooks: events, bodies, signatures and retries.

use std::sync::{Arc, Mutex};

use crate::common::{api, seconds, with};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use replicant_emulator::{Config, sign};
use serde_json::{Value, json};

/// A received webhook.
#[derive(Clone, Debug)]
struct Delivery {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

impl Delivery {
    fn prediction(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<Delivery>>>,
    refusals: Arc<Mutex<usize>>,
}

impl Receiver {
    /// Starts a receiver that rejects the first `refusals` webhooks.
    async fn start(refusals: usize) -> (Self, String) {
        let receiver = Self { refusals: Arc::new(Mutex::new(refusals)), ..Self::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?key=a%20b", listener.local_addr().expect("an address"));
        let router = axum::Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn all(&self) -> Vec<Delivery> {
        self.received.lock().expect("not poisoned").clone()
    }

    async fn wait_for(&self, count: usize) -> Vec<Delivery> {
        for _ in 0..6000 {
            if self.all().len() >= count {
                break;
            }
            tokio::time::sleep(seconds(0.01)).await;
        }
        self.all()
    }
}

async fn receive(State(receiver): State<Receiver>, request: Request) -> Response {
    assert_eq!(request.uri().query(), Some("key=a%20b"));
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers[name].to_str().expect("text").to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let signature = header("webhook-signature");
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let body = String::from_utf8(bytes.to_vec()).expect("text");
    receiver.received.lock().expect("not poisoned").push(Delivery { id, timestamp, signature, body });
    let mut refusals = receiver.refusals.lock().expect("not poisoned");
    if *refusals > 0 {
        *refusals -= 1;
        // A redirect is a failure, too, and must not be followed.
        return match *refusals % 2 {
            0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            _ => Redirect::temporary("/hook?key=a%20b").into_response(),
        };
    }
    StatusCode::OK.into_response()
}

#[tokio::test]
async fn requested_events_are_sent_in_order() {
    let api = with(Config { webhook_throttle: seconds(0.0), ..Config::default() });
    let (receiver, url) = Receiver::start(0).await;
    let filter = json!(["start", "output", "logs", "completed"]);
    let body = json!({"input": {"partial": ["a"], "message": "no"}, "webhook": url, "webhook_events_filter": filter});
    let (status, created) = api.post("/models/emulator/fails/predictions", body).await;
    assert_eq!((status, &created["webhook"], &created["webhook_events_filter"]), (201, &json!(url), &filter));
    let all = receiver.wait_for(6).await;
    let statuses: Vec<_> = all.iter().map(|delivery| delivery.prediction()["status"].clone()).collect();
    assert_eq!(statuses, ["processing", "processing", "processing", "processing", "processing", "failed"]);
    assert_eq!(all[0].prediction()["logs"], "", "the body shows the state at the time of the event");
    assert_eq!(all[2].prediction()["output"], json!(["a"]));
    assert_eq!(all[5].prediction(), api.read(&created).await);
}

#[tokio::test]
async fn every_webhook_is_signed() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let api = with(Config { webhook_secret: Some(secret.into()), ..Config::default() });
    assert_eq!(api.get("/webhooks/default/secret").await.1, json!({"key": secret}));
    let (receiver, url) = Receiver::start(0).await;
    let body = json!({"input": {"value": "ü"}, "webhook": url, "webhook_events_filter": ["completed"]});
    api.post("/models/emulator/echo/predictions", body).await;
    let all = receiver.wait_for(1).await;
    let delivery = &all[0];
    assert_eq!(delivery.signature, sign(secret, &delivery.id, &delivery.timestamp, &delivery.body));
    assert_ne!(delivery.signature, sign(secret, &delivery.id, &delivery.timestamp, "{}"));
    let age =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
            - delivery.timestamp.parse::<u64>().expect("seconds");
    assert!(age < 60);
}

#[tokio::test]
async fn without_a_filter_output_and_completed_are_sent() {
    let api = api();
    let (receiver, url) = Receiver::start(0).await;
    let chunks = json!(["a", "b", "c"]);
    let body = json!({"input": {"chunks": chunks}, "webhook": url});
    let (_, created) = api.post("/models/emulator/stream/predictions", body).await;
    api.finished(&created).await;
    let all = receiver.wait_for(2).await;
    assert_eq!(all[0].prediction()["output"], json!(["a"]));
    assert_eq!(all[1].prediction()["status"], "succeeded");
    tokio::time::sleep(seconds(0.05)).await;
    assert_eq!(receiver.all().len(), 2, "outputs within half a second are throttled");
}

#[tokio::test]
async fn one_advance_of_the_clock_passes_all_retries() {
    let api = api();
    let (receiver, url) = Receiver::start(3).await;
    let body = json!({"input": {"delay": 60}, "webhook": url, "webhook_events_filter": ["completed"]});
    api.post("/models/emulator/echo/predictions", body).await;
    let advance = format!("{}/_emulator/time", api.emulator.origin());
    assert_eq!(api.post(&advance, json!({"advance": "1h"})).await.0, 204);
    assert_eq!(receiver.wait_for(4).await.len(), 4);
    // Receivers compare the timestamp with their own clocks, which are not advanced.
    let webhook = receiver.all().pop().expect("a webhook");
    let real = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let sent: u64 = webhook.timestamp.parse().expect("seconds");
    assert!(sent.abs_diff(real.as_secs()) < 60, "{sent}");
}

#[tokio::test]
async fn only_completed_webhooks_are_retried() {
    let api = with(Config { time_scale: 0.01, ..Config::default() });
    let (receiver, url) = Receiver::start(4).await;
    let body =
        json!({"input": {"value": 1}, "webhook": url, "webhook_events_filter": ["start", "completed"]});
    api.post("/models/emulator/echo/predictions", body).await;
    let all = receiver.wait_for(5).await;
    let statuses: Vec<_> = all.iter().map(|delivery| delivery.prediction()["status"].clone()).collect();
    assert_eq!(statuses, ["processing", "succeeded", "succeeded", "succeeded", "succeeded"]);
    assert!(all[1..].iter().all(|delivery| delivery.id == all[1].id), "retries keep the id");
    assert_ne!(all[0].id, all[1].id);
    tokio::time::sleep(seconds(0.2)).await;
    assert_eq!(receiver.all().len(), 5, "no retry after a success");
}

#[tokio::test]
async fn a_reset_ends_all_deliveries() {
    let api = api();
    let (receiver, url) = Receiver::start(100).await;
    let body = |input: Value| json!({"input": input, "webhook": url, "webhook_events_filter": ["start", "completed"]});
    api.post("/models/emulator/echo/predictions", body(json!({}))).await;
    let (_, running) = api.post("/models/emulator/endless/predictions", body(json!({}))).await;
    api.until(&running, &["processing"]).await;
    assert_eq!(
        receiver.wait_for(3).await.len(),
        3,
        "two starts, and a completed webhook that will be retried"
    );
    api.emulator.reset();
    api.emulator.advance(std::time::Duration::from_secs(3600));
    let body = json!({"input": {}, "webhook": url, "webhook_events_filter": ["completed"]});
    let (_, created) = api.post("/models/emulator/echo/predictions", body).await;
    api.finished(&created).await;
    receiver.wait_for(4).await;
    tokio::time::sleep(seconds(0.2)).await;
    let later = receiver.all().split_off(3);
    assert!(!later.is_empty() && later.iter().all(|delivery| delivery.prediction()["id"] == created["id"]));
}

#[tokio::test]
async fn trainings_send_webhooks() {
    let api = api();
    let (receiver, url) = Receiver::start(0).await;
    let (_, drawn) = api.get("/models/stability-ai/sdxl").await;
    let image = &drawn["default_example"]["output"][0];
    let path = format!("/models/stability-ai/sdxl/versions/{}/trainings", crate::common::SDXL);
    let body = json!({"destination": "acme/hotdog", "input": {"input_images": image}, "webhook": url,
                      "webhook_events_filter": ["completed"]});
    let (status, training) = api.post(&path, body).await;
    assert_eq!(status, 201, "{training}");
    let delivered = receiver.wait_for(1).await[0].prediction();
    assert_eq!(delivered["status"], "succeeded", "{delivered}");
    assert!(
        delivered["output"]["version"].as_str().is_some_and(|version| version.starts_with("acme/hotdog:"))
    );
}
