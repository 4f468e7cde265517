//! Abandoned predictions are canceled.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt};
use replicant::{Client, ErrorKind, OnAbandon, Options, json};
use replicant_emulator::{Config, Emulator};
use support::{CANCEL, CREATED, play, settled};

const ENDLESS: &str = "emulator/endless";

fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    (emulator, client)
}

/// Returns the number of cancels that the emulator received.
fn cancels(emulator: &Emulator) -> usize {
    emulator.requests_json().matches("/cancel\"").count()
}

/// Waits until `check` returns `true`.
async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let started = Instant::now();
    while !check() {
        assert!(started.elapsed() < Duration::from_secs(10), "not within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn only_prediction(client: &Client) -> replicant::Prediction {
    let mut all = client.predictions().list().await.unwrap().results;
    assert_eq!(all.len(), 1);
    client.predictions().get(&all.remove(0).id).await.unwrap()
}

#[tokio::test]
async fn a_run_dropped_while_it_polls_is_canceled_once() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(1);
    assert!(tokio::time::timeout(Duration::from_millis(1500), run.into_future()).await.is_err());
    eventually("a cancel", || cancels(&emulator) == 1).await;
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(only_prediction(&client).await.status.as_str(), "canceled");
    assert_eq!(cancels(&emulator), 1);
}

#[tokio::test]
async fn a_run_dropped_during_its_create_is_canceled_once_its_id_is_known() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(1);
    assert!(tokio::time::timeout(Duration::from_millis(200), run.into_future()).await.is_err());
    assert_eq!(cancels(&emulator), 0, "the id is not known yet");
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn a_run_dropped_before_its_create_is_retried_is_not_sent() {
    let (emulator, client) = start();
    let rule = r#"{"match": {"method": "POST", "path": "/v1/models/emulator/endless/predictions"}, "times": 1,
        "action": {"status": 429, "json": {"detail": "throttled", "retry_after": 1}}}"#;
    emulator.add_faults(rule).unwrap();
    let run = client.run(ENDLESS, json!({}));
    assert!(tokio::time::timeout(Duration::from_millis(300), run.into_future()).await.is_err());
    replicant::background::drain(Duration::from_secs(10)).await;
    assert_eq!(emulator.requests_json().matches("/endless/predictions\"").count(), 1);
    assert!(client.predictions().list().await.unwrap().results.is_empty());
}

#[tokio::test]
async fn a_timeout_during_the_create_cancels_once_the_id_is_known() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(2).timeout(Duration::from_millis(500));
    let error = run.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
    assert_eq!(cancels(&emulator), 0, "the id is not known yet");
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn on_abandon_leave_keeps_the_prediction_running() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(1).on_abandon(OnAbandon::Leave);
    assert!(tokio::time::timeout(Duration::from_millis(1500), run.into_future()).await.is_err());
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(cancels(&emulator), 0);
    assert!(!only_prediction(&client).await.status.is_terminal());
}

#[tokio::test]
async fn a_finished_run_is_not_canceled() {
    let (emulator, client) = start();
    client.run("emulator/echo", json!({"value": 1})).await.unwrap();
    let error = client.run("emulator/fails", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PredictionFailed);
    assert!(error.prediction().unwrap()["logs"].as_str().is_some_and(|logs| !logs.is_empty()));
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(cancels(&emulator), 0);
}

#[tokio::test]
async fn a_timeout_cancels_and_reports_the_prediction() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(0).timeout(Duration::from_millis(700));
    let error = run.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.prediction().is_some_and(|seen| seen["id"].as_str().is_some()), "{error:?}");
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn a_dropped_stream_is_canceled() {
    let (emulator, client) = start();
    let mut events = client.stream(ENDLESS, json!({})).await.unwrap();
    let first = tokio::time::timeout(Duration::from_millis(500), events.next()).await;
    assert!(first.is_err() || first.unwrap().is_some());
    drop(events);
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn a_stream_read_to_its_end_is_not_canceled() {
    let (emulator, client) = start();
    let input = json!({"prompt": "Sing.", "max_tokens": 5, "seed": 1});
    let events = client.stream("meta/meta-llama-3-8b-instruct", input.clone()).await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    let whole = client.run("meta/meta-llama-3-8b-instruct", input).await.unwrap();
    assert_eq!(text.concat(), whole.text());
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(cancels(&emulator), 0);
}

#[tokio::test]
async fn a_run_dropped_before_it_reads_its_response_is_canceled() {
    let (_emulator, script, client) = play(&format!("[{CREATED}, {CANCEL}]"), Options::default());
    let mut run = Box::pin(client.run("acme/text", json!({})).into_future());
    assert!(futures_util::FutureExt::now_or_never(&mut run).is_none());
    // The response arrives, but the run is dropped before it is polled again.
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(run);
    settled(&script).await;
}

#[tokio::test]
async fn a_cancel_is_retried_after_a_rate_limit() {
    let busy = r#"{"expect": {"method": "POST", "path": "/v1/predictions/p1/cancel"}, "reply": {"status": 429, "json": {"retry_after": 30}}}"#;
    let (_emulator, script, client) = play(
        &format!("[{CREATED}, {busy}, {CANCEL}]"),
        Options { clock_rate: Some(50.0), ..Options::default() },
    );
    let run = client.run("acme/text", json!({})).interval(Duration::from_secs(3600)).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(500), run).await.is_err());
    settled(&script).await;
}
