//! What ends a wait besides polls, over real sockets.

use std::{
    future::IntoFuture,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::{TryStreamExt, future::join_all};
use replicant_emulator::{Config, Emulator, Script, sign};

use crate::{Client, Options, background, client::waiting::News, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const CREATED: &str = r#"{"expect": {"method": "POST"},
    "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "webhook": "https://example.com/"}}}"#;
const CREATED_WITHOUT: &str =
    r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting"}}}"#;
const DONE: &str =
    r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "succeeded", "output": "x"}}}"#;
/// So long that only news ends a wait.
const HOUR: Duration = Duration::from_secs(3600);
/// Much longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn play(exchanges: &[&str], rate: f64) -> (Emulator, Arc<Script>, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let script = emulator.replay(&format!(r#"{{"exchanges": [{}]}}"#, exchanges.join(", "))).unwrap();
    let options = Options {
        base_url: Some(script.base_url()),
        token: Some("r8_token".into()),
        clock_rate: Some(rate),
        // The clock may run fast, and responses arrive no faster.
        timeout: Some(HOUR),
        connect_timeout: Some(HOUR),
        ..Options::default()
    };
    let client = Client::new(options).unwrap();
    (emulator, script, client)
}

async fn settled(script: &Script) {
    background::drain(Duration::from_secs(20)).await;
    assert!(script.problems().is_empty(), "{:#?}", script.problems());
}

/// Passes a webhook that was signed with `secret` to the client. Returns `true` if it was accepted.
async fn deliver(client: &Client, body: &str, secret: &str) -> bool {
    let timestamp = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
    let signature = sign(SECRET, "msg_1", &timestamp, body);
    let headers =
        [("webhook-id", "msg_1"), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
    client.webhooks().unwrap(headers, body.to_owned()).secret(secret).await.is_ok()
}

async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.expect(what);
}

async fn until_waiting(client: &Client, count: usize) {
    eventually("calls that wait", || client.waiting().counts().2 >= count).await;
}

#[tokio::test]
async fn a_webhook_ends_a_wait_without_a_poll() {
    let (_emulator, script, client) = play(&[CREATED], 1.0);
    let run = tokio::spawn(client.run("acme/text", json!({})).wait(0).interval(HOUR).into_future());
    until_waiting(&client, 1).await;
    for (body, secret) in [
        (r#"{"id": "p1", "status": "succeeded", "output": "forged"}"#, "whsec_c2VjcmV0"),
        (r#"{"id": "p1", "status": "processing", "output": "early"}"#, SECRET),
        (r#"{"id": "p2", "status": "succeeded", "output": "other"}"#, SECRET),
    ] {
        assert_eq!(deliver(&client, body, secret).await, secret == SECRET);
    }
    assert!(!run.is_finished());
    assert!(deliver(&client, r#"{"id": "p1", "status": "succeeded", "output": "whole"}"#, SECRET).await);
    let output = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap().unwrap();
    assert_eq!(output, "whole");
    assert_eq!(client.waiting().counts(), (0, 0, 0));
    settled(&script).await;
}

#[tokio::test]
async fn a_webhook_may_overtake_the_create() {
    let (_emulator, script, client) = play(&[CREATED_WITHOUT, DONE], 1.0);
    assert!(deliver(&client, r#"{"id": "p1", "status": "succeeded", "output": "x"}"#, SECRET).await);
    let run = client.run("acme/text", json!({})).wait(0).interval(HOUR).into_future();
    assert_eq!(tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap(), "x");
    settled(&script).await;
}

#[tokio::test]
async fn a_failed_prediction_that_a_webhook_reports_fails_the_run() {
    let (_emulator, script, client) = play(&[CREATED], 1.0);
    let run = tokio::spawn(client.run("acme/text", json!({})).wait(0).interval(HOUR).into_future());
    until_waiting(&client, 1).await;
    assert!(deliver(&client, r#"{"id": "p1", "status": "failed", "error": "no memory"}"#, SECRET).await);
    let error = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.message(), "Prediction failed: no memory");
    settled(&script).await;
}

#[tokio::test]
async fn an_output_that_came_with_the_create_is_confirmed_at_once() {
    let created = r#"{"expect": {"method": "POST", "headers": {"prefer": "wait=5"}},
        "reply": {"status": 201, "json": {"id": "p1", "status": "processing", "output": "x"}}}"#;
    let busy = r#"{"expect": {"method": "GET"}, "reply": {"status": 500}}"#;
    let running = r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "processing", "output": "x"}}}"#;
    for (rate, exchanges) in [
        (1.0, &[created, DONE][..]),
        (1.0, &[created, running, running, DONE]),
        (50.0, &[created, running, running, running, DONE]),
        (50.0, &[created, busy, DONE]),
    ] {
        let (_emulator, script, client) = play(exchanges, rate);
        // Only polls at once, or a long time after them.
        let interval = if rate > 1.0 { Duration::from_secs(5) } else { HOUR };
        let run = client.run("acme/text", json!({})).interval(interval).max_retries(0).into_future();
        assert_eq!(tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap(), "x");
        settled(&script).await;
    }
}

#[tokio::test]
async fn the_end_of_a_stream_is_followed_by_a_poll() {
    let seen = r#"{"expect": {"method": "GET", "path": "/v1/predictions/p1"},
        "reply": {"json": {"id": "p1", "status": "processing", "urls": {"stream": "{{base}}/stream"}}}}"#;
    let stream = r#"{"expect": {"path": "/v1/stream"}, "reply": {"headers": {"content-type": "text/event-stream"},
        "text": "event: output\nid: 1\ndata: x\n\nevent: done\ndata: {}\n\n"}}"#;
    let (_emulator, script, client) = play(&[seen, seen, stream, DONE], 1.0);
    let wait = tokio::spawn(client.predictions().wait("p1").interval(HOUR).into_future());
    until_waiting(&client, 1).await;
    let events: Vec<_> = client.predictions().stream("p1").await.unwrap().try_collect().await.unwrap();
    assert_eq!(events.last().unwrap().event, "done");
    let ended = tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap().unwrap();
    assert_eq!(ended.output, "x");
    settled(&script).await;
}

#[tokio::test]
async fn webhooks_end_waits_that_share_their_polls() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let options =
        Options { base_url: Some(emulator.base_url()), token: Some("r8_token".into()), ..Options::default() };
    let client = Client::new(options).unwrap();
    let mut waits = Vec::new();
    for _ in 0..40 {
        let input = json!({"value": 1, "delay": 3600});
        let create = client.predictions().create("emulator/echo", input).webhook("http://127.0.0.1:9/");
        let created = create.await.unwrap();
        let wait = client.predictions().wait(&created.id);
        waits.push((created.id, tokio::spawn(wait.into_future())));
    }
    until_waiting(&client, 40).await;
    eventually("shared polls", || {
        client.waiting().counts().1 == 40 && emulator.requests_json().contains(r#""method":"GET""#)
    })
    .await;
    for (id, _) in &waits {
        let body = json!({"id": id.as_str(), "status": "succeeded", "output": id.as_str()}).to_string();
        assert!(deliver(&client, &body, SECRET).await);
    }
    for (id, wait) in waits {
        let ended = tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap().unwrap();
        assert_eq!(ended.output, id.as_str());
    }
    assert_eq!(client.waiting().counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_shared_poll_that_news_ends_is_followed_by_others() {
    let running = r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "processing", "webhook": "https://example.com/"}}}"#;
    let slow = r#"{"expect": {"method": "GET"}, "reply": {"delay_ms": 60000, "json": {"id": "p1", "status": "processing"}}}"#;
    let last = r#"{"expect": {"method": "GET"}, "reply": {"delay_ms": 1000, "json": {"id": "p1", "status": "processing"}}}"#;
    let (_emulator, script, client) = play(&[running, slow, last, DONE], 1.0);
    let sent = || {
        let report: serde_json::Value = serde_json::from_str(&script.report_json()).unwrap();
        report["requests"].as_array().unwrap().len()
    };
    let sit = || (0..31).map(|_| client.waiting().sit(client.runtime())).collect::<Vec<_>>();
    let others = sit();
    let wait = tokio::spawn(client.predictions().wait("p1").into_future());
    eventually("a shared poll", || sent() == 2 && client.waiting().counts().1 == 1).await;
    // So few wait that the prediction is polled alone, and then many again.
    drop(others);
    client.waiting().announce("p1", || News::Changed);
    eventually("a poll of its own", || sent() == 3).await;
    let _others = sit();
    let ended = tokio::time::timeout(PATIENCE, wait).await.expect("another poll").unwrap().unwrap();
    assert_eq!(ended.output, "x");
    settled(&script).await;
}

#[tokio::test]
async fn a_lost_webhook_delays_a_result_once() {
    let webhook = r#"{"id": "p1", "status": "starting", "webhook": "https://example.com/done"}"#;
    let created =
        format!(r#"{{"expect": {{"method": "POST"}}, "reply": {{"status": 201, "json": {webhook}}}}}"#);
    let exchanges = [CREATED, &created, DONE, &created, DONE];
    let (_emulator, script, client) = play(&exchanges, 10.0);
    let first = tokio::spawn(client.run("acme/text", json!({})).wait(0).interval(HOUR).into_future());
    until_waiting(&client, 1).await;
    assert!(deliver(&client, r#"{"id": "p1", "status": "succeeded", "output": "x"}"#, SECRET).await);
    assert_eq!(first.await.unwrap().unwrap(), "x");
    assert!(client.waiting().webhooks_arrive());

    // The clock runs fast: the pause of 30 seconds takes three.
    let mut waits = Vec::new();
    for _ in 0..2 {
        let began = client.runtime().monotonic();
        assert_eq!(client.run("acme/text", json!({})).wait(0).await.unwrap(), "x");
        waits.push(client.runtime().monotonic() - began);
        assert!(!client.waiting().webhooks_arrive());
    }
    let pause = Duration::from_secs(27);
    assert!(waits[0] >= pause && waits[1] < pause, "{waits:?}");
    settled(&script).await;
}

#[tokio::test]
async fn many_handles_share_their_polls() {
    let emulator = Emulator::start(Config { time_scale: 0.05, ..Config::default() }).unwrap();
    let options = Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_token".into()),
        clock_rate: Some(20.0),
        timeout: Some(HOUR),
        ..Options::default()
    };
    let client = Client::new(options).unwrap();
    let events = (0..64).map(|index| {
        let client = client.clone();
        async move {
            let input = json!({"value": index, "delay": 20.0});
            let created = client.predictions().create("emulator/echo", input).await.unwrap();
            client.handle(created.id.as_str()).events().try_collect::<Vec<_>>().await.unwrap().len()
        }
    });
    for events in join_all(events).await {
        // At least the output and the end.
        assert!(events >= 2, "{events}");
    }
    let requests: serde_json::Value = serde_json::from_str(&emulator.requests_json()).unwrap();
    let requests = requests.as_array().unwrap().iter().filter(|request| request["method"] == "GET").count();
    // Alone, each is polled about eight times.
    assert!(requests < 64 * 5, "{requests} requests");
}

#[test]
fn clients_with_headers_or_parameters_share_no_polls() {
    let client = |name: Option<&str>| {
        let extra: indexmap::IndexMap<_, _> =
            name.map(|name| (name.to_owned(), "other".to_owned())).into_iter().collect();
        let (headers, query) =
            if name == Some("x-account") { (extra, Default::default()) } else { (Default::default(), extra) };
        let token = Some("r8_shares_polls".into());
        Client::new(Options { token, headers, query, ..Options::default() }).unwrap()
    };
    let (one, other) = (client(None), client(None));
    assert!(Arc::ptr_eq(one.waiting(), other.waiting()));
    for name in ["x-account", "account"] {
        assert!(!Arc::ptr_eq(one.waiting(), client(Some(name)).waiting()), "{name}");
    }
}
