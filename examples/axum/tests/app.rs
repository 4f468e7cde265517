//! Tests of the application: no token, no network, no bill.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, SystemTime},
};

use example_axum::{MODEL, application};
use replicant::{Client, Options};
use replicant_emulator::{Config, Definition, Emulator, Scripted, sign};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The application on a port of its own, so that webhooks can arrive, and the emulator that it uses.
struct Server {
    emulator: Emulator,
    http: reqwest::Client,
    url: String,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only one test saves a picture.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    async fn start() -> Self {
        // The client of these tests needs one; that of replicant has its own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let emulator = Emulator::start(Config::default()).unwrap();
        let options = Options { base_url: Some(emulator.base_url()), ..Options::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let port = listener.local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("pictures-{}-{port}", std::process::id()));
        let app = application(Client::new(options).unwrap(), &url, &folder);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { emulator, http: reqwest::Client::new(), url, folder }
    }

    async fn post(&self, body: &str) -> (u16, String) {
        let request = self.http.post(format!("{}/pictures", self.url)).body(body.to_owned());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn create(&self) -> String {
        let (status, body) = self.post(r#"{"prompt": "a heron"}"#).await;
        assert_eq!(status, 202, "{body}");
        let created: Value = serde_json::from_str(&body).unwrap();
        created["id"].as_str().unwrap().to_owned()
    }

    /// Returns the picture when its webhook has arrived.
    async fn finished(&self, id: &str) -> Value {
        for _ in 0..1500 {
            let response = self.http.get(format!("{}/pictures/{id}", self.url)).send().await.unwrap();
            let picture: Value = response.json().await.unwrap();
            if picture["status"] != "starting" {
                return picture;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the webhook did not arrive");
    }

    /// Delivers a webhook and returns the status of the response and its text.
    async fn deliver(&self, body: &str, timestamp: &str, signature: &str) -> (u16, String) {
        let mut request = self.http.post(format!("{}/webhook", self.url)).body(body.to_owned());
        request = request.header("webhook-id", "msg_1").header("webhook-timestamp", timestamp);
        if !signature.is_empty() {
            request = request.header("webhook-signature", signature);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    fn sign(&self, body: &str, timestamp: &str) -> String {
        sign(self.emulator.webhook_secret(), "msg_1", timestamp, body)
    }
}

fn now(age: u64) -> String {
    (SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() - age).to_string()
}

#[tokio::test]
async fn a_picture_is_made() {
    let server = Server::start().await;
    let id = server.create().await;
    let picture = server.finished(&id).await;
    assert_eq!(picture["status"], "succeeded");
    let files = picture["files"].as_array().unwrap();
    assert_eq!(files.len(), 1);
    assert!(fs::metadata(files[0].as_str().unwrap()).unwrap().len() > 0);
}

#[tokio::test]
async fn a_failure_is_shown() {
    let server = Server::start().await;
    let fails = Some("out of memory".to_owned());
    server.emulator.script(Definition::new(MODEL), Scripted { fails, ..Scripted::default() }).unwrap();
    let id = server.create().await;
    let picture = server.finished(&id).await;
    assert_eq!((&picture["status"], &picture["error"]), (&json!("failed"), &json!("out of memory")));
}

#[tokio::test]
async fn a_request_without_a_prompt_is_refused_with_a_reason() {
    let server = Server::start().await;
    assert_eq!(server.post("").await.0, 400);
    let (status, reason) = server.post("{}").await;
    assert_eq!(status, 400);
    assert!(reason.contains("missing field `prompt`"), "{reason}");
}

#[tokio::test]
async fn a_create_that_fails_is_reported() {
    let server = Server::start().await;
    let rule =
        r#"{"match": {"operation": "predictions.create"}, "action": {"status": 402, "problem": true}}"#;
    server.emulator.add_faults(rule).unwrap();
    let (status, reason) = server.post(r#"{"prompt": "a heron"}"#).await;
    assert_eq!(status, 502);
    assert!(reason.contains("402"), "{reason}");
}

#[test]
fn without_a_public_url_the_application_does_not_start() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_example-axum"));
    let done = program.env_remove("PUBLIC_URL").env("REPLICATE_API_TOKEN", "any-token").output().unwrap();
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("`PUBLIC_URL` must be"));
}

#[tokio::test]
async fn invalid_webhooks_are_refused_with_a_reason() {
    let server = Server::start().await;
    let body = r#"{"id": "p1", "status": "succeeded", "output": ["https://example.com/lies.webp"]}"#;
    let (fresh, old) = (now(0), now(900));
    let forged = server.deliver(body, &fresh, "v1,bGllcw==").await;
    assert_eq!(forged.0, 401, "{}", forged.1);
    let replayed = server.deliver(body, &old, &server.sign(body, &old)).await;
    assert_eq!(replayed.0, 401, "{}", replayed.1);
    let encoded = serde_json::from_str::<Value>(body).unwrap().to_string();
    let reencoded = server.deliver(&encoded, &fresh, &server.sign(body, &fresh)).await;
    assert_eq!(reencoded.0, 401, "{}", reencoded.1);
    let unsigned = server.deliver(body, &fresh, "").await;
    assert_eq!(unsigned.0, 400, "{}", unsigned.1);
    assert!(unsigned.1.starts_with("Missing webhook signature"), "{}", unsigned.1);
    let empty = server.deliver("", &fresh, &server.sign("", &fresh)).await;
    assert_eq!(empty.0, 400, "{}", empty.1);
    let shown = server.http.get(format!("{}/pictures/p1", server.url)).send().await.unwrap();
    assert_eq!(shown.status(), 404);
}

#[tokio::test]
async fn a_webhook_of_5_mb_is_accepted() {
    let server = Server::start().await;
    let body = json!({"id": "p1", "status": "succeeded", "output": "x".repeat(5_000_000)}).to_string();
    let timestamp = now(0);
    let accepted = server.deliver(&body, &timestamp, &server.sign(&body, &timestamp)).await;
    assert_eq!(accepted, (204, String::new()));
    assert_eq!(server.finished("p1").await["status"], "succeeded");
}
