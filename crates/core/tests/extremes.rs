//! The worst that users and servers can do: extreme numbers, endless answers, leading questions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::TryStreamExt;
use replicant::{
    BoxFuture, Client, ErrorKind, Observer, OnAbandon, Options, Result, RetryPolicy, Value, json, operation,
    transport::{HttpRequest, HttpResponse, Transport},
};
use support::{play, quick, settled};

const CREATED: &str =
    r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting"}}}"#;
const DONE: &str =
    r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "succeeded", "output": "x"}}}"#;
const CANCEL: &str = r#"{"expect": {"method": "POST", "path": "/v1/predictions/p1/cancel"}, "reply": {"json": {"id": "p1", "status": "canceled"}}}"#;

#[tokio::test]
async fn the_longest_durations_mean_no_end() {
    let forever = Duration::MAX;
    let mut retry = RetryPolicy::default();
    (retry.base, retry.cap, retry.max_retry_after) = (forever, forever, forever);
    for clock_rate in [1.0, 0.5, 1e-300] {
        let options = Options {
            timeout: Some(forever),
            connect_timeout: Some(forever),
            idle_timeout: Some(forever),
            retry: Some(retry),
            clock_rate: Some(clock_rate),
            poll_interval: Some(Duration::ZERO),
            ..Options::default()
        };
        let (_emulator, script, client) = play(&format!("[{CREATED}, {DONE}, {DONE}, {DONE}]"), options);
        let run = client.run("acme/text", json!({})).timeout(forever).request_timeout(forever).wait(60);
        assert_eq!(run.await.unwrap(), "x");
        assert_eq!(client.predictions().wait("p1").timeout(forever).await.unwrap().output, "x");
        client.predictions().get("p1").timeout(forever).await.unwrap();
        settled(&script).await;
    }
    let (_emulator, _script, client) =
        play(&format!("[{DONE}]"), Options { clock_rate: Some(1e300), ..Options::default() });
    // Every wait on such a clock is over at once: an error, not a panic.
    let _ = client.predictions().wait("p1").timeout(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_create_answered_to_a_run_that_is_not_looked_at_any_more_is_cancelled() {
    let (_emulator, script, client) = play(&format!("[{CREATED}, {CANCEL}]"), Options::default());
    let mut run = Box::pin(client.run("acme/text", json!({})).into_future());
    assert!(futures_util::FutureExt::now_or_never(&mut run).is_none());
    // The answer comes, and the run is dropped before it has taken it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(run);
    settled(&script).await;
}

#[tokio::test]
async fn a_run_that_is_left_at_its_timeout_is_not_ended_by_the_server_either() {
    let expect = r#"[{"expect": {"method": "POST", "headers": {"cancel-after": null}}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting"}}}]"#;
    let (_emulator, script, client) = play(expect, Options::default());
    let run = client.run("acme/text", json!({})).on_abandon(OnAbandon::Leave);
    let error = run.timeout(Duration::from_millis(300)).interval(Duration::from_secs(9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
    settled(&script).await;
}

#[tokio::test]
async fn a_timeout_beyond_what_the_server_counts_is_not_cut_to_it() {
    let done = r#"[{"expect": {"method": "POST", "headers": {"cancel-after": null}}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded", "output": "x"}}}]"#;
    let (_emulator, script, client) = play(done, Options::default());
    client.run("acme/text", json!({})).timeout(Duration::from_secs(48 * 3600)).await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn polling_waits_no_month_because_it_was_asked_to() {
    let busy = r#"{"expect": {"method": "GET"}, "reply": {"status": 429, "headers": {"retry-after": "3000000"}, "json": {"detail": "later"}}}"#;
    let (_emulator, script, client) = play(
        &format!("[{CREATED}, {busy}, {DONE}]"),
        Options { clock_rate: Some(1000.0), ..Options::default() },
    );
    let run = client.run("acme/text", json!({})).wait(0).into_future();
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), run).await.unwrap().unwrap(), "x");
    settled(&script).await;
}

#[tokio::test]
async fn an_answer_that_is_no_prediction_does_not_end_the_wait() {
    let strange = |json: &str| format!(r#"{{"expect": {{"method": "GET"}}, "reply": {{"json": {json}}}}}"#);
    let odd: Vec<String> =
        ["null", "[]", "{}", r#""down""#, r#"{"status": "succeeded", "output": "of another"}"#]
            .map(strange)
            .into();
    let timeout = r#"{"expect": {"method": "GET"}, "reply": {"status": 408}}"#;
    let exchanges = format!("[{CREATED}, {}, {timeout}, {DONE}]", odd.join(", "));
    let (_emulator, script, client) = play(&exchanges, Options { max_retries: Some(0), ..quick() });
    assert_eq!(client.run("acme/text", json!({})).await.unwrap(), "x");
    settled(&script).await;
}

#[tokio::test]
async fn a_create_whose_answer_tells_no_id_says_that_it_is_unknown() {
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
async fn a_cancel_waits_out_a_rate_limit() {
    let busy = r#"{"expect": {"method": "POST", "path": "/v1/predictions/p1/cancel"}, "reply": {"status": 429, "json": {"retry_after": 30}}}"#;
    let (_emulator, script, client) = play(
        &format!("[{CREATED}, {busy}, {CANCEL}]"),
        Options { clock_rate: Some(50.0), ..Options::default() },
    );
    let run = client.run("acme/text", json!({})).interval(Duration::from_secs(3600)).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(500), run).await.is_err());
    settled(&script).await;
}

#[tokio::test]
async fn a_stream_that_only_ever_repeats_itself_ends() {
    let stream = r#"{"expect": {"method": "GET"}, "reply": {"sse": "event: output\nid: 1\ndata: a\n\nevent: output\nid: 2\ndata: b\n\n"}, "times": "any"}"#;
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {stream}, {CANCEL}]"), quick());
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), events.try_collect::<Vec<_>>());
    let error = read.await.expect("it ends").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted, "{error:?}");
    assert_eq!(error.partial().unwrap(), &"ab");
    settled(&script).await;
}

#[tokio::test]
async fn a_stream_sets_no_reconnection_time_of_years() {
    let first = r#"{"expect": {"method": "GET"}, "reply": {"sse": "event: output\nid: 1\nretry: 18446744073709551615\ndata: a\n\n"}}"#;
    let rest = r#"{"expect": {"method": "GET", "not_before_ms": 1000}, "reply": {"sse": "event: output\nid: 2\ndata: b\n\nevent: done\ndata: {}\n\n"}}"#;
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {first}, {rest}]"), quick());
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), events.text().try_collect::<Vec<_>>());
    assert_eq!(read.await.expect("it ends").unwrap().concat(), "ab");
    settled(&script).await;
}

#[tokio::test]
async fn a_line_that_never_ends_does_not_fill_the_memory() {
    struct Endless(Arc<AtomicUsize>);
    impl Transport for Endless {
        fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
            let sent = self.0.clone();
            Box::pin(async move {
                let kind = |kind: &str| vec![("content-type".to_owned(), kind.to_owned())];
                if request.method == "POST" {
                    let body = br#"{"id": "p1", "status": "starting", "urls": {"stream": "https://stream.example/s"}}"#;
                    let body = Box::new(bytes::Bytes::from_static(body));
                    return Ok(HttpResponse { status: 201, headers: kind("application/json"), body });
                }
                let piece = bytes::Bytes::from(vec![b'x'; 1 << 20]);
                let pieces = futures_util::stream::repeat_with(move || {
                    sent.fetch_add(1, Ordering::SeqCst);
                    Ok(piece.clone())
                });
                let body = Box::new(replicant::transport::StreamBody(Box::pin(pieces.take(1000))));
                Ok(HttpResponse { status: 200, headers: kind("text/event-stream"), body })
            })
        }
    }
    use futures_util::StreamExt;
    let sent = Arc::new(AtomicUsize::new(0));
    let transport: Arc<dyn Transport> = Arc::new(Endless(sent.clone()));
    let options = Options { transport: Some(transport), max_retries: Some(0), ..Options::default() };
    let client = Client::new(options).unwrap();
    let mut events = client.stream("acme/text", json!({})).await.unwrap();
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error:?}");
    assert!(sent.load(Ordering::SeqCst) < 500, "{} MiB were read", sent.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_file_that_changed_is_not_put_together_of_two() {
    let first = r#"{"expect": {"method": "GET"}, "reply": {"headers": {"etag": "\"a\""}, "text": "0123456789", "cut_at": 4}}"#;
    for second in [
        r#"{"status": 206, "headers": {"etag": "\"b\"", "content-range": "bytes 4-9/10"}, "text": "xxxxxx"}"#,
        r#"{"status": 206, "headers": {"etag": "\"a\"", "content-range": "bytes 4-9/12"}, "text": "456789"}"#,
    ] {
        let exchanges = format!(r#"[{first}, {{"expect": {{"method": "GET"}}, "reply": {second}}}]"#);
        let (_emulator, script, client) = play(&exchanges, quick());
        let params = json!({"url": format!("{}/files/a", script.origin())});
        let error = operation::call(&client, "output.bytes", params.into(), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{error:?}");
        assert!(error.message().contains("changed"), "{error}");
        settled(&script).await;
    }
}

#[tokio::test]
async fn headers_of_a_raw_request_stay_with_the_origin_they_were_given_for() {
    let exchanges = r#"[
        {"expect": {"method": "GET", "path": "/v1/a", "headers": {"authorization": "Bearer mine", "cookie": "c=1", "x-trace": "t"}},
         "reply": {"status": 302, "headers": {"location": "{{other}}/b"}}},
        {"expect": {"method": "GET", "origin": "other", "headers": {"authorization": null, "cookie": null, "x-trace": null, "accept": "text/plain"}}, "reply": {"text": "ok"}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let params = json!({"path": "/a", "headers": {"Authorization": "Bearer mine", "Cookie": "c=1", "X-Trace": "t", "Accept": "text/plain"}});
    operation::call(&client, "request", params.into(), None).await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn a_raw_request_and_a_list_may_carry_a_url_in_their_query() {
    let exchanges = r#"[
        {"expect": {"path": "/v1/search", "query": {"query": "https://a.example/x"}}, "reply": {"json": {}}},
        {"expect": {"path": "/v1/predictions", "query": {"source": "web", "from": "https://a.example"}}, "reply": {"json": {"results": []}}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let params = json!({"path": "/search?query=https://a.example/x"});
    operation::call(&client, "request", params.into(), None).await.unwrap();
    let params = json!({"path": "/predictions?source=web&from=https://a.example"});
    operation::open(&client, "paginate", params.into()).try_collect::<Vec<_>>().await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn a_server_that_repeats_the_token_does_not_bring_it_into_an_error() {
    for reply in [
        r#"{"status": 401, "headers": {"x-echo": "Bearer r8_secret"}, "json": {"detail": "no such token: r8_secret", "invalid_fields": ["r8_secret"]}}"#,
        r#"{"status": 200, "headers": {"x-echo": "r8_secret"}, "text": "<pre>authorization: Bearer r8_secret</pre>"}"#,
    ] {
        let exchanges = format!(r#"[{{"expect": {{}}, "reply": {reply}}}]"#);
        let (_emulator, script, client) = play(&exchanges, Options::default());
        let error = client.account().await.unwrap_err();
        let shown = format!("{error} {error:?} {:?} {:?}", error.to_value(), error.response());
        assert!(!shown.contains("r8_secret"), "{shown}");
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_url_with_a_password_is_shown_without_it() {
    let (_emulator, _script, client) = play("[]", Options { max_retries: Some(0), ..Options::default() });
    let params = json!({"path": "http://user:hunter2@127.0.0.1:1/x?signature=abc"});
    let error = operation::call(&client, "request", params.into(), None).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.to_value());
    assert!(!shown.contains("hunter2") && !shown.contains("abc"), "{shown}");
}

#[tokio::test]
async fn a_slow_download_of_an_uploaded_file_is_no_timeout() {
    let exchanges =
        r#"[{"expect": {}, "reply": {"text": "0123456789", "chunks": [2, 4, 6, 8], "chunk_delay_ms": 300}}]"#;
    let options = Options { timeout: Some(Duration::from_millis(700)), ..Options::default() };
    let (_emulator, script, client) = play(exchanges, options);
    let content = client.files().download("f1", "acme", 1, "s").max_retries(0).await.unwrap();
    assert!(matches!(content, Value::Bytes(bytes) if bytes == "0123456789"));
    settled(&script).await;
}

#[tokio::test]
async fn endless_and_deep_answers_are_errors() {
    let deep = format!(r#"{{"text": "{}"}}"#, "[".repeat(100_000));
    let huge = r#"{"status": 400, "repeat": {"byte": 120, "length": 50000000}}"#.to_owned();
    let promised =
        r#"{"status": 422, "text": "{\"detail\": \"no\"}", "content_length": 99999999}"#.to_owned();
    for reply in [deep, huge, promised] {
        let exchanges = format!(r#"[{{"expect": {{}}, "reply": {reply}}}]"#);
        let (_emulator, _script, client) = play(&exchanges, Options::default());
        let began = Instant::now();
        let error = client.account().await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(10));
        assert!(error.response().unwrap().body.len() <= 64 * 1024 + 3, "{}", error.kind().code());
        assert!(error.message().len() < 2000);
    }
}

#[tokio::test]
async fn an_observer_that_calls_back_does_not_lock_up() {
    let (_emulator, script, client) = play(&format!("[{CREATED}, {DONE}]"), quick());
    let seen = Arc::new(AtomicUsize::new(0));
    let (count, again) = (seen.clone(), client.clone());
    let observer: Observer = Arc::new(move |prediction: Value| {
        drop(again.run("acme/text", json!({})));
        count.fetch_add(prediction["id"].as_str().map_or(0, |_| 1), Ordering::SeqCst);
    });
    let params = json!({"ref": "acme/text", "input": {}});
    operation::call(&client, "run", params.into(), Some(observer)).await.unwrap();
    assert!(seen.load(Ordering::SeqCst) >= 2);
    settled(&script).await;
}

#[tokio::test]
async fn a_stream_that_runs_out_of_time_says_what_had_come() {
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let stalls = r#"{"expect": {"method": "GET"}, "reply": {"sse": "event: output\nid: 1\ndata: Once\n\nevent: logs\nid: 2\ndata: x\n\n", "stall_at": 60}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {stalls}, {CANCEL}]"), Options::default());
    let run = client.stream("acme/text", json!({})).timeout(Duration::from_millis(700));
    let error = run.await.unwrap().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error:?}");
    assert_eq!(error.partial().unwrap(), &"Once");
    settled(&script).await;
}

#[tokio::test]
async fn request_options_count_for_streams() {
    let created = r#"{"expect": {"method": "POST", "headers": {"x-trace": "t"}}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let breaks = r#"{"expect": {"method": "GET", "headers": {"x-trace": "t"}}, "reply": {"sse": "event: output\nid: 1\ndata: Once\n\n"}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {breaks}, {CANCEL}]"), quick());
    let run = client.stream("acme/text", json!({})).header("x-trace", "t").max_retries(0);
    let error = run.await.unwrap().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted, "{error:?}");
    settled(&script).await;
}

#[tokio::test]
async fn a_server_that_begins_again_far_back_repeats_nothing() {
    let events = |count: usize| -> String {
        (0..count).map(|n| format!("event: output\nid: {n}\ndata: {n},\n\n")).collect()
    };
    let whole = events(2000) + "event: done\ndata: {}\n\n";
    let created = json!({"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}});
    let exchanges = json!([
        {"expect": {"method": "POST"}, "reply": created},
        {"expect": {"method": "GET"}, "reply": {"sse": events(1500)}},
        {"expect": {"method": "GET", "headers": {"last-event-id": "1499"}}, "reply": {"sse": whole}},
    ]);
    let (_emulator, script, client) = play(&exchanges.to_string(), quick());
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    assert!(text.into_iter().eq((0..2000).map(|n| format!("{n},"))));
    settled(&script).await;
}

#[tokio::test]
async fn a_page_instead_of_the_rest_of_a_stream_does_not_lose_what_came() {
    let created = json!({"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}});
    let exchanges = json!([
        {"expect": {"method": "POST"}, "reply": created},
        {"expect": {"method": "GET"}, "reply": {"sse": "event: output\nid: 1\ndata: a\n\n"}},
        {"expect": {"method": "GET"}, "reply": {"text": "<html>", "headers": {"content-type": "text/html"}}},
        {"expect": {"method": "POST", "path": "/v1/predictions/p1/cancel"}, "reply": {"json": {"id": "p1", "status": "canceled"}}},
    ]);
    let (_emulator, script, client) = play(&exchanges.to_string(), quick());
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let error = events.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!((error.kind(), error.partial()), (ErrorKind::InvalidResponse, Some(&"a".into())));
    settled(&script).await;
}

#[tokio::test]
async fn the_timeout_of_a_request_begins_when_its_hold_is_over() {
    let created = r#"[{"expect": {"method": "POST"}, "reply": {"delay_ms": 1500, "status": 201, "json": {"id": "p1", "status": "starting"}}}]"#;
    let (_emulator, script, client) = play(created, Options { clock_rate: Some(10.0), ..Options::default() });
    let create = client.predictions().create("acme/text", json!({})).wait(30);
    assert_eq!(create.request_timeout(Duration::from_secs(10)).await.unwrap().id, "p1");
    settled(&script).await;
}

#[tokio::test]
async fn an_end_that_comes_with_the_create_is_told_as_the_create_and_as_the_end() {
    let created = r#"[{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded", "output": 1}}}]"#;
    let (_emulator, script, client) = play(created, quick());
    let told = Arc::new(AtomicUsize::new(0));
    let heard = told.clone();
    let run = client.run("acme/text", json!({})).observe(move |prediction| {
        assert_eq!(prediction["status"], "succeeded");
        heard.fetch_add(1, Ordering::SeqCst);
    });
    run.await.unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 2);
    settled(&script).await;
}
