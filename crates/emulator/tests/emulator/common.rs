//! Helpers for the tests.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

use std::time::{Duration, Instant};

use replicant_emulator::{Config, Emulator};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

pub struct Api {
    pub emulator: Emulator,
    pub http: Client,
}

pub const LLAMA: &str = "/models/meta/meta-llama-3-8b-instruct/predictions";
pub const SDXL: &str = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc";
pub const SDXL_OLD: &str = "39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b";
pub const ESRGAN: &str = "f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";

pub fn api() -> Api {
    with(Config::default())
}

pub fn with(config: Config) -> Api {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
    Api { emulator: Emulator::start(config).unwrap(), http }
}

impl Api {
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.emulator.base_url()),
        };
        self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        status_and_body(self.request("GET", path).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        status_and_body(self.request("POST", path).json(&body).send().await.unwrap()).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        status_and_body(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    /// Creates a prediction of an `emulator/...` model.
    pub async fn run(&self, model: &str, input: Value) -> Value {
        let path = format!("/models/emulator/{model}/predictions");
        let (status, prediction) = self.post(&path, json!({ "input": input })).await;
        assert_eq!(status, 201, "{prediction}");
        prediction
    }

    /// Creates a prediction and waits for its output.
    pub async fn run_version(&self, version: &str, input: Value) -> Value {
        let request = self.request("POST", "/predictions").header("prefer", "wait");
        let response = request.json(&json!({ "version": version, "input": input })).send().await.unwrap();
        let (status, prediction) = status_and_body(response).await;
        assert_eq!(status, 201, "{prediction}");
        prediction
    }

    pub async fn read(&self, prediction: &Value) -> Value {
        self.get(prediction["urls"]["get"].as_str().unwrap()).await.1
    }

    /// Polls until the prediction has one of `statuses`.
    pub async fn until(&self, prediction: &Value, statuses: &[&str]) -> Value {
        let began = Instant::now();
        loop {
            let now = self.read(prediction).await;
            if statuses.contains(&now["status"].as_str().unwrap()) {
                return now;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "still {}", now["status"]);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn finished(&self, prediction: &Value) -> Value {
        self.until(prediction, &["succeeded", "failed", "canceled", "aborted"]).await
    }

    /// Returns `/_emulator/state`.
    pub async fn state(&self) -> Value {
        self.get(&format!("{}/_emulator/state", self.emulator.origin())).await.1
    }

    pub async fn fault(&self, rule: Value) {
        self.emulator.add_faults(&rule.to_string()).unwrap();
    }
}

/// Returns the status and the body, as JSON or text.
pub async fn status_and_body(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Waits for a condition. The limit is for machines that are busy: nothing may depend on it.
pub async fn eventually(condition: impl AsyncFn() -> bool, what: &str) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(seconds(0.01)).await;
    }
}
