//! A prediction that is ours does not outlive the one who waits for it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt};
use replicant::{Client, ErrorKind, OnAbandon, Options, json};
use replicant_emulator::{Config, Emulator};
use support::{play, settled};

const ENDLESS: &str = "emulator/endless";

fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    (emulator, client)
}

/// How often the emulator was asked to cancel.
fn cancels(emulator: &Emulator) -> usize {
    emulator.requests_json().matches("/cancel\"").count()
}

async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let began = Instant::now();
    while !check() {
        assert!(began.elapsed() < Duration::from_secs(10), "not within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn only_prediction(client: &Client) -> replicant::Prediction {
    let mut all = client.predictions().list().await.unwrap().results;
    assert_eq!(all.len(), 1);
    client.predictions().get(&all.remove(0).id).await.unwrap()
}

#[tokio::test]
async fn a_run_dropped_while_it_waits_is_cancelled_once() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(1);
    assert!(tokio::time::timeout(Duration::from_millis(1500), run.into_future()).await.is_err());
    eventually("a cancel", || cancels(&emulator) == 1).await;
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(only_prediction(&client).await.status.as_str(), "canceled");
    assert_eq!(cancels(&emulator), 1);
}

#[tokio::test]
async fn a_run_dropped_while_its_create_is_in_flight_is_cancelled_when_its_id_is_known() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(1);
    assert!(tokio::time::timeout(Duration::from_millis(200), run.into_future()).await.is_err());
    assert_eq!(cancels(&emulator), 0, "the id is not known yet");
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn a_run_dropped_while_it_waits_to_be_sent_again_is_never_sent() {
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
async fn a_timeout_during_the_create_cancels_when_its_id_is_known() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(2).timeout(Duration::from_millis(500));
    let error = run.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
    assert_eq!(cancels(&emulator), 0, "the id is not known yet");
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn a_run_that_is_left_goes_on() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(1).on_abandon(OnAbandon::Leave);
    assert!(tokio::time::timeout(Duration::from_millis(1500), run.into_future()).await.is_err());
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(cancels(&emulator), 0);
    assert!(!only_prediction(&client).await.status.is_terminal());
}

#[tokio::test]
async fn a_run_that_ended_is_not_cancelled() {
    let (emulator, client) = start();
    client.run("emulator/echo", json!({"value": 1})).await.unwrap();
    let error = client.run("emulator/fails", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PredictionFailed);
    assert!(error.prediction().unwrap()["logs"].as_str().is_some_and(|logs| !logs.is_empty()));
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(cancels(&emulator), 0);
}

#[tokio::test]
async fn a_timeout_cancels_and_tells_what_was_seen() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(0).timeout(Duration::from_millis(700));
    let error = run.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.prediction().is_some_and(|seen| seen["id"].as_str().is_some()), "{error:?}");
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn a_stream_that_is_dropped_frees_its_connection_and_is_cancelled() {
    let (emulator, client) = start();
    let mut events = client.stream(ENDLESS, json!({})).await.unwrap();
    let first = tokio::time::timeout(Duration::from_millis(500), events.next()).await;
    assert!(first.is_err() || first.unwrap().is_some());
    drop(events);
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn a_stream_read_to_its_end_is_not_cancelled() {
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
async fn a_stream_out_of_time_tells_of_a_prediction_that_had_ended_and_leaves_it() {
    for (status, on_abandon) in [("succeeded", OnAbandon::Cancel), ("failed", OnAbandon::Leave)] {
        let created = json!({"id": "p1", "status": status, "urls": {"stream": "{{base}}/s"}});
        let exchanges = format!(
            r#"[{{"expect": {{"method": "POST"}}, "reply": {{"status": 201, "json": {created}}}}},
                {{"expect": {{"path": "/v1/s"}}, "reply": {{"sse": "event: output\ndata: Once\n\n: more", "stall_at": 28}}}}]"#
        );
        let (_emulator, script, client) = play(&exchanges, Options::default());
        let run = client.stream("acme/text", json!({})).wait(1).on_abandon(on_abandon);
        let mut events = run.timeout(Duration::from_secs(2)).await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().data, "Once");
        let error = events.next().await.unwrap().unwrap_err();
        drop(events);
        assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
        assert_eq!(
            error.message(),
            format!(
                "The timeout of 2 s passed: prediction p1 had finished ({status}), but some of its events had not arrived."
            )
        );
        assert_eq!(error.prediction().unwrap()["status"], status);
        assert_eq!(*error.partial().unwrap(), "Once");
        // A cancel would be a request that nobody expects.
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_create_to_a_closed_port_was_never_sent_and_is_repeated() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let options =
        Options { base_url: Some(format!("http://{address}")), clock_rate: Some(50.0), ..Options::default() };
    let client = Client::new(options).unwrap();
    let error = client.predictions().create("acme/text", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.outcome_unknown());
    assert!(error.message().contains("127.0.0.1") && error.message().contains("6 attempts"), "{error}");
}
