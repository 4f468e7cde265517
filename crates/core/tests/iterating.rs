//! Items of an output that grows while it is looked at.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::TryStreamExt;
use proptest::prelude::*;
use replicant::{
    BoxFuture, Client, ErrorKind, Item, Options, Result, json, operation,
    transport::{HttpRequest, HttpResponse, Transport},
};
use support::{play, quick, settled};

/// Shows more of an output at each look.
struct Growing {
    /// How many items are there at each look; all of them in the end.
    shown: Vec<usize>,
    all: usize,
    looks: AtomicUsize,
}

impl Transport for Growing {
    fn send(&self, _request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        let (status, count) = match self.shown.get(look) {
            Some(count) => ("processing", *count),
            None => ("succeeded", self.all),
        };
        let output: Vec<usize> = (0..count).collect();
        let body = json!({"id": "p1", "status": status, "output": output}).to_string();
        Box::pin(async move {
            Ok(HttpResponse { status: 200, headers: Vec::new(), body: Box::new(Bytes::from(body)) })
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_item_comes_once_however_it_is_looked_at(mut shown in prop::collection::vec(0usize..12, 0..8)) {
        shown.sort_unstable();
        let transport = Growing { shown, all: 12, looks: AtomicUsize::new(0) };
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

/// A create, and then these answers to the looks that follow.
fn looks(replies: &[serde_json::Value]) -> String {
    let created = json!({"status": 201, "json": {"id": "p1", "status": "processing"}});
    let mut exchanges = vec![
        json!({"expect": {"method": "POST", "path": "/v1/models/acme/up/predictions"}, "reply": created}),
    ];
    exchanges.extend(replies.iter().map(|reply| json!({"expect": {"method": "GET"}, "reply": reply})));
    json!(exchanges).to_string()
}

fn seen(status: &str, output: serde_json::Value) -> serde_json::Value {
    json!({"json": {"id": "p1", "status": status, "output": output}})
}

#[tokio::test]
async fn one_bad_look_does_not_end_a_polled_stream() {
    let exchanges = looks(&[
        seen("processing", json!(["a"])),
        json!({"text": "<html>", "headers": {"content-type": "text/html"}}),
        json!({"json": {"id": "another"}}),
        seen("succeeded", json!(["a", "b"])),
    ]);
    let (_emulator, script, client) = play(&exchanges, quick());
    let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    assert_eq!(text, ["a", "b"]);
    settled(&script).await;
}

#[tokio::test]
async fn a_polled_stream_that_ends_badly_says_what_came_and_cancels_nothing() {
    for (status, kind) in [
        ("failed", ErrorKind::PredictionFailed),
        ("canceled", ErrorKind::PredictionCanceled),
        ("aborted", ErrorKind::PredictionAborted),
    ] {
        let (_emulator, script, client) = play(&looks(&[seen(status, json!(["a", "b"]))]), quick());
        let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
        let error = events.text().try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!((error.kind(), error.partial()), (kind, Some(&"ab".into())));
        settled(&script).await;
    }
}

#[tokio::test]
async fn an_output_that_is_no_list_comes_when_it_is_complete() {
    let exchanges = looks(&[seen("processing", json!("He")), seen("succeeded", json!("Heron"))]);
    let (_emulator, script, client) = play(&exchanges, quick());
    let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    assert_eq!(text, ["Heron"]);
    settled(&script).await;
}

#[tokio::test]
async fn an_item_that_is_no_text_comes_as_json() {
    let exchanges = looks(&[seen("succeeded", json!([{"word": "\u{1b}é", "at": 1}]))]);
    let (_emulator, script, client) = play(&exchanges, quick());
    let events = client.stream("acme/up", json!({})).poll_output().await.unwrap();
    let text: Vec<String> = events.text().try_collect().await.unwrap();
    let item: serde_json::Value = serde_json::from_str(&text[0]).unwrap();
    assert_eq!(item, json!({"word": "\u{1b}é", "at": 1}));
    settled(&script).await;
}

#[tokio::test]
async fn items_that_are_files_are_given_as_files_unless_told_otherwise() {
    const URL: &str = "https://replicate.delivery/a.png";
    let look = json!({"expect": {}, "times": 2, "reply": seen("succeeded", json!([URL]))});
    let (_emulator, script, client) = play(&json!([look]).to_string(), quick());
    for as_file in [true, false] {
        let params = json!({"id": "p1", "use_file_output": as_file});
        let item = operation::open(&client, "predictions.output_iterator", params.into()).try_next().await;
        let Some(Item::Value(item)) = item.unwrap() else { panic!("an item") };
        assert_eq!((item.as_file_url().is_some(), item.to_string().as_str()), (as_file, URL));
    }
    settled(&script).await;
}

#[tokio::test]
async fn a_wait_tells_of_each_state_that_it_sees() {
    let states = ["starting", "processing", "succeeded"];
    let looks: Vec<_> = states
        .map(|status| json!({"expect": {"path": "/v1/predictions/p1"}, "reply": seen(status, json!(null))}))
        .into();
    let (_emulator, script, client) = play(&json!(looks).to_string(), quick());
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let wait = client.predictions().wait("p1");
    wait.observe(move |prediction| heard.lock().unwrap().push(prediction["status"].to_string()))
        .await
        .unwrap();
    assert_eq!(*told.lock().unwrap(), states);
    settled(&script).await;
}
