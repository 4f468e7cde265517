//! Helpers for the integration tests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "no test uses all of it")]

pub mod batches;
pub mod http2;

use std::{
    future::IntoFuture,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use replicant::{Client, Options, Value, json};
use replicant_emulator::{Config, Emulator, Script};

/// An exchange that creates the prediction `p1`.
pub const CREATED: &str =
    r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting"}}}"#;
/// A poll that returns the finished prediction.
pub const DONE: &str =
    r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "succeeded", "output": "x"}}}"#;
/// A cancel of the prediction.
pub const CANCEL: &str = r#"{"expect": {"method": "POST", "path": "/v1/predictions/p1/cancel"}, "reply": {"json": {"id": "p1", "status": "canceled"}}}"#;

/// Builds the response to a poll.
pub fn polled(status: &str, output: serde_json::Value) -> serde_json::Value {
    json!({"json": {"id": "p1", "status": status, "output": output}})
}

/// A temporary folder that is deleted on drop.
pub struct Folder(PathBuf);

impl Folder {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn temporary_folder() -> Folder {
    let folder = std::env::temp_dir().join(format!("replicant-{:016x}", fastrand::u64(..)));
    std::fs::create_dir(&folder).unwrap();
    Folder(folder)
}

/// Starts a server that plays `exchanges`, in which `{{base}}`, `{{origin}}` and `{{other}}` are its URLs.
pub fn play(exchanges: &str, options: Options) -> (Emulator, Arc<Script>, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let script = emulator.replay(&format!(r#"{{"exchanges": {exchanges}}}"#)).unwrap();
    let options = Options { base_url: Some(script.base_url()), token: Some("r8_secret".into()), ..options };
    let client = Client::new(options).unwrap();
    (emulator, script, client)
}

/// Options with a clock that is 50 times as fast as real time.
pub fn quick() -> Options {
    fast(50.0)
}

/// Options with a clock that is `rate` times as fast as real time. Timeouts take a minute of real time, because responses
/// arrive no faster.
pub fn fast(rate: f64) -> Options {
    let minute = Some(Duration::from_secs_f64(60.0 * rate));
    Options {
        clock_rate: Some(rate),
        timeout: minute,
        connect_timeout: minute,
        idle_timeout: minute,
        ..Options::default()
    }
}

/// Waits until `check` returns `true`.
pub async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let started = Instant::now();
    while !check() {
        assert!(started.elapsed() < Duration::from_secs(60), "not within 60 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Polls `call` until `check` returns `true`, then drops it.
pub async fn abandon<T: std::fmt::Debug>(
    call: impl IntoFuture<Output = T>,
    what: &str,
    check: impl FnMut() -> bool,
) {
    tokio::select! {
        output = call.into_future() => panic!("{output:?} before {what}"),
        () = eventually(what, check) => {}
    }
}

/// Polls `call` until the server has received a request and a moment longer, so that it may read the response. Then drops it.
pub async fn abandon_after_request<T: std::fmt::Debug>(call: impl IntoFuture<Output = T>, script: &Script) {
    let call = call.into_future();
    tokio::pin!(call);
    abandon(&mut call, "a request", || received(script)).await;
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut call).await.is_err());
}

/// Returns `true` once the server has received a request.
pub fn received(script: &Script) -> bool {
    script.report_json().contains("\"at_ms\"")
}

/// Waits for background cancels, then checks that all expected requests arrived and no others.
pub async fn settled(script: &Script) {
    replicant::background::drain(Duration::from_secs(20)).await;
    assert!(script.problems().is_empty(), "{:#?}", script.problems());
}

/// Reads test data that all languages share.
pub fn shared(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(name);
    Value::from_json(&std::fs::read(path).unwrap()).unwrap()
}
