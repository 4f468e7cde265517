//! Event streams.

use crate::common::{Api, LLAMA, api, eventually, seconds, with};
use futures_util::StreamExt;
use replicant_emulator::Config;
use serde_json::{Value, json};

/// An event: name, id and data.
type Event = (String, Option<String>, String);

fn parse(text: &str) -> Vec<Event> {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty() && !block.starts_with(':'));
    let field = |block: &str, name: &str| {
        let prefix = format!("{name}: ");
        let lines: Vec<_> = block.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    let event = |block: &str| {
        (field(block, "event").expect("a name"), field(block, "id"), field(block, "data").unwrap_or_default())
    };
    blocks.map(event).collect()
}

async fn text(api: &Api, prediction: &Value, last_id: Option<&str>) -> String {
    let mut request = api.request("GET", prediction["urls"]["stream"].as_str().expect("a stream"));
    if let Some(id) = last_id {
        request = request.header("last-event-id", id);
    }
    let response = request.send().await.expect("sent");
    assert!(response.headers()["content-type"].to_str().expect("text").starts_with("text/event-stream"));
    response.text().await.expect("the whole stream")
}

#[tokio::test]
async fn a_stream_sends_tokens_during_the_run_and_again_after_it() {
    let api = api();
    let (_, created) =
        api.post(LLAMA, json!({"input": {"prompt": "the sea", "max_tokens": 12, "seed": 5}})).await;
    let live = text(&api, &created, None).await;
    assert!(live.starts_with(": hi\n\n"));
    let events = parse(&live);
    let words: Vec<_> =
        events.iter().filter(|event| event.0 == "output").map(|event| event.2.clone()).collect();
    let done = api.finished(&created).await;
    assert_eq!(json!(words), done["output"]);
    assert_eq!(events.last(), Some(&("done".to_owned(), None, "{}".to_owned())));
    assert!(events.iter().any(|event| event.0 == "logs"));
    assert_eq!(text(&api, &created, None).await, live, "the same events after the end");
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_id() {
    let api = api();
    let created = api.run("stream", json!({"chunks": ["a", "b\nc", "", "d"]})).await;
    let all = parse(&text(&api, &created, None).await);
    assert_eq!(all.iter().map(|event| event.2.as_str()).collect::<Vec<_>>(), ["a", "b\nc", "", "d", "{}"]);
    let second = all[1].1.as_deref();
    assert_eq!(parse(&text(&api, &created, second).await), all[2..]);
    assert_eq!(
        parse(&text(&api, &created, Some("1:1")).await),
        all,
        "an unknown id starts from the beginning"
    );
}

#[tokio::test]
async fn the_last_event_says_how_the_prediction_ended() {
    let api = api();
    let failed = api.run("fails", json!({"message": "no memory"})).await;
    let events = parse(&text(&api, &failed, None).await);
    let end: Vec<_> =
        events[events.len() - 2..].iter().map(|event| (event.0.as_str(), event.2.as_str())).collect();
    assert_eq!(end, [("error", r#"{"detail":"no memory"}"#), ("done", r#"{"reason": "error"}"#)]);

    let endless = api.run("endless", json!({})).await;
    api.until(&endless, &["processing"]).await;
    api.post(endless["urls"]["cancel"].as_str().expect("a URL"), Value::Null).await;
    let events = parse(&text(&api, &endless, None).await);
    assert_eq!(events.last().map(|event| event.2.as_str()), Some(r#"{"reason": "canceled"}"#));
}

#[tokio::test]
async fn an_idle_stream_is_closed() {
    let api = with(Config { stream_idle: seconds(0.05), ..Config::default() });
    let created = api.run("echo", json!({"delay": 5})).await;
    let text = text(&api, &created, None).await;
    assert_eq!(text, ": hi\n\n:408: 408 Request Timeout\n\n");
}

#[tokio::test]
async fn a_client_that_disconnects_closes_its_stream() {
    let api = api();
    let created = api.run("endless", json!({})).await;
    let request = api.request("GET", created["urls"]["stream"].as_str().expect("a stream"));
    let mut body = request.send().await.expect("sent").bytes_stream();
    body.next().await.expect("a piece").expect("bytes");
    assert_eq!(api.state().await["active_streams"], 1);
    drop(body);
    eventually(async || api.state().await["active_streams"] == 0, "the stream is still counted as open")
        .await;
}

#[tokio::test]
async fn a_model_may_have_no_stream() {
    let api = api();
    let (_, model) = api.get("/models/fofr/audio-to-waveform").await;
    assert!(model["default_example"]["urls"].get("stream").is_none());
    assert!(model["default_example"]["urls"].get("get").is_some());
    assert_eq!(api.get("/streams/nonsense").await.0, 404);
}
