//! Abandoned predictions are canceled.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, future::join_all};
use replicant::{Client, ErrorKind, OnAbandon, Options, background::Tasks, json, operation};
use replicant_emulator::{Config, Emulator};
use support::{
    CANCEL, CREATED, abandon, abandon_after_request, eventually, fast,
    http2::{self, Http2},
    play, settled,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

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

/// Returns whether a prediction was polled.
fn polled(emulator: &Emulator) -> bool {
    emulator.requests_json().contains("\"path\":\"/v1/predictions/")
}

async fn only_prediction(client: &Client) -> replicant::Prediction {
    let mut all = client.predictions().list().await.unwrap().results;
    assert_eq!(all.len(), 1);
    client.predictions().get(&all.remove(0).id).await.unwrap()
}

#[tokio::test]
async fn a_run_dropped_while_it_polls_is_canceled_once() {
    let (emulator, client) = start();
    abandon(client.run(ENDLESS, json!({})).wait(1), "a poll", || polled(&emulator)).await;
    eventually("a cancel", || cancels(&emulator) == 1).await;
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(only_prediction(&client).await.status.as_str(), "canceled");
    assert_eq!(cancels(&emulator), 1);
}

#[tokio::test]
async fn a_run_dropped_during_its_create_is_canceled_once_its_id_is_known() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(60);
    abandon(run, "a prediction", || emulator.predictions_json() != "[]").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(cancels(&emulator), 0, "the id is not known yet");
    emulator.advance(Duration::from_secs(60));
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[test]
fn a_program_that_drains_before_it_ends_cancels_a_run_dropped_during_its_create() {
    // The API holds the create for a second.
    let emulator = Emulator::start(Config { time_scale: 0.2, ..Config::default() }).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    let program = async {
        let sent = async {
            while emulator.predictions_json() == "[]" {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            output = client.run(ENDLESS, json!({})).into_future() => panic!("{output:?}"),
            () = sent => {}
        }
        replicant::background::drain(Duration::from_secs(10)).await;
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(program);
    assert_eq!(cancels(&emulator), 1);
    assert!(
        emulator.predictions_json().contains(r#""status":"canceled""#),
        "{}",
        emulator.predictions_json()
    );
}

#[tokio::test]
async fn a_run_dropped_before_its_create_is_retried_is_not_sent() {
    let (emulator, client) = start();
    let rule = r#"{"match": {"method": "POST", "path": "/v1/models/emulator/endless/predictions"}, "times": 1,
        "action": {"status": 429, "json": {"detail": "throttled", "retry_after": 5}}}"#;
    emulator.add_faults(rule).unwrap();
    // The client has read the response once it makes creates wait.
    abandon(client.run(ENDLESS, json!({})), "a 429", || client.rate_limit().unwrap().creates.waiting > 0)
        .await;
    replicant::background::drain(Duration::from_secs(10)).await;
    assert_eq!(emulator.requests_json().matches("/endless/predictions\"").count(), 1);
    assert!(client.predictions().list().await.unwrap().results.is_empty());
}

#[tokio::test]
async fn a_timeout_during_the_create_cancels_once_the_id_is_known() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(6).timeout(Duration::from_secs(3));
    let error = run.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
    assert_eq!(cancels(&emulator), 0, "the id is not known yet");
    emulator.advance(Duration::from_secs(3));
    eventually("a cancel", || cancels(&emulator) == 1).await;
}

#[tokio::test]
async fn on_abandon_leave_keeps_the_prediction_running() {
    let (emulator, client) = start();
    let run = client.run(ENDLESS, json!({})).wait(1).on_abandon(OnAbandon::Leave);
    abandon(run, "a poll", || polled(&emulator)).await;
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
    let run = client.run(ENDLESS, json!({})).wait(0).timeout(Duration::from_secs(3));
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
    let tasks = Tasks::default();
    let mut run = Box::pin(client.with_tasks(tasks.clone()).run("acme/text", json!({})).into_future());
    assert!(futures_util::FutureExt::now_or_never(&mut run).is_none());
    // The response arrives, but the run is dropped before it is polled again.
    tasks.done().await;
    drop(run);
    settled(&script).await;
}

#[tokio::test]
async fn a_prediction_whose_cancel_fails_is_recorded() {
    let refused = CANCEL.replace(r#""reply": {"#, r#""reply": {"status": 403, "#);
    for (cancel, uncanceled) in [(CANCEL, vec![]), (&refused, vec![Some("p1".to_owned())])] {
        let (_emulator, script, client) = play(&format!("[{CREATED}, {cancel}]"), Options::default());
        let tasks = Tasks::default();
        let run = client.with_tasks(tasks.clone()).run("acme/text", json!({}));
        abandon_after_request(run.interval(Duration::from_secs(3600)), &script).await;
        tasks.done().await;
        assert_eq!(tasks.uncanceled(), uncanceled);
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_create_whose_response_is_lost_after_its_run_was_dropped_is_recorded() {
    let lost =
        r#"[{"expect": {"method": "POST"}, "reply": {"delay_ms": 1500, "close": "reset_before_head"}}]"#;
    let (_emulator, script, client) = play(lost, Options::default());
    let tasks = Tasks::default();
    abandon_after_request(client.with_tasks(tasks.clone()).run("acme/text", json!({})), &script).await;
    tasks.done().await;
    assert_eq!(tasks.uncanceled(), [None]);
    settled(&script).await;
}

#[tokio::test]
async fn a_cancel_is_awaited_for_longer_than_the_request_timeout_of_its_run() {
    let late = CANCEL.replace(r#""reply": {"#, r#""reply": {"delay_ms": 3500, "#);
    let (_emulator, script, client) = play(&format!("[{CREATED}, {late}]"), Options::default());
    let run = client.run("acme/text", json!({})).request_timeout(Duration::from_secs(2));
    abandon_after_request(run.interval(Duration::from_secs(3600)), &script).await;
    settled(&script).await;
}

#[tokio::test]
async fn a_cancel_has_the_headers_of_its_run() {
    let other = r#""method": "POST", "headers": {"authorization": "Bearer r8_other"}"#;
    let exchanges = format!("[{CREATED}, {CANCEL}]").replace(r#""method": "POST""#, other);
    // Dropped while it polls, and during its create.
    for delay in ["", r#""delay_ms": 1500, "#] {
        let exchanges = exchanges.replace(r#""status": 201"#, &format!(r#"{delay}"status": 201"#));
        let (_emulator, script, client) = play(&exchanges, Options::default());
        let run = client.run("acme/text", json!({})).header("authorization", "Bearer r8_other");
        abandon_after_request(run.interval(Duration::from_secs(3600)), &script).await;
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_cancel_is_retried_after_a_rate_limit() {
    let busy = r#"{"expect": {"method": "POST", "path": "/v1/predictions/p1/cancel"}, "reply": {"status": 429, "json": {"retry_after": 30}}}"#;
    // On this clock, the cancel may take 6 s.
    let (_emulator, script, client) = play(&format!("[{CREATED}, {busy}, {CANCEL}]"), fast(20.0));
    let run = client.run("acme/text", json!({})).interval(Duration::from_secs(3600));
    abandon_after_request(run, &script).await;
    settled(&script).await;
}

#[tokio::test]
async fn a_cancel_is_retried_for_two_minutes_whatever_the_limits_of_its_client() {
    let refused = |reply: serde_json::Value| {
        json!({"expect": {"method": "POST", "path": "/v1/predictions/p1/cancel"}, "reply": reply}).to_string()
    };
    let often = vec![refused(json!({"status": 429, "json": {"retry_after": 1}})); 8];
    let long = vec![refused(json!({"status": 503, "headers": {"retry-after": "70"}}))];
    for failures in [often, long] {
        let exchanges = format!("[{CREATED}, {}, {CANCEL}]", failures.join(", "));
        let timeout = Some(Duration::from_secs(65));
        let options = Options { max_retries: Some(0), timeout, ..fast(20.0) };
        let (_emulator, script, client) = play(&exchanges, options);
        let run = client.run("acme/text", json!({})).interval(Duration::from_secs(360_000));
        abandon_after_request(run, &script).await;
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_run_dropped_while_it_waits_for_a_connection_is_not_sent() {
    let exchanges = r#"[{"expect": {"path": "/v1/file"}, "reply": {"text": "0123456789", "stall_at": 5}}]"#;
    let options = Options { max_connections: Some(1), ..Options::default() };
    let (_emulator, script, client) = play(exchanges, options);
    let file = json!({"url": format!("{}/file", script.base_url())});
    let mut download = operation::open(&client, "output.read", file.into());
    download.next().await.unwrap().unwrap();
    let run = client.run("acme/text", json!({})).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(300), run).await.is_err());
    drop(download);
    settled(&script).await;
}

#[tokio::test]
async fn runs_dropped_during_the_tls_handshake_are_not_sent() {
    let server = Http2::start(http2::tls("server", None), vec![Vec::new()]);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base_url = Some(format!("https://{}/v1", listener.local_addr().unwrap()));
    let client = Client::new(Options { base_url, ..server.options() }).unwrap();
    // The first opens the connection, and the others wait for it.
    let runs = (0..3).map(|_| client.run("acme/text", json!({})).into_future());
    assert!(tokio::time::timeout(Duration::from_millis(300), join_all(runs)).await.is_err());
    let handshakes = async {
        loop {
            let (mut accepted, _) = listener.accept().await.unwrap();
            let mut connection = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut accepted, &mut connection).await });
        }
    };
    tokio::select! {
        () = handshakes => {}
        () = replicant::background::drain(Duration::from_secs(20)) => {}
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn an_abandoned_create_is_awaited_for_its_hold_also_with_a_request_timeout() {
    let late = CREATED.replace(r#""status": 201"#, r#""delay_ms": 3500, "status": 201"#);
    let exchanges = format!("[{late}, {CANCEL}]");
    let timeout = Some(Duration::from_secs(30));
    // On this clock, the create is awaited for 2.5 s in addition to its hold of 2.5 s.
    let options = Options { timeout, clock_rate: Some(2.0), ..Options::default() };
    let (_emulator, script, client) = play(&exchanges, options);
    abandon_after_request(client.run("acme/text", json!({})), &script).await;
    settled(&script).await;
}

/// A server that does not respond to the first requests.
#[derive(Clone, Default)]
struct Silent {
    open: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
}

impl Silent {
    /// Starts a server that responds from the request number `silent` on.
    async fn start(silent: usize, options: Options) -> (Self, Client) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base_url = Some(format!("http://{}/v1", listener.local_addr().unwrap()));
        let server = Self::default();
        let accepting = server.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let responds = accepting.accepted.fetch_add(1, SeqCst) >= silent;
                tokio::spawn(accepting.clone().serve(socket, responds));
            }
        });
        (server, Client::new(Options { base_url, ..options }).unwrap())
    }

    async fn serve(self, mut socket: TcpStream, responds: bool) {
        const BODY: &str = r#"{"id": "p1", "status": "succeeded", "output": "x"}"#;
        self.open.fetch_add(1, SeqCst);
        let mut request = vec![0; 65536];
        while socket.read(&mut request).await.is_ok_and(|read| read > 0) {
            if responds {
                let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json";
                let response = format!("{head}\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
                socket.write_all(response.as_bytes()).await.unwrap();
            }
        }
        self.open.fetch_sub(1, SeqCst);
    }
}

#[tokio::test]
async fn abandoned_creates_are_limited_in_number_and_time() {
    // On this clock, a create is awaited for half a second after it was abandoned.
    let options = Options { clock_rate: Some(20.0), ..Options::default() };
    let (server, client) = Silent::start(usize::MAX, options).await;
    let mut most = 0;
    for _ in 0..200 {
        let run = client.run(ENDLESS, json!({})).wait(5).into_future();
        assert!(tokio::time::timeout(Duration::from_millis(3), run).await.is_err());
        most = most.max(server.open.load(SeqCst));
    }
    // One connection may not have noticed yet that its create was dropped.
    assert!((1..=66).contains(&most), "{most} connections at a time");
    eventually("no connection", || server.open.load(SeqCst) == 0).await;
}

#[tokio::test]
async fn abandoned_creates_delay_a_new_one_only_briefly() {
    // They are awaited for 65 s, unless newer creates need their place.
    let (server, client) = Silent::start(64, Options::default()).await;
    let abandoned = (0..64).map(|_| client.run(ENDLESS, json!({})).wait(60).into_future());
    let all = futures_util::future::join_all(abandoned);
    let _ = tokio::time::timeout(Duration::from_secs(10), async {
        tokio::select! {
            _ = all => {}
            () = eventually("64 creates", || server.open.load(SeqCst) == 64) => {}
        }
    })
    .await;
    // Each of the background tasks runs once and notices it.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    let output = tokio::time::timeout(Duration::from_secs(5), client.run(ENDLESS, json!({})).into_future());
    assert_eq!(output.await.unwrap().unwrap(), "x");
    eventually("a dropped create", || server.open.load(SeqCst) <= 64).await;
}
