//! Errors that end a batch.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use replicant::{
    Client, ErrorKind, File, OnAbandon, Options, Value,
    hooks::{HeaderChanges, Hooks, RequestEvent, ResponseEvent},
    json,
    map::Stopped,
};
use replicant_emulator::Emulator;
use serde_json::Value as Json;
use support::{
    batches::{all, eventually, gated, lines, numbers, predictions, start},
    play, quick, settled, temporary_folder,
};

struct Failing;

impl Hooks for Failing {
    fn on_request(
        &self,
        request: RequestEvent,
    ) -> replicant::BoxFuture<'static, replicant::Result<HeaderChanges>> {
        let failure = replicant::Error::new(ErrorKind::Internal, "no tenant");
        let fails = request.body.is_some_and(|body| body.windows(3).any(|text| text == b"bad"));
        Box::pin(async move { if fails { Err(failure) } else { Ok(Vec::new()) } })
    }
}

#[tokio::test]
async fn an_error_of_a_hook_ends_the_batch_and_leaves_no_row_unknown() {
    let (emulator, client) = start();
    let failing = Client::new(Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_token".into()),
        hooks: Some(Arc::new(Failing)),
        ..Options::default()
    });
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let rows = || stream::iter(["good", "bad", "other"].map(|value| json!({"value": value})));
    let mut map = failing.unwrap().map("emulator/echo", rows()).concurrency(1).checkpoint(&path);
    assert!(map.next().await.unwrap().is_ok());
    let error = map.next().await.unwrap().unwrap_err();
    assert!(error.message().starts_with("no tenant") && !error.outcome_unknown(), "{error:?}");
    assert!(map.next().await.is_none());
    assert_eq!(predictions(&emulator).len(), 1);
    let items = all(client.map("emulator/echo", rows()).checkpoint(&path)).await;
    assert!(items.iter().all(|item| item.status.as_str() == "succeeded"), "{items:?}");
    assert_eq!(predictions(&emulator).len(), 3);
}

#[tokio::test]
async fn an_error_of_the_source_of_rows_ends_the_batch_with_its_cause() {
    let (_emulator, client) = start();
    let rows = [Ok(json!({"value": 1})), Err(std::io::Error::other("no such table"))];
    let mut map = client.try_map("emulator/echo", stream::iter(rows)).concurrency(1);
    let mut last = map.next().await.unwrap();
    if last.is_ok() {
        last = map.next().await.unwrap();
    }
    let error = last.unwrap_err();
    assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("rows")));
    assert_eq!(error.message(), "`rows`: no such table");
    assert!(std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().is_some());
    assert!(map.next().await.is_none());

    let own = replicant::Error::new(ErrorKind::NotFound, "no such table");
    let mut map = client.try_map("emulator/echo", stream::iter([Err::<Value, _>(own)]));
    assert_eq!(map.next().await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    replicant::background::drain(std::time::Duration::from_secs(20)).await;
}

#[tokio::test]
async fn an_error_of_a_hook_in_a_shared_poll_ends_the_batch() {
    let (emulator, _) = start();
    gated(&emulator, "acme/slow");
    let failing = Client::new(Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_token".into()),
        hooks: Some(Arc::new(RefusesLists)),
        ..Options::default()
    });
    let mut map = failing.unwrap().map("acme/slow", numbers(100)).concurrency(100);
    assert!(map.next().await.unwrap().unwrap_err().message().starts_with("no lists"));
    assert!(map.next().await.is_none());
}

/// Refuses the responses of lists, by which many predictions are polled.
struct RefusesLists;

impl Hooks for RefusesLists {
    fn on_response(&self, response: ResponseEvent) -> replicant::BoxFuture<'static, replicant::Result<()>> {
        let failure = replicant::Error::new(ErrorKind::Internal, "no lists");
        let is_list = response.method == "GET" && response.url.contains("/predictions?");
        Box::pin(async move { if is_list { Err(failure) } else { Ok(()) } })
    }
}

/// Refuses the responses to requests of one method, or whose path ends so.
struct Refuses(&'static str);

impl Hooks for Refuses {
    fn on_response(&self, response: ResponseEvent) -> replicant::BoxFuture<'static, replicant::Result<()>> {
        let refused = response.method == self.0 || response.url.ends_with(self.0);
        let failure = replicant::Error::new(ErrorKind::Internal, "no room");
        Box::pin(async move { if refused { Err(failure) } else { Ok(()) } })
    }
}

fn refusing(emulator: &Emulator, refused: &'static str) -> Client {
    let options = Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_token".into()),
        hooks: Some(Arc::new(Refuses(refused))),
        ..Options::default()
    };
    Client::new(options).unwrap()
}

#[tokio::test]
async fn rows_that_an_error_of_a_hook_cancels_run_again() {
    for method in ["GET", "POST"] {
        let (emulator, client) = start();
        let gate = gated(&emulator, "acme/slow");
        let folder = temporary_folder();
        let path = folder.path().join("batch.jsonl");
        let mut map = refusing(&emulator, method).map("acme/slow", numbers(3)).checkpoint(&path);
        assert!(map.next().await.unwrap().unwrap_err().message().starts_with("no room"));
        drop(map);
        let is_canceled = |prediction: &Json| prediction["status"] == "canceled";
        eventually(|| !predictions(&emulator).is_empty() && predictions(&emulator).iter().all(is_canceled))
            .await;
        gate.add_permits(100);
        let items = all(client.map("acme/slow", numbers(3)).checkpoint(&path)).await;
        assert_eq!(items.len(), 3);
        assert!(items.iter().all(|item| item.status.as_str() == "succeeded"), "{method}: {items:?}");
    }
}

#[tokio::test]
async fn without_a_checkpoint_a_prediction_that_cannot_be_polled_is_canceled() {
    let (emulator, client) = start();
    let _gate = gated(&emulator, "acme/slow");
    emulator
        .add_faults(r#"{"match": {"operation": "predictions.get"}, "times": 1, "action": {"status": 403}}"#)
        .unwrap();
    let items = all(client.map("acme/slow", numbers(1))).await;
    assert_eq!(items[0].error.as_ref().unwrap().status(), Some(403), "{items:?}");
    eventually(|| predictions(&emulator)[0]["status"] == "canceled").await;
}

#[tokio::test]
async fn a_row_that_is_left_after_an_error_of_a_hook_is_not_created_again() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let rows = || numbers(1);
    let mut map = refusing(&emulator, "POST")
        .map("emulator/echo", rows())
        .checkpoint(&path)
        .on_abandon(OnAbandon::Leave);
    assert!(map.next().await.unwrap().is_err());
    drop(map);
    let items = all(client.map("emulator/echo", rows()).checkpoint(&path)).await;
    assert_eq!(items[0].status.as_str(), "succeeded", "{items:?}");
    assert_eq!(predictions(&emulator).len(), 1);
}

#[tokio::test]
async fn a_run_whose_create_a_hook_refuses_cancels_its_prediction() {
    let (emulator, _) = start();
    gated(&emulator, "acme/slow");
    let error = refusing(&emulator, "POST").run("acme/slow", json!({"n": 1})).await.unwrap_err();
    assert!(error.message().starts_with("no room"), "{error}");
    let id = error.prediction().unwrap()["id"].clone();
    eventually(|| {
        predictions(&emulator)
            .iter()
            .any(|one| one["id"] == id.as_str().unwrap() && one["status"] == "canceled")
    })
    .await;
}

#[tokio::test]
async fn a_refused_token_ends_the_batch_at_the_first_row() {
    for (status, kind) in [
        (401, ErrorKind::Authentication),
        (402, ErrorKind::PaymentRequired),
        (403, ErrorKind::PermissionDenied),
    ] {
        let exchanges = format!(
            r#"[{{"expect": {{"method": "POST"}}, "reply": {{"status": 201, "json": {{"id": "p1", "status": "succeeded", "output": "x"}}}}}},
                {{"expect": {{"method": "POST"}}, "reply": {{"status": {status}, "json": {{"detail": "no"}}}}}}]"#
        );
        let (_emulator, script, client) = play(&exchanges, quick());
        let mut map = client.map("acme/text", numbers(1000)).concurrency(1);
        assert!(map.next().await.unwrap().unwrap().error.is_none());
        assert_eq!(map.next().await.unwrap().unwrap_err().kind(), kind);
        assert!(map.next().await.is_none());
        let stats = map.stats();
        assert_eq!((stats.rows, stats.succeeded, stats.stopped), (1, 1, Some(Stopped::Refused)));
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_403_of_a_proxy_ends_only_its_row() {
    let exchanges = r#"[
        {"expect": {"method": "POST"}, "reply": {"status": 403, "text": "<html>blocked</html>"}},
        {"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded", "output": "x"}}}]"#;
    let (_emulator, script, client) = play(exchanges, quick());
    let items = all(client.map("acme/text", numbers(2)).concurrency(1)).await;
    assert_eq!(items[0].error.as_ref().map(|error| error.kind()), Some(ErrorKind::PermissionDenied));
    assert!(items[1].output.is_some());
    settled(&script).await;
}

#[tokio::test]
async fn a_refusal_returns_what_runs() {
    let exchanges = r#"[
        {"unordered": true, "expect": {"method": "POST", "json": {"input": {"value": 0}}}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting"}}},
        {"unordered": true, "expect": {"method": "POST", "json": {"input": {"value": 1}}}, "reply": {"status": 402, "json": {"detail": "no credit"}}},
        {"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "succeeded", "output": "x"}}}]"#;
    let (_emulator, script, client) = play(exchanges, quick());
    let mut map = client.map("acme/text", numbers(1000)).concurrency(2);
    let item = map.next().await.unwrap().unwrap();
    assert_eq!((item.index, item.status.as_str()), (0, "succeeded"));
    assert_eq!(map.next().await.unwrap().unwrap_err().kind(), ErrorKind::PaymentRequired);
    settled(&script).await;
}

#[tokio::test]
async fn an_error_of_a_hook_during_an_upload_leaves_a_checkpoint_that_can_be_continued() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let rows = || {
        let mut with_file: Value = json!({}).into();
        with_file["value"] = File::bytes(&b"content"[..]).filename("a.txt").into();
        stream::iter([json!({"value": 0}).into(), with_file])
    };
    let map = |client: &Client| client.map("emulator/echo", rows()).concurrency(1).checkpoint(&path);
    let mut failing = map(&refusing(&emulator, "/files"));
    assert!(failing.next().await.unwrap().is_ok());
    assert!(failing.next().await.unwrap().unwrap_err().message().starts_with("no room"));
    drop(failing);
    assert!(lines(&path).iter().all(|line| line["step"] != "cancel"), "{:?}", lines(&path));
    // As an earlier version left it behind.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"step\":\"cancel\",\"key\":1}\n");
    std::fs::write(&path, text).unwrap();
    let items = all(map(&client).ordered(true)).await;
    assert!(items.iter().all(|item| item.output.is_some()), "{items:?}");
    assert!(items[0].resumed && !items[1].resumed);
    assert_eq!(predictions(&emulator).len(), 2);
}
