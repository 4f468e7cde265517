//! Polling for predictions, and what observers receive.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use replicant::{ErrorKind, Observer, Options, Value, json, operation};
use support::{CANCEL, CREATED, DONE, fast, play, polled, quick, settled};

#[tokio::test]
async fn polling_limits_the_requested_delay() {
    let busy = r#"{"expect": {"method": "GET"}, "reply": {"status": 429, "headers": {"retry-after": "3000000"}, "json": {"detail": "later"}}}"#;
    let (_emulator, script, client) = play(&format!("[{CREATED}, {busy}, {DONE}]"), fast(1000.0));
    let run = client.run("acme/text", json!({})).wait(0).into_future();
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), run).await.unwrap().unwrap(), "x");
    settled(&script).await;
}

#[tokio::test]
async fn one_failed_poll_ends_no_wait_however_long_the_interval_is() {
    let failed = r#"{"expect": {"method": "GET"}, "reply": {"status": 500, "text": "oops"}}"#;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let options = || Options { max_retries: Some(0), ..fast(1000.0) };
    let (_emulator, script, client) = play(&format!("[{CREATED}, {failed}, {DONE}]"), options());
    let run = client.run("acme/text", json!({})).wait(0).interval(minutes(6));
    assert_eq!(run.await.unwrap(), "x");
    settled(&script).await;
    let (_emulator, script, client) = play(&format!("[{CREATED}, {failed}, {failed}, {CANCEL}]"), options());
    let error = client.run("acme/text", json!({})).wait(0).interval(minutes(6)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerError);
    settled(&script).await;
}

#[tokio::test]
async fn invalid_responses_do_not_end_a_wait() {
    let reply = |json: &str| format!(r#"{{"expect": {{"method": "GET"}}, "reply": {{"json": {json}}}}}"#);
    let invalid: Vec<String> =
        ["null", "[]", "{}", r#""down""#, r#"{"status": "succeeded", "output": "of another"}"#]
            .map(reply)
            .into();
    let timeout = r#"{"expect": {"method": "GET"}, "reply": {"status": 408}}"#;
    let exchanges = format!("[{CREATED}, {}, {timeout}, {DONE}]", invalid.join(", "));
    let (_emulator, script, client) = play(&exchanges, Options { max_retries: Some(0), ..quick() });
    assert_eq!(client.run("acme/text", json!({})).await.unwrap(), "x");
    settled(&script).await;
}

#[tokio::test]
async fn a_wait_reports_each_state() {
    let states = ["starting", "processing", "succeeded"];
    let polls: Vec<_> = states
        .map(|status| json!({"expect": {"path": "/v1/predictions/p1"}, "reply": polled(status, json!(null))}))
        .into();
    let (_emulator, script, client) = play(&json!(polls).to_string(), quick());
    let observed = Arc::new(Mutex::new(Vec::new()));
    let push = observed.clone();
    let wait = client.predictions().wait("p1");
    wait.observe(move |prediction| push.lock().unwrap().push(prediction["status"].to_string()))
        .await
        .unwrap();
    assert_eq!(*observed.lock().unwrap(), states);
    settled(&script).await;
}

#[tokio::test]
async fn a_prediction_finished_by_its_create_is_reported_twice() {
    let created = r#"[{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded", "output": 1}}}]"#;
    let (_emulator, script, client) = play(created, quick());
    let observed = Arc::new(AtomicUsize::new(0));
    let count = observed.clone();
    let run = client.run("acme/text", json!({})).observe(move |prediction| {
        assert_eq!(prediction["status"], "succeeded");
        count.fetch_add(1, Ordering::SeqCst);
    });
    run.await.unwrap();
    assert_eq!(observed.load(Ordering::SeqCst), 2);
    settled(&script).await;
}

#[tokio::test]
async fn an_observer_can_use_the_client() {
    let (_emulator, script, client) = play(&format!("[{CREATED}, {DONE}]"), quick());
    let observed = Arc::new(AtomicUsize::new(0));
    let (count, other) = (observed.clone(), client.clone());
    let observer: Observer = Arc::new(move |prediction: Value| {
        drop(other.run("acme/text", json!({})));
        count.fetch_add(prediction["id"].as_str().map_or(0, |_| 1), Ordering::SeqCst);
    });
    let params = json!({"ref": "acme/text", "input": {}});
    operation::call(&client, "run", params.into(), Some(observer)).await.unwrap();
    assert!(observed.load(Ordering::SeqCst) >= 2);
    settled(&script).await;
}
