//! Handles: predictions that one process starts and any process follows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt;
use replicant::{
    Client, ErrorKind, HandleChange, HandleCursor, HandleDescription, HandleEvent, Options, Result, Status,
    json, operation,
};
use replicant_emulator::{Config, Emulator};
use support::{fast, play, quick, received, settled};

fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = Client::new(Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_secret".into()),
        poll_interval: Some(Duration::from_millis(50)),
        ..Options::default()
    });
    (emulator, client.unwrap())
}

/// Passes what a process stores through JSON.
fn stored<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// Reads the events, one from each stream: as processes do that all end after their first event.
async fn one_by_one(client: &Client, description: &HandleDescription) -> Vec<HandleEvent> {
    let (mut events, mut cursor) = (Vec::new(), HandleCursor::default());
    while let Some(event) =
        client.handle(stored(description)).events().since(cursor.clone()).try_next().await.unwrap()
    {
        assert_ne!(event.cursor, cursor, "each event moves the cursor: {event:?}");
        cursor = stored(&event.cursor);
        events.push(event);
    }
    events
}

type Outputs = Vec<(Option<usize>, String)>;

/// Returns the logs, the outputs and the statuses.
fn shown(events: &[HandleEvent]) -> (String, Outputs, Vec<String>) {
    let (mut logs, mut outputs, mut statuses) = (String::new(), Vec::new(), Vec::new());
    for event in events {
        match &event.change {
            HandleChange::Logs(text) => logs.push_str(text),
            HandleChange::Output { index, output } => outputs.push((*index, output.to_string())),
            HandleChange::Status(status) | HandleChange::End { status, .. } => {
                statuses.push(status.to_string());
            }
            _ => {}
        }
    }
    (logs, outputs, statuses)
}

#[tokio::test]
async fn readers_that_continue_after_each_event_see_the_same_as_one_reader() {
    let (_emulator, client) = start();
    let chunks: Vec<String> = (0..20).map(|n| format!("chunk {} ", n / 2)).collect();
    let inputs = [
        ("emulator/progress", json!({"steps": 10, "step_seconds": 0.1})),
        ("emulator/stream", json!({"chunks": chunks, "pause": 0.05})),
    ];
    for (model, input) in inputs {
        let handle = client.submit(model, input).await.unwrap();
        assert_eq!(handle.description().model.as_deref(), Some(model));
        let whole = handle.events().try_collect::<Vec<_>>();
        let (whole, single) = tokio::join!(whole, one_by_one(&client, handle.description()));
        let whole = whole.unwrap();
        let (logs, outputs, statuses) = shown(&single);
        assert_eq!((&logs, &outputs), (&shown(&whole).0, &shown(&whole).1));
        let last = single.iter().rev().find_map(|event| match event.change {
            HandleChange::Progress(progress) => Some(progress.current),
            _ => None,
        });
        assert_eq!(last, model.ends_with("progress").then_some(10));
        assert_eq!(statuses.last().unwrap(), "succeeded");
        let ended = handle.prediction().await.unwrap();
        assert_eq!(logs, ended.logs.unwrap_or_default());
        let output = handle.result().await.unwrap().into_value();
        match output.as_array() {
            Some(items) => {
                let items = items.iter().enumerate().map(|(n, item)| (Some(n), item.to_string()));
                assert_eq!(outputs, items.collect::<Vec<_>>());
            }
            None => assert_eq!(outputs, [(None, output.to_string())]),
        }
    }
}

#[tokio::test]
async fn a_submitted_prediction_outlives_its_handle_and_a_timeout() {
    let (emulator, client) = start();
    let handle = client.submit("emulator/endless", json!({})).await.unwrap();
    let description = stored(handle.description());
    let mut events = handle.events();
    assert!(matches!(events.try_next().await.unwrap().unwrap().change, HandleChange::Status(_)));
    drop((events, handle));
    let handle = client.handle(description);
    let error = handle.result().timeout(Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(error.message().contains("it continues to run"), "{error}");
    replicant::background::drain(Duration::from_secs(5)).await;
    assert_eq!(emulator.requests_json().matches("/cancel\"").count(), 0);
    assert!(!handle.prediction().await.unwrap().status.is_terminal());
    handle.cancel().await.unwrap();
    assert_eq!(handle.result().await.unwrap_err().kind(), ErrorKind::PredictionCanceled);
    let last = handle.events().try_collect::<Vec<_>>().await.unwrap().pop().unwrap();
    let HandleChange::End { status, prediction } = last.change else { panic!("{last:?}") };
    assert_eq!((status, prediction["id"].as_str()), (Status::Canceled, Some(handle.id())));
}

#[tokio::test]
async fn what_is_dropped_leaves_no_request_behind() {
    let stalled = r#"[{"expect": {"method": "GET"}, "reply": {"delay_ms": 60000, "json": {}}}]"#;
    for use_events in [true, false] {
        let (_emulator, script, client) = play(stalled, quick());
        let handle = client.handle("p1");
        let waiting = async {
            match use_events {
                true => drop(handle.events().try_next().await),
                false => drop(handle.result().into_future().await),
            }
        };
        let sent = async {
            while !received(&script) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = waiting => panic!("the response is stalled"),
            () = sent => {}
        }
        let started = Instant::now();
        while !script.report_json().contains("\"closed_by_client\":true") {
            assert!(started.elapsed() < Duration::from_secs(10), "{}", script.report_json());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        settled(&script).await;
    }
}

#[tokio::test]
async fn events_end_when_the_api_fails_for_five_minutes() {
    let exchanges = json!([
        {"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "processing"}}},
        {"expect": {"method": "GET"}, "reply": {"status": 503, "text": "down"}, "times": "any"},
    ]);
    let options = Options { max_retries: Some(0), ..fast(1000.0) };
    let (_emulator, script, client) = play(&exchanges.to_string(), options);
    let mut events = client.handle("p1").events().interval(Duration::from_secs(10));
    assert!(events.try_next().await.unwrap().is_some());
    let error = events.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerError);
    assert_eq!(error.prediction().unwrap()["id"], "p1");
    assert!(events.try_next().await.unwrap().is_none(), "a failed stream has ended");
    settled(&script).await;
}

#[tokio::test]
async fn an_old_state_after_a_new_one_changes_nothing() {
    let state = |status: &str, logs: &str, output: serde_json::Value| json!({"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": status, "logs": logs, "output": output}}});
    let exchanges = json!([
        state("processing", "one\ntwo\n", json!(["a", "b"])),
        state("starting", "", json!(null)),
        state("processing", "one\n", json!(["a"])),
        state("processing", "one\ntwo\nthree\n", json!(["a", "b", "c"])),
        state("succeeded", "one\ntwo\nthree\n", json!("abc!")),
    ]);
    let (_emulator, script, client) = play(&exchanges.to_string(), quick());
    let events: Vec<_> = client.handle("p1").events().try_collect().await.unwrap();
    let (logs, outputs, statuses) = shown(&events);
    assert_eq!(logs, "one\ntwo\nthree\n");
    let items = ["a", "b", "c"].into_iter().enumerate().map(|(n, item)| (Some(n), item.to_owned()));
    assert_eq!(outputs, items.chain([(None, "!".to_owned())]).collect::<Vec<_>>());
    assert_eq!(statuses, ["processing", "succeeded"]);
    settled(&script).await;
}

#[tokio::test]
async fn counts_beyond_63_bits_are_reported_once() {
    let logs = format!("1%|#| {}/{}", u64::MAX, u64::MAX);
    let state = json!({"json": {"id": "p1", "status": "failed", "logs": logs}});
    let exchanges = json!([{"expect": {"method": "GET"}, "reply": state, "times": "any"}]);
    let (_emulator, _script, client) = play(&exchanges.to_string(), quick());
    let events = one_by_one(&client, client.handle("p1").description()).await;
    let [_, HandleEvent { change: HandleChange::Progress(progress), .. }, _] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((progress.current, progress.total), (u64::MAX, u64::MAX));
    let cursor = json!(events[1].cursor);
    assert_eq!((cursor["current"].as_u64(), cursor["total"].as_u64()), (Some(u64::MAX), Some(u64::MAX)));
}

#[tokio::test]
async fn submit_and_events_reject_options_that_they_lack() {
    let (_emulator, client) = start();
    let params = json!({"ref": "acme/text", "input": {}, "interval": 3});
    let error = operation::call(&client, "submit", params.into(), None).await.unwrap_err();
    assert_eq!(error.argument(), Some("interval"), "{error}");
    let params = json!({"id": "p1", "timeout": 3});
    let error = operation::open(&client, "predictions.watch", params.into()).try_next().await.unwrap_err();
    assert_eq!(error.argument(), Some("timeout"), "{error}");
}

#[tokio::test]
async fn a_handle_shows_no_token() -> Result<()> {
    let (_emulator, client) = start();
    let handle = client.submit("emulator/echo", json!({"value": 1})).await?;
    let text = format!("{handle:?} {}", serde_json::to_string(handle.description()).unwrap());
    assert!(!text.contains("r8_secret"), "{text}");
    let error = client.handle("nope").result().await.unwrap_err();
    assert!(error.message().contains("no prediction \"nope\""), "{error}");
    Ok(())
}
