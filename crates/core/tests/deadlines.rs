//! Timeouts of runs, streams and requests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, future::join_all, stream};
use replicant::{Client, ErrorKind, OnAbandon, Options, RetryPolicy, Value, json, operation};
use support::{CANCEL, CREATED, DONE, play, settled};

#[tokio::test]
async fn a_stream_timeout_reports_a_finished_prediction_and_does_not_cancel_it() {
    for (status, on_abandon) in [("succeeded", OnAbandon::Cancel), ("failed", OnAbandon::Leave)] {
        let created = json!({"id": "p1", "status": status, "urls": {"stream": "{{base}}/s"}});
        let exchanges = format!(
            r#"[{{"expect": {{"method": "POST"}}, "reply": {{"status": 201, "json": {created}}}}},
                {{"expect": {{"path": "/v1/s"}}, "reply": {{"sse": "event: output\ndata: Once\n\n: more", "stall_at": 28}}}}]"#
        );
        let (_emulator, script, client) = play(&exchanges, Options::default());
        let run = client.stream("acme/text", json!({})).wait(1).on_abandon(on_abandon);
        let mut events = run.timeout(Duration::from_secs(3)).await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().data, "Once");
        let error = events.next().await.unwrap().unwrap_err();
        drop(events);
        assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
        assert_eq!(
            error.message(),
            format!(
                "the timeout of 3 s passed: prediction p1 had finished ({status}), but some of its events had not arrived."
            )
        );
        assert_eq!(error.prediction().unwrap()["status"], status);
        assert_eq!(*error.partial().unwrap(), "Once");
        // A cancel would be an unexpected request.
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_stream_timeout_reports_the_partial_output() {
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let stalls = r#"{"expect": {"method": "GET"}, "reply": {"sse": "event: output\nid: 1\ndata: Once\n\nevent: logs\nid: 2\ndata: x\n\n", "stall_at": 60}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {stalls}, {CANCEL}]"), Options::default());
    let run = client.stream("acme/text", json!({})).timeout(Duration::from_secs(3));
    let error = run.await.unwrap().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
    assert_eq!(error.partial().unwrap(), &"Once");
    settled(&script).await;
}

#[tokio::test]
async fn a_timeout_during_an_upload_says_that_no_prediction_was_created() {
    let stalls =
        r#"[{"expect": {"path": "/v1/files"}, "reply": {"status": 201, "json": {}, "stall_at": 1}}]"#;
    for on_abandon in [OnAbandon::Cancel, OnAbandon::Leave] {
        let (_emulator, script, client) = play(stalls, Options::default());
        let mut input = Value::object();
        input["image"] = Value::Bytes("x".into());
        let run = client.run("acme/up", input).on_abandon(on_abandon);
        let error = run.timeout(Duration::from_secs(3)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
        assert!(
            error
                .message()
                .ends_with("no prediction was created, as the files of its input were still being uploaded."),
            "{error}"
        );
        settled(&script).await;
    }
}

#[tokio::test]
async fn nothing_is_created_after_the_time_has_passed() {
    let (_emulator, script, client) = play("[]", Options::default());
    let input = || json!({});
    let run = client.run("acme/text", input()).timeout(Duration::ZERO).await.unwrap_err();
    let stream = client.stream("acme/text", input()).timeout(Duration::ZERO).await.map(drop).unwrap_err();
    let mut rows = client.map("acme/text", stream::iter([input()])).timeout(Duration::ZERO);
    let row = rows.try_next().await.unwrap().unwrap();
    assert_eq!(row.status.as_str(), "rejected");
    for error in [run, stream, row.error.unwrap()] {
        assert_eq!(error.kind(), ErrorKind::Deadline);
        assert!(error.message().contains("no prediction was created"), "{error}");
        assert!(!error.outcome_unknown());
    }
    let create = client.predictions().create("acme/text", input()).request_timeout(Duration::ZERO);
    let error = create.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("nothing was created"), "{error}");
    assert!(!error.outcome_unknown());
    let run = client.run("acme/text", input()).request_timeout(Duration::ZERO);
    let error = run.await.unwrap_err();
    assert!(error.message().contains("nothing was created"), "{error}");
    settled(&script).await;
}

#[tokio::test]
async fn maximum_durations_never_pass() {
    let max = Duration::MAX;
    let mut retry = RetryPolicy::default();
    (retry.base, retry.cap, retry.max_retry_after) = (max, max, max);
    for clock_rate in [1.0, 0.5, 1e-300] {
        let options = Options {
            timeout: Some(max),
            connect_timeout: Some(max),
            idle_timeout: Some(max),
            retry: Some(retry),
            clock_rate: Some(clock_rate),
            poll_interval: Some(Duration::ZERO),
            ..Options::default()
        };
        let (_emulator, script, client) = play(&format!("[{CREATED}, {DONE}, {DONE}, {DONE}]"), options);
        let run = client.run("acme/text", json!({})).timeout(max).request_timeout(max).wait(60);
        assert_eq!(run.await.unwrap(), "x");
        assert_eq!(client.predictions().wait("p1").timeout(max).await.unwrap().output, "x");
        client.predictions().get("p1").timeout(max).await.unwrap();
        settled(&script).await;
    }
    let (_emulator, _script, client) =
        play(&format!("[{DONE}]"), Options { clock_rate: Some(1e300), ..Options::default() });
    // On such a clock every delay passes at once. The result may be an error, but not a panic.
    let _ = client.predictions().wait("p1").timeout(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn on_abandon_leave_sends_no_cancel_after() {
    let expect = r#"[{"expect": {"method": "POST", "headers": {"cancel-after": null}}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting"}}}]"#;
    let (_emulator, script, client) = play(expect, Options::default());
    let run = client.run("acme/text", json!({})).on_abandon(OnAbandon::Leave);
    let error = run.timeout(Duration::from_secs(3)).interval(Duration::from_secs(9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
    settled(&script).await;
}

#[tokio::test]
async fn every_run_sends_cancel_after() {
    let done = r#"[{"expect": {"method": "POST", "headers": {"cancel-after": "AFTER"}}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded", "output": "x"}}}]"#;
    let two_days = Some(Duration::from_secs(48 * 3600));
    let minute = Some(Duration::from_secs(60));
    for (timeout, after) in [(None, "86400s"), (minute, "65s"), (two_days, "86400s")] {
        let (_emulator, script, client) = play(&done.replace("AFTER", after), Options::default());
        let run = client.run("acme/text", json!({}));
        match timeout {
            Some(timeout) => run.timeout(timeout).await.unwrap(),
            None => run.await.unwrap(),
        };
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_request_timeout_starts_after_the_hold() {
    let created = r#"[{"expect": {"method": "POST", "headers": {"prefer": "PREFER"}}, "reply": {"delay_ms": 1500, "status": 201, "json": {"id": "p1", "status": "succeeded", "output": "x"}}}]"#;
    let timeout = Duration::from_secs(10);
    let start = |prefer: &str, options| {
        play(&created.replace("PREFER", prefer), Options { clock_rate: Some(10.0), ..options })
    };
    let create =
        |client: &Client| client.predictions().create("acme/text", json!({})).request_timeout(timeout);
    let (_emulator, script, client) = start("wait=30", Options::default());
    assert_eq!(create(&client).wait(30).await.unwrap().id, "p1");
    settled(&script).await;

    let (_emulator, script, client) = start("wait=30", Options::default());
    let run = client.run("acme/text", json!({})).wait(30).request_timeout(timeout);
    assert_eq!(run.await.unwrap(), "x");
    settled(&script).await;

    // The user may set the header of the hold: for a call, a client or a request to any endpoint.
    for prefer in ["wait", "wait=30", "respond-async, wait=30"] {
        let (_emulator, script, client) = start(prefer, Options::default());
        assert_eq!(create(&client).header("Prefer", prefer).await.unwrap().id, "p1");
        settled(&script).await;
    }
    let headers = [("Prefer".to_owned(), "wait=30".to_owned())].into_iter().collect();
    let (_emulator, script, client) = start("wait=30", Options { headers, ..Options::default() });
    assert_eq!(client.run("acme/text", json!({})).request_timeout(timeout).await.unwrap(), "x");
    settled(&script).await;
    let (_emulator, script, client) = start("wait=30", Options::default());
    let request = json!({"path": "/predictions", "method": "post", "headers": {"Prefer": "wait=30"},
        "data": {}, "request_options": {"timeout": 10}});
    operation::call(&client, "request", request.into(), None).await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn a_timeout_limits_a_response_of_any_endpoint_that_arrives_slowly() {
    let drip = r#"[{"expect": {}, "reply": {"text": "0123456789", "chunks": [1, 2, 3, 4, 5, 6, 7, 8], "chunk_delay_ms": 1000}}]"#;
    let options =
        Options { timeout: Some(Duration::from_secs(3)), max_retries: Some(0), ..Options::default() };
    let (_emulator, script, client) = play(drip, options);
    let error = operation::call(&client, "request", json!({"path": "/brand/new"}).into(), None).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
    settled(&script).await;
}

#[tokio::test]
async fn requests_to_a_silent_host_fail_together() {
    const REQUESTS: usize = 10;
    let limit = Duration::from_secs(1);
    for retries in [0, 1] {
        // Nobody accepts: the system completes the connection, and no handshake of TLS follows.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let options = Options {
            base_url: Some(format!("https://{}/v1", listener.local_addr().unwrap())),
            connect_timeout: Some(limit),
            max_retries: Some(retries),
            ..Options::default()
        };
        let client = Client::new(options).unwrap();
        let began = Instant::now();
        let creates = (0..REQUESTS).map(|_| client.predictions().create("acme/up", json!({})).into_future());
        let failed = join_all(creates).await;
        let took = began.elapsed();
        for error in failed.into_iter().map(Result::unwrap_err) {
            assert!(error.kind() == ErrorKind::Timeout && !error.outcome_unknown(), "{error:?}");
            assert_eq!(error.message().contains("2 attempts"), retries == 1, "{error}");
        }
        assert!(took < limit * REQUESTS as u32 * 2 / 3, "{took:?}: one after the other");
        listener.set_nonblocking(true).unwrap();
        let connections = std::iter::from_fn(|| listener.accept().ok()).count();
        // The retries do not begin at the same moment.
        assert!(connections <= if retries == 0 { 1 } else { REQUESTS / 2 }, "{connections} connections");
    }
}
