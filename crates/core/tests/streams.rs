//! Event streams, and outputs that are polled and streamed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use proptest::prelude::*;
use replicant::{
    BoxFuture, Client, ErrorKind, Event, EventStream, HandleEvents, Item, Options, Prediction, Result,
    TextStream, json,
    map::Map,
    operation,
    transport::{HttpRequest, HttpResponse, Transport},
};
use replicant_emulator::{Config, Emulator};
use support::{CANCEL, play, polled, quick, settled};

#[tokio::test]
async fn a_stream_that_only_replays_events_fails() {
    let stream = r#"{"expect": {"method": "GET"}, "reply": {"sse": "event: output\nid: 1\ndata: a\n\nevent: output\nid: 2\ndata: b\n\n"}, "times": "any"}"#;
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {stream}, {CANCEL}]"), quick());
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), events.try_collect::<Vec<_>>());
    let error = read.await.expect("the stream ends").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted, "{error:?}");
    assert_eq!(error.partial().unwrap(), &"ab");
    settled(&script).await;
}

#[tokio::test]
async fn a_timeout_after_the_first_text_does_not_report_the_status_at_the_create() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    let input = json!({"chunks": ["a", "b"], "pause": 60});
    let events = client.stream("emulator/stream", input).timeout(Duration::from_secs(3)).await.unwrap();
    let error = events.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.partial().unwrap(), &"a");
    assert!(error.message().ends_with(" had not finished; it is being canceled."), "{error}");
}

#[tokio::test]
async fn an_output_that_is_read_while_it_is_written_is_polled_at_the_interval_of_its_run() {
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "output": ["a"]}}}"#;
    // A poll before the timeout would be an unexpected request.
    let (_emulator, script, client) = play(&format!("[{created}, {CANCEL}]"), quick());
    let output = json!({"type": "array", "items": {"type": "string", "format": "uri"}, "x-cog-array-type": "iterator"});
    let schema = json!({"openapi_schema": {"components": {"schemas": {"Output": output}}}});
    let params = json!({"ref": {"version": "5c7d", "schema": schema}, "input": {}, "live": true, "timeout": 150, "interval": 3600});
    let started = operation::call(&client, "run", params.into(), None).await.unwrap().value;
    let mut items = operation::open(&client, "predictions.output_iterator", started);
    assert_eq!(items.try_next().await.unwrap(), Some(Item::Value("a".into())));
    let error = items.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    assert_eq!(error.partial().unwrap(), &"a");
    drop(items);
    settled(&script).await;
}

#[tokio::test]
async fn events_replayed_by_the_server_are_dropped() {
    let events = |count: usize| -> String {
        (0..count).map(|n| format!("event: output\nid: {n}\ndata: {n},\n\n")).collect()
    };
    let whole = events(2000) + "event: done\ndata: {}\n\n";
    let created = json!({"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}});
    for received in [1, 1500] {
        let last_id = (received - 1).to_string();
        let exchanges = json!([
            {"expect": {"method": "POST"}, "reply": created},
            {"expect": {"method": "GET"}, "reply": {"sse": events(received)}},
            {"expect": {"method": "GET", "headers": {"last-event-id": last_id}}, "reply": {"sse": whole}},
        ]);
        let (_emulator, script, client) = play(&exchanges.to_string(), quick());
        let events = client.stream("acme/text", json!({})).await.unwrap();
        let text: Vec<String> = events.text().try_collect().await.unwrap();
        assert!(text.into_iter().eq((0..2000).map(|n| format!("{n},"))), "after {received} events");
        settled(&script).await;
    }
}

#[tokio::test]
async fn the_reconnection_time_of_a_stream_is_limited() {
    let first = r#"{"expect": {"method": "GET"}, "reply": {"sse": "event: output\nid: 1\nretry: 18446744073709551615\ndata: a\n\n"}}"#;
    let rest = r#"{"expect": {"method": "GET", "not_before_ms": 1000}, "reply": {"sse": "event: output\nid: 2\ndata: b\n\nevent: done\ndata: {}\n\n"}}"#;
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {first}, {rest}]"), quick());
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), events.text().try_collect::<Vec<_>>());
    assert_eq!(read.await.expect("the stream ends").unwrap().concat(), "ab");
    settled(&script).await;
}

#[tokio::test]
async fn blocks_without_data_set_the_reconnection_time_and_the_last_event_id() {
    let first = r#"{"expect": {"method": "GET"}, "reply": {"sse": "retry: 60000\n\nid: 1\ndata: a\n\nid: 2\n\nid: 3\nevent: output\n"}}"#;
    let rest = r#"{"expect": {"method": "GET", "headers": {"last-event-id": "2"}, "not_before_ms": 1000}, "reply": {"sse": "data: b\n\nevent: done\ndata: {}\n\n"}}"#;
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {first}, {rest}]"), quick());
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), events.try_collect::<Vec<_>>());
    let events = read.await.expect("the stream ends").unwrap();
    let seen: Vec<_> = events.iter().map(|event| (event.data.as_str(), event.id.as_deref())).collect();
    assert_eq!(seen, [("a", Some("1")), ("b", Some("2")), ("{}", Some("2"))]);
    settled(&script).await;
}

#[tokio::test]
async fn an_event_id_that_cannot_be_a_header_is_ignored() {
    for id in ["2\\u0001", "2中"] {
        let first = format!(
            r#"{{"expect": {{"method": "GET"}}, "reply": {{"sse": "event: output\nid: 1\ndata: a\n\nevent: output\nid: {id}\ndata: b\n\n"}}}}"#
        );
        let rest = r#"{"expect": {"method": "GET", "headers": {"last-event-id": "1"}}, "reply": {"sse": "event: output\nid: 3\ndata: c\n\nevent: done\ndata: {}\n\n"}}"#;
        let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
        let (_emulator, script, client) = play(&format!("[{created}, {first}, {rest}]"), quick());
        let events = client.stream("acme/text", json!({})).await.unwrap();
        assert_eq!(events.text().try_collect::<Vec<_>>().await.unwrap().concat(), "abc");
        settled(&script).await;
    }
}

#[tokio::test]
async fn an_endless_line_is_an_error() {
    struct Endless(Arc<AtomicUsize>);
    impl Transport for Endless {
        fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
            let sent = self.0.clone();
            Box::pin(async move {
                let kind = |kind: &str| vec![("content-type".to_owned(), kind.to_owned())];
                if request.method == "POST" {
                    let body = br#"{"id": "p1", "status": "starting", "urls": {"stream": "https://stream.example/s"}}"#;
                    let body = Box::new(Bytes::from_static(body));
                    return Ok(HttpResponse::new(201, kind("application/json"), body));
                }
                let chunk = Bytes::from(vec![b'x'; 1 << 20]);
                let chunks = futures_util::stream::repeat_with(move || {
                    sent.fetch_add(1, Ordering::SeqCst);
                    Ok(chunk.clone())
                });
                let body = Box::new(replicant::transport::StreamBody(Box::pin(chunks.take(1000))));
                Ok(HttpResponse::new(200, kind("text/event-stream"), body))
            })
        }
    }
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
async fn an_html_page_on_reconnect_fails_with_the_partial_output() {
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
async fn request_options_apply_to_streams() {
    let created = r#"{"expect": {"method": "POST", "headers": {"x-trace": "t"}}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let breaks = r#"{"expect": {"method": "GET", "headers": {"x-trace": "t"}}, "reply": {"sse": "event: output\nid: 1\ndata: Once\n\n"}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {breaks}, {CANCEL}]"), quick());
    let run = client.stream("acme/text", json!({})).header("x-trace", "t").max_retries(0);
    let error = run.await.unwrap().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted, "{error:?}");
    settled(&script).await;
}

#[tokio::test]
async fn a_stream_that_fails_frees_its_connection_for_the_request_of_the_logs() {
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{origin}}/s"}}}}"#;
    let fails = "event: error\nid: 1\ndata: {\"detail\": \"no memory\"}\n\n";
    let fails = json!({"expect": {"path": "/s"}, "reply": {"sse": format!("{fails}: more"), "stall_at": fails.len()}});
    let failed = r#"{"expect": {"path": "/v1/predictions/p1"}, "reply": {"json": {"id": "p1", "status": "failed", "logs": "all"}}}"#;
    let options = Options { max_connections: Some(1), ..Options::default() };
    let (_emulator, script, client) = play(&format!("[{created}, {fails}, {failed}]"), options);
    let events = client.stream("acme/text", json!({})).await.unwrap();
    let error = events.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PredictionFailed, "{error:?}");
    assert_eq!(error.prediction().unwrap()["logs"], "all");
    settled(&script).await;
}

/// Builds a create and the responses to the polls that follow.
fn polls(replies: &[serde_json::Value]) -> String {
    let created = json!({"status": 201, "json": {"id": "p1", "status": "processing"}});
    let mut exchanges = vec![
        json!({"expect": {"method": "POST", "path": "/v1/models/acme/up/predictions"}, "reply": created}),
    ];
    exchanges.extend(replies.iter().map(|reply| json!({"expect": {"method": "GET"}, "reply": reply})));
    json!(exchanges).to_string()
}

#[tokio::test]
async fn a_failed_poll_does_not_end_a_polled_stream() {
    let exchanges = polls(&[
        polled("processing", json!(["a"])),
        json!({"text": "<html>", "headers": {"content-type": "text/html"}}),
        json!({"json": {"id": "another"}}),
        polled("succeeded", json!(["a", "b"])),
    ]);
    let (_emulator, script, client) = play(&exchanges, quick());
    let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    assert_eq!(text, ["a", "b"]);
    settled(&script).await;
}

#[tokio::test]
async fn a_polled_stream_that_fails_has_its_partial_output() {
    for (status, kind) in [
        ("failed", ErrorKind::PredictionFailed),
        ("canceled", ErrorKind::PredictionCanceled),
        ("aborted", ErrorKind::PredictionAborted),
    ] {
        let (_emulator, script, client) = play(&polls(&[polled(status, json!(["a", "b"]))]), quick());
        let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
        let error = events.text().try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!((error.kind(), error.partial()), (kind, Some(&"ab".into())));
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_polled_output_that_is_not_a_list_is_yielded_when_complete() {
    let exchanges = polls(&[polled("processing", json!("He")), polled("succeeded", json!("Heron"))]);
    let (_emulator, script, client) = play(&exchanges, quick());
    let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    assert_eq!(text, ["Heron"]);
    settled(&script).await;
}

#[tokio::test]
async fn an_interval_is_refused_by_a_stream_that_does_not_poll() {
    let (_emulator, _script, client) = play("[]", quick());
    let params = json!({"ref": "acme/up", "interval": 1});
    let error = operation::open(&client, "stream", params.into()).try_next().await.unwrap_err();
    assert_eq!(error.argument(), Some("interval"));
}

#[tokio::test]
async fn items_that_are_not_strings_are_yielded_as_json() {
    let exchanges = polls(&[polled("succeeded", json!([{"word": "\u{1b}é", "at": 1}]))]);
    let (_emulator, script, client) = play(&exchanges, quick());
    let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    let item: serde_json::Value = serde_json::from_str(&text[0]).unwrap();
    assert_eq!(item, json!({"word": "\u{1b}é", "at": 1}));
    settled(&script).await;
}

#[tokio::test]
async fn use_file_output_controls_file_items() {
    const URL: &str = "https://replicate.delivery/a.png";
    let poll = json!({"expect": {}, "times": 2, "reply": polled("succeeded", json!([URL]))});
    let (_emulator, script, client) = play(&json!([poll]).to_string(), quick());
    for as_file in [true, false] {
        let params = json!({"id": "p1", "use_file_output": as_file});
        let item = operation::open(&client, "predictions.output_iterator", params.into()).try_next().await;
        let Some(Item::Value(item)) = item.unwrap() else { panic!("an item") };
        assert_eq!((item.as_file_url().is_some(), item.to_string().as_str()), (as_file, URL));
    }
    settled(&script).await;
}

#[tokio::test]
async fn a_list_that_ends_as_a_text_yields_the_rest_of_it() {
    let replies = [polled("processing", json!(["a", "b"])), polled("succeeded", json!("abcd"))];
    let polls = replies.map(|reply| json!({"expect": {}, "reply": reply}));
    let (_emulator, script, client) = play(&json!(polls).to_string(), quick());
    let items = operation::open(&client, "predictions.output_iterator", json!({"id": "p1"}).into());
    let items: Vec<Item> = items.try_collect().await.unwrap();
    assert_eq!(items, ["a", "b", "cd"].map(|text| Item::Value(text.into())));
    settled(&script).await;
}

/// Returns the items of `predictions.output_iterator`, whose polls get `replies`.
async fn items_of(replies: &[serde_json::Value], params: serde_json::Value) -> Result<Vec<Item>> {
    let polls: Vec<_> = replies.iter().map(|reply| json!({"expect": {}, "reply": reply})).collect();
    let (_emulator, script, client) = play(&json!(polls).to_string(), quick());
    let items = operation::open(&client, "predictions.output_iterator", params.into()).try_collect().await;
    settled(&script).await;
    items
}

#[tokio::test]
async fn items_that_change_or_disappear_are_not_yielded_again() {
    for (lists, expected) in [
        (vec![json!(["preview"]), json!(["final"])], json!(["preview"])),
        (vec![json!(["a", "b", "c"]), json!(["a", "b"])], json!(["a", "b", "c"])),
        (vec![json!(["a", "b"]), json!(["a"]), json!(["a", "b", "c"])], json!(["a", "b", "c"])),
        (vec![json!(["a", 1]), json!("a1")], json!(["a", 1])),
        (vec![json!(["a"]), json!({"text": "b"})], json!(["a", {"text": "b"}])),
    ] {
        let (last, others) = lists.split_last().unwrap();
        let mut replies: Vec<_> = others.iter().map(|list| polled("processing", list.clone())).collect();
        replies.push(polled("succeeded", last.clone()));
        let items = items_of(&replies, json!({"id": "p1"})).await.unwrap();
        let expected: Vec<Item> =
            expected.as_array().unwrap().iter().map(|item| Item::Value(item.clone().into())).collect();
        assert_eq!(items, expected, "{lists:?}");
    }
}

#[tokio::test]
async fn an_output_that_the_api_has_deleted_is_an_error_of_its_reader() {
    let ended = json!({"id": "p1", "status": "succeeded", "output": null, "data_removed": true});
    let expired = json!({"json": ended});
    let part = polled("processing", json!(["a"]));
    let prediction = json!({"id": "p1", "status": "starting"});
    for params in [
        json!({"id": "p1"}),
        json!({"prediction": prediction, "live": {"cancel": true}}),
        json!({"prediction": prediction, "live": {"cancel": true, "whole": true}}),
    ] {
        let error = items_of(&[part.clone(), expired.clone()], params.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutputExpired, "{params}: {error}");
        let partial = params.get("live").map(|live| if live["whole"].is_null() { "a" } else { "" });
        assert_eq!(error.partial().and_then(|partial| partial.as_str()), partial, "{params}");
    }
    // An event stream that fails is continued by polls.
    let events = json!({"expect": {"path": "/s"}, "reply": {"sse": "event: output\nid: 1\ndata: a\n\n"}});
    let gone = json!({"expect": {"path": "/s"}, "reply": {"status": 404}});
    let poll = json!({"expect": {"path": "/v1/predictions/p1"}, "times": "any", "reply": expired});
    let (_emulator, script, client) = play(&json!([events, gone, poll]).to_string(), quick());
    let urls = json!({"stream": format!("{}/s", script.origin())});
    let prediction = json!({"id": "p1", "status": "starting", "urls": urls});
    let params = json!({"prediction": prediction, "live": {"cancel": true, "events": true}});
    let mut items = operation::open(&client, "predictions.output_iterator", params.into());
    assert_eq!(items.try_next().await.unwrap(), Some(Item::Value("a".into())));
    assert_eq!(items.try_next().await.unwrap_err().kind(), ErrorKind::OutputExpired);
    settled(&script).await;
    // It was deleted before the create returned, for example because the process slept.
    let created = json!([{"expect": {"method": "POST"}, "reply": {"status": 201, "json": ended}}]);
    let (_emulator, script, client) = play(&created.to_string(), quick());
    let output = json!({"type": "array", "items": {"type": "string", "format": "uri"}, "x-cog-array-type": "iterator"});
    let schema = json!({"openapi_schema": {"components": {"schemas": {"Output": output}}}});
    let params = json!({"ref": {"version": "5c7d", "schema": schema}, "input": {}, "live": true});
    let error = operation::call(&client, "run", params.into(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutputExpired, "{error}");
    settled(&script).await;
}

#[tokio::test]
async fn polls_continue_where_the_events_of_an_output_have_failed() {
    let events = json!({"expect": {"path": "/s"}, "reply": {"sse": "event: output\nid: 1\ndata: He\n\nevent: output\nid: 2\ndata: l\n\n"}});
    let gone = json!({"expect": {"path": "/s"}, "reply": {"status": 404}});
    // Polls may split the text differently, but do not change it.
    for (output, expected) in [
        (json!(["He", "llo"]), Some("Hello")),
        (json!(["Hello", "!"]), Some("Hello!")),
        (json!("Hello"), Some("Hello")),
        (json!(["Hey"]), None),
    ] {
        let poll = json!({"expect": {"path": "/v1/predictions/p1"}, "reply": polled("succeeded", output)});
        let (_emulator, script, client) = play(&json!([events, gone, poll]).to_string(), quick());
        let urls = json!({"stream": format!("{}/s", script.origin())});
        let prediction = json!({"id": "p1", "status": "starting", "urls": urls});
        let params = json!({"prediction": prediction, "live": {"cancel": false, "events": true}});
        let items = operation::open(&client, "predictions.output_iterator", params.into());
        let items: replicant::Result<Vec<Item>> = items.try_collect().await;
        let text = items.map(|items| {
            let texts = items.into_iter().map(|item| match item {
                Item::Value(text) => text.to_string(),
                other => panic!("{other:?}"),
            });
            texts.collect::<String>()
        });
        assert_eq!(text.as_deref().ok(), expected, "{text:?}");
        settled(&script).await;
    }
}

/// A server whose prediction has more items at each poll.
struct GrowingOutput {
    /// The number of items at each poll. Then the prediction succeeds with all items.
    counts: Vec<usize>,
    total: usize,
    polls: AtomicUsize,
}

impl Transport for GrowingOutput {
    fn send(&self, _request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let poll = self.polls.fetch_add(1, Ordering::SeqCst);
        let (status, count) = match self.counts.get(poll) {
            Some(count) => ("processing", *count),
            None => ("succeeded", self.total),
        };
        let output: Vec<usize> = (0..count).collect();
        let body = json!({"id": "p1", "status": status, "output": output}).to_string();
        Box::pin(async move { Ok(HttpResponse::new(200, Vec::new(), Box::new(Bytes::from(body)))) })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn output_iterator_yields_every_item_once(mut counts in prop::collection::vec(0usize..12, 0..8)) {
        counts.sort_unstable();
        let transport = GrowingOutput { counts, total: 12, polls: AtomicUsize::new(0) };
        let options =
            Options { transport: Some(Arc::new(transport)), clock_rate: Some(10_000.0), ..Options::default() };
        let client = Client::new(options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let items: Vec<Item> = runtime
            .block_on(operation::open(&client, "predictions.output_iterator", json!({"id": "p1"}).into()).try_collect())
            .unwrap();
        let expected: Vec<Item> = (0..12usize).map(|n| Item::Value(n.into())).collect();
        prop_assert_eq!(items, expected);
    }
}

#[tokio::test]
async fn the_stream_of_a_prediction_can_be_spawned_and_has_the_options_of_its_operation() {
    let poll = r#"{"expect": {"method": "GET", "path": "/v1/predictions/p1", "headers": {"x-trace": "t"}},
        "reply": {"json": {"id": "p1", "status": "succeeded", "output": ["a"], "urls": {"stream": "{{origin}}/s"}}}}"#;
    let events = r#"{"expect": {"path": "/s"}, "reply": {"sse": "event: output\ndata: https://replicate.delivery/a.png\n\nevent: done\ndata: {}\n\n"}}"#;
    let (_emulator, script, client) = play(&format!("[{poll}, {events}]"), quick());
    let stream = client.predictions().stream("p1").header("x-trace", "t").use_file_output(false);
    let stream = tokio::spawn(stream.into_future()).await.unwrap().unwrap();
    assert_eq!(stream.prediction().clone().decode::<Prediction>().unwrap().id, "p1");
    let events: Vec<Event> = stream.try_collect().await.unwrap();
    assert!(events[0].data.ends_with("/a.png") && events[0].file.is_none(), "{events:?}");
    settled(&script).await;
}

#[test]
fn streams_can_be_shared_by_threads() {
    fn is_sync<T: Send + Sync>() {}
    is_sync::<EventStream>();
    is_sync::<TextStream>();
    is_sync::<HandleEvents>();
    is_sync::<Map>();
}
