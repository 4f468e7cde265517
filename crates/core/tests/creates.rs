//! Requests that create predictions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{future::IntoFuture, sync::mpsc, time::Duration};

use futures_util::{StreamExt, future::join_all};
use replicant::{Client, ErrorKind, Options, json, operation};
use replicant_emulator::{Config, Emulator};
use support::{
    eventually,
    http2::{self, Frame, Http2, end, go_away, head, reset},
    play, settled,
};

#[tokio::test]
async fn a_create_is_retried_if_the_connection_is_refused() {
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

#[tokio::test]
async fn a_create_response_without_an_id_has_an_unknown_outcome() {
    for reply in [r#"{"status": 201, "json": {}}"#, r#"{"status": 202}"#, r#"{"text": "<html>"}"#] {
        let exchanges = format!(r#"[{{"expect": {{"method": "POST"}}, "reply": {reply}}}]"#);
        let (_emulator, script, client) = play(&exchanges, Options::default());
        let error = client.run("acme/text", json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{reply}: {error:?}");
        assert!(error.outcome_unknown(), "{reply}: {error:?}");
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_create_that_waits_for_a_connection_is_retried() {
    let exchanges = r#"[
        {"expect": {"path": "/v1/file"}, "reply": {"text": "0123456789", "stall_at": 5}},
        {"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded"}}}]"#;
    // An attempt has 60 s, which are 3 s.
    let options = Options { max_connections: Some(1), clock_rate: Some(20.0), ..Options::default() };
    let (_emulator, script, client) = play(exchanges, options);
    let file = json!({"url": format!("{}/file", script.base_url())});
    let mut download = operation::open(&client, "output.read", file.into());
    download.next().await.unwrap().unwrap();

    let create = || client.predictions().create("acme/text", json!({}));
    let error = create().request_timeout(Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(!error.outcome_unknown() && error.message().contains("it was not sent"), "{error}");

    let ended = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        drop(download);
    };
    let (created, ()) = tokio::join!(create().into_future(), ended);
    assert_eq!(created.unwrap().id, "p1");
    settled(&script).await;
}

#[tokio::test]
async fn a_create_that_times_out_before_the_tls_handshake_was_not_sent() {
    // The system accepts connections, and nothing responds.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = Some(format!("https://{}/v1", listener.local_addr().unwrap()));
    let client = Client::new(Options { base_url, ..Options::default() }).unwrap();
    let create = || client.predictions().create("acme/text", json!({}));
    // The first connects, and the others wait for it.
    let creates = (0..4).map(|_| create().request_timeout(Duration::from_millis(500)).into_future());
    for created in join_all(creates).await {
        let error = created.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(!error.outcome_unknown() && error.message().contains("it was not sent"), "{error}");
    }
}

#[tokio::test]
async fn a_create_that_times_out_after_the_tls_handshake_has_an_unknown_outcome() {
    let server = Http2::start(http2::tls("server", None), vec![Vec::new()]);
    let client = Client::new(server.options()).unwrap();
    // Over a new connection, and over an open one.
    for sent in 1..3 {
        let create = client.predictions().create("acme/text", json!({}));
        let error = create.request_timeout(Duration::from_secs(3)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert_eq!(server.requests(), sent);
    }
}

/// Creates a prediction at a server that sends `refusals` first. Returns the result and the number of requests that arrived.
async fn create_over_http2(
    refusals: Vec<Frame>,
    max_retries: u32,
) -> (replicant::Result<replicant::Prediction>, usize) {
    let mut created = head(&[("content-type", "application/json")]);
    created.push(end(r#"{"id": "p1", "status": "succeeded"}"#));
    let replies = refusals.into_iter().map(|refusal| vec![refusal]).chain([created]).collect();
    let server = Http2::start(http2::tls("server", None), replies);
    let client = Client::new(Options { clock_rate: Some(20.0), ..server.options() }).unwrap();
    let create = client.predictions().create("acme/text", json!({}));
    let created = create.max_retries(max_retries).await;
    (created, server.requests())
}

/// The code of a reset for a request that was not processed.
const REFUSED_STREAM: u32 = 7;

#[tokio::test]
async fn a_create_that_http2_refuses_is_retried_as_any_other() {
    for refusal in [reset(REFUSED_STREAM), go_away(0)] {
        let (created, requests) = create_over_http2(vec![refusal.clone(), refusal.clone()], 2).await;
        assert_eq!((created.unwrap().id.as_str(), requests), ("p1", 3));
        let (created, requests) = create_over_http2(vec![refusal], 0).await;
        let error = created.unwrap_err();
        assert_eq!((error.kind(), requests), (ErrorKind::Connection, 1), "{error}");
        assert!(!error.outcome_unknown(), "{error}");
    }
}

#[tokio::test]
async fn a_create_that_http2_may_have_processed_has_an_unknown_outcome() {
    const INTERNAL_ERROR: u32 = 2;
    // The first request of a connection has the stream 1.
    for end in [reset(INTERNAL_ERROR), go_away(1)] {
        let (created, requests) = create_over_http2(vec![end], 2).await;
        assert_eq!((created.unwrap_err().kind(), requests), (ErrorKind::OutcomeUnknown, 1));
    }
}

/// Creates on one runtime while another one, which has opened a connection, ends or is blocked.
fn create_beside_a_runtime_that(ends: bool) {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    let (connected, is_connected) = mpsc::channel();
    let (finished, is_finished) = mpsc::channel::<()>();
    std::thread::scope(|threads| {
        let (client, emulator) = (&client, &emulator);
        threads.spawn(move || {
            let other = runtime();
            other.block_on(async {
                client.account().await.unwrap();
                // The connection goes back to the pool.
                tokio::time::sleep(Duration::from_millis(200)).await;
                connected.send(()).unwrap();
                eventually("a create", || emulator.requests_json().contains("\"POST\"")).await;
            });
            if ends {
                drop(other);
            } else {
                is_finished.recv_timeout(Duration::from_secs(60)).unwrap();
            }
        });
        is_connected.recv().unwrap();
        let run = client.run("emulator/echo", json!({"value": 1, "delay": 1})).into_future();
        let output = runtime().block_on(run);
        let _ = finished.send(());
        assert_eq!(output.unwrap().as_i64(), Some(1));
    });
}

#[test]
fn a_create_survives_the_end_of_another_runtime_of_its_client() {
    create_beside_a_runtime_that(true);
}

#[test]
fn a_create_does_not_wait_for_a_blocked_runtime_of_its_client() {
    create_beside_a_runtime_that(false);
}
