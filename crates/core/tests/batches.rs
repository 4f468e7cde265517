//! `map`: batches of rows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use replicant::{
    Client, ErrorKind, OnAbandon, Options, background, json,
    map::{Map, MapItem, OnError, Row, Stopped},
};
use replicant_emulator::{Config, Definition, Emulator};
use serde_json::Value as Json;
use support::{play, quick, settled, temporary_folder};

fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = client_of(&emulator);
    (emulator, client)
}

fn client_of(emulator: &Emulator) -> Client {
    let options =
        Options { base_url: Some(emulator.base_url()), token: Some("r8_token".into()), ..Options::default() };
    Client::new(options).unwrap()
}

/// Returns rows for `emulator/echo`, whose outputs are their numbers.
fn numbers(count: usize) -> impl futures_util::Stream<Item = Row> + Send + 'static {
    stream::iter((0..count).map(|number| Row::new(json!({"value": number}))))
}

/// Returns rows with keys.
fn keyed(count: usize) -> impl futures_util::Stream<Item = Row> + Send + 'static {
    stream::iter((0..count).map(|number| Row::new(json!({"value": number})).key(format!("row {number}"))))
}

async fn all(map: Map) -> Vec<MapItem> {
    map.try_collect().await.unwrap()
}

fn predictions(emulator: &Emulator) -> Vec<Json> {
    serde_json::from_str(&emulator.predictions_json()).unwrap()
}

fn lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Adds the model `acme/slow`, which ends when the returned number of predictions may end.
fn gated(emulator: &Emulator, name: &str) -> Arc<tokio::sync::Semaphore> {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let passes = gate.clone();
    let wait = move |input: Json, _| {
        let passes = passes.clone();
        async move {
            passes.acquire().await.map_err(|error| error.to_string())?.forget();
            Ok(input["value"].clone())
        }
    };
    emulator.model(Definition::new(name), wait).unwrap();
    gate
}

async fn eventually(condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the condition did not come true in ten seconds");
}

#[tokio::test]
async fn every_row_has_one_result() {
    let (emulator, client) = start();
    let mut items = all(client.map("emulator/echo", numbers(200)).concurrency(16)).await;
    items.sort_by_key(|item| item.index);
    assert_eq!(items.len(), 200);
    for (number, item) in items.iter().enumerate() {
        assert_eq!((item.index, item.key.as_i64()), (number as u64, Some(number as i64)));
        assert_eq!(item.output.as_ref().unwrap().as_i64(), Some(number as i64));
        assert_eq!((item.status.as_str(), item.attempts, item.resumed), ("succeeded", 1, false));
        assert!(item.error.is_none() && item.seconds.is_some() && item.prediction["id"].as_str().is_some());
    }
    assert_eq!(predictions(&emulator).len(), 200);
}

#[tokio::test]
async fn rows_are_read_as_they_are_needed() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let read = Arc::new(AtomicUsize::new(0));
    let counted = read.clone();
    let rows = numbers(1000).inspect(move |_| {
        counted.fetch_add(1, SeqCst);
    });
    let mut map = client.map("acme/slow", rows).concurrency(8);
    let first = tokio::time::timeout(Duration::from_millis(300), map.next()).await;
    assert!(first.is_err() && read.load(SeqCst) == 8, "{} were read", read.load(SeqCst));
    gate.add_permits(1000);
    map.next().await.unwrap().unwrap();
    // Results that are not read hold back more rows.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(read.load(SeqCst) <= 1 + 2 * 8, "{} were read", read.load(SeqCst));
    assert_eq!(map.count().await, 999);
}

#[tokio::test]
async fn results_are_ordered_on_request() {
    let (emulator, client) = start();
    let jumble = async |input: Json, _| {
        let number = input["value"].as_u64().unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(number * 7 % 50)).await;
        Ok(number.into())
    };
    emulator.model(Definition::new("acme/jumble"), jumble).unwrap();
    let items = all(client.map("acme/jumble", numbers(60)).concurrency(7).ordered(true)).await;
    let indexes: Vec<_> = items.iter().map(|item| item.index).collect();
    assert_eq!(indexes, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_early_row_that_takes_long_holds_back_a_bounded_number_of_results() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/first");
    let started = Arc::new(AtomicUsize::new(0));
    let (counted, first) = (started.clone(), gate.clone());
    let wait = move |input: Json, _| {
        let (counted, first) = (counted.clone(), first.clone());
        async move {
            counted.fetch_add(1, SeqCst);
            if input["value"] == 0 {
                first.acquire().await.map_err(|error| error.to_string())?.forget();
            }
            Ok(input["value"].clone())
        }
    };
    emulator.model(Definition::new("acme/first"), wait).unwrap();
    let mut map = client.map("acme/first", numbers(100)).concurrency(5).ordered(true);
    assert!(tokio::time::timeout(Duration::from_secs(1), map.next()).await.is_err());
    assert!(started.load(SeqCst) <= 20, "{} were started", started.load(SeqCst));
    gate.add_permits(1);
    assert_eq!(map.map(|item| item.unwrap().index).collect::<Vec<_>>().await, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failed_row_is_returned_raised_or_skipped() {
    let (emulator, client) = start();
    let odd = async |input: Json, _| {
        let number = input["value"].as_u64().unwrap_or_default();
        if number % 2 == 1 { Err(format!("{number} is odd")) } else { Ok(number.into()) }
    };
    emulator.model(Definition::new("acme/odd"), odd).unwrap();
    let mut map = client.map("acme/odd", numbers(10));
    let items: Vec<_> = map.by_ref().try_collect().await.unwrap();
    let failed: Vec<_> = items.iter().filter(|item| item.error.is_some()).collect();
    assert_eq!((failed.len(), failed[0].status.as_str()), (5, "failed"));
    assert_eq!(failed[0].error.as_ref().unwrap().kind(), ErrorKind::PredictionFailed);
    let stats = map.stats();
    assert_eq!((stats.rows, stats.succeeded, stats.failed, stats.stopped), (10, 5, 5, None));

    let mut map = client.map("acme/odd", numbers(10)).errors(OnError::Skip).ordered(true);
    let kept: Vec<_> = map.by_ref().map(|item| item.unwrap().index).collect().await;
    assert_eq!((kept, map.stats().failed), (vec![0, 2, 4, 6, 8], 5));

    let raised: replicant::Result<Vec<_>> =
        client.map("acme/odd", numbers(10)).errors(OnError::Raise).try_collect().await;
    let error = raised.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PredictionFailed);
    assert!(error.message().contains("is odd"), "{error}");
}

#[tokio::test]
async fn a_malformed_row_is_a_failed_row() {
    let (emulator, client) = start();
    let rows = stream::iter([
        Row::new(json!({"value": 1})).key("a"),
        Row::new(json!("text")).key("b"),
        Row::new(json!({"value": 3})).key(json!([1])),
    ]);
    let items = all(client.map("emulator/echo", rows).ordered(true)).await;
    let errors: Vec<_> =
        items.iter().map(|item| item.error.as_ref().map(|error| error.argument().unwrap())).collect();
    assert_eq!(errors, [None, Some("input"), Some("key")]);
    assert_eq!(items[1].status, "rejected");
    assert_eq!(predictions(&emulator).len(), 1);
}

#[tokio::test]
async fn too_many_failures_end_the_batch() {
    let (emulator, client) = start();
    let script = replicant_emulator::Scripted { fails: Some("broken".into()), ..Default::default() };
    emulator.script(Definition::new("acme/broken"), script).unwrap();
    let mut map = client.map("acme/broken", numbers(10_000)).concurrency(10).max_error_rate(0.5);
    let (mut items, mut error) = (0, None);
    while let Some(result) = map.next().await {
        match result {
            Ok(_) => items += 1,
            Err(end) => error = Some(end),
        }
    }
    assert!((50..=60).contains(&items), "{items} items");
    let error = error.unwrap();
    assert!(error.message().contains("`max_error_rate`") && error.message().contains("broken"), "{error}");
    assert_eq!(map.stats().stopped, Some(Stopped::ErrorRate));
}

#[tokio::test]
async fn failed_predictions_are_created_again_on_request_only() {
    let (emulator, client) = start();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let flaky = move |_, _| {
        let number = counted.fetch_add(1, SeqCst);
        async move { if number < 2 { Err("CUDA error".to_owned()) } else { Ok("done".into()) } }
    };
    emulator.model(Definition::new("acme/flaky"), flaky).unwrap();
    let items = all(client.map("acme/flaky", numbers(1))).await;
    assert_eq!((items[0].attempts, items[0].error.is_some(), tries.swap(0, SeqCst)), (1, true, 1));
    let mut map = client.map("acme/flaky", numbers(1)).retries(5);
    let item = map.next().await.unwrap().unwrap();
    assert_eq!((item.attempts, item.output.unwrap() == "done"), (3, true));
    assert_eq!(map.stats().predictions, 3);

    for message in ["NSFW content detected", "Input validation failed: E006"] {
        let script = replicant_emulator::Scripted { fails: Some(message.into()), ..Default::default() };
        emulator.script(Definition::new("acme/never"), script).unwrap();
        let items = all(client.map("acme/never", numbers(1)).retries(5)).await;
        assert_eq!(items[0].attempts, 1, "{message}");
    }
}

#[tokio::test]
async fn limits_stop_creating_and_finish_what_runs() {
    let (emulator, client) = start();
    let mut map = client.map("emulator/echo", numbers(1000)).concurrency(8).max_predictions(30);
    assert_eq!(map.by_ref().map(|item| assert!(item.unwrap().error.is_none())).count().await, 30);
    let stats = map.stats();
    assert_eq!((stats.rows, stats.predictions, stats.stopped), (30, 30, Some(Stopped::MaxPredictions)));
    assert_eq!(predictions(&emulator).len(), 30);

    // The limit is reached before the first create is sent.
    let mut map = client.map("emulator/echo", numbers(1000)).max_predictions(3);
    assert_eq!(map.by_ref().count().await, 3);
    assert_eq!((map.stats().rows, map.stats().predictions), (3, 3));

    let metered = stats.seconds / 30.0;
    let mut map = client.map("emulator/echo", numbers(100_000)).concurrency(4).max_seconds(metered * 20.0);
    let count = map.by_ref().count().await;
    assert!(count < 100_000 && map.stats().stopped == Some(Stopped::MaxSeconds), "{count} {:?}", map.stats());
}

#[tokio::test]
async fn a_stopped_batch_returns_what_runs() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let mut map = client.map("acme/slow", numbers(100)).concurrency(5);
    assert!(tokio::time::timeout(Duration::from_millis(200), map.next()).await.is_err());
    eventually(|| predictions(&emulator).len() == 5).await;
    map.stop();
    gate.add_permits(100);
    assert_eq!(map.by_ref().count().await, 5);
    assert_eq!(map.stats().stopped, Some(Stopped::Requested));
    assert_eq!(predictions(&emulator).len(), 5);
}

#[tokio::test]
async fn a_dropped_batch_cancels_what_runs() {
    let (emulator, client) = start();
    gated(&emulator, "acme/slow");
    let status = |emulator: &Emulator| {
        let predictions = predictions(emulator);
        predictions
            .iter()
            .map(|prediction| prediction["status"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut map = client.map("acme/slow", numbers(100)).concurrency(5);
    assert!(tokio::time::timeout(Duration::from_millis(200), map.next()).await.is_err());
    eventually(|| predictions(&emulator).len() == 5).await;
    drop(map);
    background::drain(Duration::from_secs(20)).await;
    assert_eq!(status(&emulator), ["canceled"; 5]);

    emulator.reset();
    let mut map = client.map("acme/slow", numbers(100)).concurrency(5).on_abandon(OnAbandon::Leave);
    assert!(tokio::time::timeout(Duration::from_millis(200), map.next()).await.is_err());
    eventually(|| predictions(&emulator).len() == 5).await;
    drop(map);
    background::drain(Duration::from_secs(20)).await;
    assert!(status(&emulator).iter().all(|status| status != "canceled"), "{:?}", status(&emulator));
}

#[tokio::test]
async fn rows_that_wait_for_the_rate_limit_are_not_sent_after_a_stop() {
    let limits = replicant_emulator::RateLimits {
        creates_per_minute: 60,
        creates_burst: Some(1),
        ..Default::default()
    };
    let emulator = Emulator::start(Config { rate_limits: Some(limits), ..Config::default() }).unwrap();
    let client = client_of(&emulator);
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let mut map = client.map("emulator/echo", numbers(100)).concurrency(50).checkpoint(&path);
    map.next().await.unwrap().unwrap();
    map.stop();
    let rest = tokio::time::timeout(Duration::from_secs(10), map.by_ref().count()).await.unwrap();
    assert!(rest <= 3, "{rest} more");
    let intents = lines(&path).iter().filter(|line| line["step"] == "intent").count();
    let released = lines(&path).iter().filter(|line| line["step"] == "released").count();
    assert_eq!(intents - released, predictions(&emulator).len());
}

#[tokio::test]
async fn a_finished_batch_is_read_from_its_checkpoint() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let first = all(client.map("emulator/echo", keyed(20)).checkpoint(&path).ordered(true)).await;
    assert!(first.iter().all(|item| !item.resumed));
    let mut map = client.map("emulator/echo", keyed(25)).checkpoint(&path).ordered(true);
    let again: Vec<_> = map.by_ref().try_collect().await.unwrap();
    assert_eq!(again.len(), 25);
    for (one, other) in first.iter().zip(&again) {
        assert_eq!((&one.key, &one.status), (&other.key, &other.status));
        assert_eq!(one.output.as_deref(), other.output.as_deref());
        assert_eq!(
            (&one.prediction, one.seconds, one.attempts),
            (&other.prediction, other.seconds, other.attempts)
        );
        assert!(other.resumed);
    }
    assert_eq!((map.stats().resumed, map.stats().predictions), (20, 5));
    assert_eq!(predictions(&emulator).len(), 25);
}

#[tokio::test]
async fn failed_rows_come_from_the_checkpoint_and_rejected_ones_run_again() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let rows = || {
        stream::iter([
            Row::new(json!({"value": 1})).key("good"),
            Row::new(json!({"message": "broken"})).key("fails"),
        ])
    };
    emulator
        .model(Definition::new("acme/picky"), async |input: Json, _| match input["message"].as_str() {
            Some(message) => Err(message.to_owned()),
            None => Ok(input["value"].clone()),
        })
        .unwrap();
    emulator
        .add_faults(r#"{"match": {"method": "POST"}, "times": 1, "action": {"status": 402, "json": {"detail": "no credit"}}}"#)
        .unwrap();
    let items = all(client.map("acme/picky", rows()).checkpoint(&path).concurrency(1)).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("rejected", 0));
    assert_eq!(items[0].error.as_ref().unwrap().kind(), ErrorKind::PaymentRequired);
    assert_eq!(items[1].status, "failed");
    let items = all(client.map("acme/picky", rows()).checkpoint(&path).concurrency(1)).await;
    assert_eq!((items[0].status.as_str(), items[0].resumed), ("succeeded", false));
    let failed = items[1].error.as_ref().unwrap();
    assert_eq!((items[1].resumed, failed.kind()), (true, ErrorKind::PredictionFailed));
    assert!(failed.message().contains("broken"), "{failed}");
    assert_eq!(predictions(&emulator).len(), 2);
    // More retries than before run the failed row again.
    let items = all(client.map("acme/picky", rows()).checkpoint(&path).concurrency(1).retries(1)).await;
    assert_eq!(items[1].attempts, 2);
}

#[tokio::test]
async fn the_predictions_of_a_left_batch_are_attached_or_created_again() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    for (on_abandon, expected) in [(OnAbandon::Leave, 6), (OnAbandon::Cancel, 12)] {
        let map =
            || client.map("acme/slow", keyed(6)).checkpoint(&path).concurrency(6).on_abandon(on_abandon);
        let mut left = map();
        assert!(tokio::time::timeout(Duration::from_millis(200), left.next()).await.is_err());
        eventually(|| lines(&path).iter().filter(|line| line["step"] == "created").count() == 6).await;
        drop(left);
        background::drain(Duration::from_secs(20)).await;
        gate.add_permits(6);
        let items = all(map()).await;
        assert_eq!(items.len(), 6);
        assert!(items.iter().all(|item| item.output.is_some()), "{items:?}");
        assert_eq!(predictions(&emulator).len(), expected, "{on_abandon:?}");
        emulator.reset();
        std::fs::remove_file(&path).unwrap();
    }
}

/// Writes a checkpoint as a killed process leaves it behind: a create was sent, and nothing else is known.
fn killed(path: &Path, input: &str) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let header = json!({"checkpoint": 1, "model": "emulator/echo", "sdk": "0.1.0"});
    let intent = json!({"step": "intent", "key": "row 7", "attempts": 1, "input": input, "time": now});
    std::fs::write(path, format!("{header}\n{intent}\n{{\"step\": \"crea")).unwrap();
}

/// Returns the hash of the input of a row, from the checkpoint of another batch.
async fn hash_of(client: &Client, folder: &Path, row: Row) -> String {
    let path = folder.join("hash.jsonl");
    all(client.map("emulator/echo", stream::iter([row])).checkpoint(&path)).await;
    lines(&path)[1]["input"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_create_whose_response_was_lost_is_found_by_its_input() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = || Row::new(json!({"value": 7})).key("row 7");
    let hash = hash_of(&client, folder.path(), row()).await;
    let found = predictions(&emulator)[0]["id"].clone();
    // Others do not match: by their model, or their input.
    client.run("emulator/echo", json!({"value": 8})).await.unwrap();
    client.run("emulator/stream", json!({"chunks": ["7"]})).await.unwrap();
    killed(&path, &hash);
    let items = all(client.map("emulator/echo", stream::iter([row()])).checkpoint(&path)).await;
    assert_eq!((items.len(), items[0].output.as_ref().unwrap().as_i64()), (1, Some(7)));
    assert_eq!(items[0].prediction["id"].as_str(), found.as_str());
    assert_eq!(predictions(&emulator).len(), 3);
}

#[tokio::test]
async fn a_create_whose_response_was_lost_and_that_is_not_found_is_unknown() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = || Row::new(json!({"value": 7})).key("row 7");
    let hash = hash_of(&client, folder.path(), row()).await;
    emulator.reset();
    killed(&path, &hash);
    let map = || client.map("emulator/echo", stream::iter([row()])).checkpoint(&path);
    let items = all(map()).await;
    assert_eq!((items[0].status.as_str(), predictions(&emulator).len()), ("unknown", 0));
    assert_eq!(items[0].error.as_ref().unwrap().kind(), ErrorKind::OutcomeUnknown);
    let items = all(map().retry_unknown(true)).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 2));
    assert_eq!(predictions(&emulator).len(), 1);
}

#[tokio::test]
async fn two_rows_with_one_input_are_not_given_the_same_prediction() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let hash = hash_of(&client, folder.path(), Row::new(json!({"value": 7})).key("row 7")).await;
    killed(&path, &hash);
    let text = std::fs::read_to_string(&path).unwrap();
    let intent = text.lines().nth(1).unwrap();
    let header = text.lines().next().unwrap();
    std::fs::write(&path, format!("{header}\n{intent}\n{}\n", intent.replace("row 7", "twin"))).unwrap();
    let rows = stream::iter(["row 7", "twin"].map(|key| Row::new(json!({"value": 7})).key(key)));
    let items = all(client.map("emulator/echo", rows).checkpoint(&path)).await;
    let mut statuses: Vec<_> = items.iter().map(|item| item.status.as_str()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["succeeded", "unknown"]);
    assert_eq!(predictions(&emulator).len(), 1);
}

#[tokio::test]
async fn a_checkpoint_of_another_batch_is_refused() {
    let (_emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    all(client.map("emulator/echo", numbers(3)).checkpoint(&path)).await;
    let error = async |map: Map| map.try_collect::<Vec<_>>().await.unwrap_err();
    let other = error(client.map("emulator/stream", numbers(3)).checkpoint(&path)).await;
    assert_eq!(other.argument(), Some("checkpoint"));
    assert!(other.message().contains("emulator/echo"), "{other}");
    let rows = stream::iter([Row::new(json!({"value": "other"}))]);
    let other = error(client.map("emulator/echo", rows).checkpoint(&path)).await;
    assert!(other.message().contains("row 0 had another input"), "{other}");
    for (name, content) in [
        ("rows.csv", "a,b\n1,2\n"),
        // Without a line break, as an incomplete header would be.
        ("notes.txt", "do not lose this"),
        ("new.jsonl", "{\"checkpoint\":2,\"model\":\"emulator/echo\",\"sdk\":\"9\"}\n"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let other = error(client.map("emulator/echo", numbers(3)).checkpoint(&path)).await;
        assert_eq!(other.argument(), Some("checkpoint"), "{other}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    let saved = error(client.map("emulator/echo", numbers(3)).checkpoint(&path).save_to(folder.path())).await;
    assert!(saved.message().contains("omit `save_to`"), "{saved}");
    // Every length of a header that a killed process can leave behind.
    let header = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    for length in (0..=header.len()).step_by(7) {
        std::fs::write(&path, &header[..length]).unwrap();
        assert_eq!(all(client.map("emulator/echo", numbers(1)).checkpoint(&path)).await.len(), 1);
    }
    let other = error(client.map("emulator/echo", numbers(3)).checkpoint(folder.path())).await;
    assert!(other.message().contains("is a folder or a device"), "{other}");
}

#[tokio::test]
async fn a_damaged_line_is_an_error_and_an_incomplete_last_line_is_not() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    all(client.map("emulator/echo", keyed(3)).checkpoint(&path).concurrency(1)).await;
    let whole = std::fs::read_to_string(&path).unwrap();
    // Every length that a killed process can leave behind.
    for length in whole.rfind("{\"step\":\"done\"").unwrap()..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let items = all(client.map("emulator/echo", keyed(3)).checkpoint(&path)).await;
        assert!(items.iter().all(|item| item.output.is_some()), "{length}");
        assert_eq!(predictions(&emulator).len(), 3, "{length}");
    }
    std::fs::write(&path, whole.replacen("{\"step\":\"created\"", "{\"step\":\"creatd\"", 1)).unwrap();
    let result = client.map("emulator/echo", keyed(3)).checkpoint(&path).try_collect::<Vec<_>>().await;
    let error = result.unwrap_err();
    assert!(error.message().contains("line 3 of"), "{error}");
}

#[tokio::test]
async fn a_checkpoint_serves_one_batch_at_a_time() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/slow", keyed(2)).checkpoint(&path);
    let mut first = map();
    assert!(tokio::time::timeout(Duration::from_millis(200), first.next()).await.is_err());
    let error = map().try_collect::<Vec<_>>().await.unwrap_err();
    assert!(error.message().contains("is in use by another batch"), "{error}");
    gate.add_permits(2);
    assert_eq!(first.count().await, 2);
    assert_eq!(all(map()).await.len(), 2);
}

#[tokio::test]
async fn a_key_that_two_rows_have_is_an_error_of_the_second() {
    let (_emulator, client) = start();
    let folder = temporary_folder();
    let rows = stream::iter([1, 2].map(|value| Row::new(json!({"value": value})).key("same")));
    let path = folder.path().join("batch.jsonl");
    let items = all(client.map("emulator/echo", rows).checkpoint(path).ordered(true)).await;
    assert!(items[0].output.is_some());
    assert_eq!(items[1].error.as_ref().unwrap().argument(), Some("key"));
}

#[tokio::test]
async fn files_are_saved_under_the_keys_of_their_rows() {
    let (emulator, client) = start();
    let paint = async |input: Json, run: replicant_emulator::ModelRun| {
        let count = input["count"].as_u64().unwrap_or(1);
        let save =
            |number: u64| Json::from(run.save(&format!("out-{number}.txt"), "text/plain", vec![b'x'; 3]));
        Ok(if count == 1 { save(0) } else { (0..count).map(save).collect() })
    };
    emulator.model(Definition::new("acme/painter"), paint).unwrap();
    let folder = temporary_folder();
    let (path, out) = (folder.path().join("batch.jsonl"), folder.path().join("out"));
    let rows = || {
        stream::iter([
            Row::new(json!({})).key("heron"),
            Row::new(json!({"count": 2})).key("two"),
            Row::new(json!({})).key("../evil"),
        ])
    };
    let map = || client.map("acme/painter", rows()).checkpoint(&path).save_to(&out).ordered(true);
    let first = all(map()).await;
    let paths: HashSet<PathBuf> =
        std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(paths.contains(&out.join("heron.txt")) && paths.contains(&out.join("two-1.txt")), "{paths:?}");
    assert_eq!(paths.len(), 4);
    assert_eq!(first[0].output.as_ref().unwrap().as_str(), out.join("heron.txt").to_str());
    for item in &first {
        let output = item.output.as_ref().unwrap().text();
        assert!(output.starts_with(out.to_str().unwrap()), "{output}");
    }
    emulator.reset();
    for (one, other) in first.iter().zip(all(map()).await) {
        assert_eq!(one.output.as_deref(), other.output.as_deref());
    }
}

#[tokio::test]
async fn files_that_cannot_be_saved_are_tried_again_by_a_resumed_batch() {
    let (emulator, client) = start();
    let paint =
        async |_, run: replicant_emulator::ModelRun| Ok(run.save("a.txt", "text/plain", vec![b'x']).into());
    emulator.model(Definition::new("acme/painter"), paint).unwrap();
    let folder = temporary_folder();
    let (path, out) = (folder.path().join("batch.jsonl"), folder.path().join("out"));
    let rows = || stream::iter([Row::new(json!({})).key("a")]);
    let map = || client.map("acme/painter", rows()).checkpoint(&path).save_to(&out);
    std::fs::create_dir_all(out.join("a.txt")).unwrap();
    let items = all(map()).await;
    assert_eq!((items[0].status.as_str(), items[0].error.is_some()), ("succeeded", true));
    std::fs::remove_dir(out.join("a.txt")).unwrap();
    let items = all(map()).await;
    assert!(items[0].output.is_some(), "{items:?}");
    assert_eq!(predictions(&emulator).len(), 1);
}

#[tokio::test]
async fn files_in_rows_are_uploaded() {
    let (_emulator, client) = start();
    let mut input: replicant::Value = json!({}).into();
    input["value"] = replicant::File::bytes(&b"content"[..]).filename("a.txt").into();
    let folder = temporary_folder();
    let rows = stream::iter([Row::new(input).key("a")]);
    let items = all(client.map("emulator/echo", rows).checkpoint(folder.path().join("c"))).await;
    assert!(items[0].output.as_ref().unwrap().files()[0].url().contains("/v1/files/"), "{items:?}");
    assert!(lines(&folder.path().join("c"))[1]["sent"].is_string());
}

#[tokio::test]
async fn a_lost_response_to_a_create_is_not_created_again() {
    let exchanges = r#"[{"expect": {"method": "POST"}, "reply": {"json": {}, "head_cut_at": 0}}]"#;
    let (_emulator, script, client) = play(exchanges, quick());
    let items = all(client.map("acme/text", stream::iter([json!({"prompt": "x"})]))).await;
    assert_eq!(items[0].status, "unknown", "{items:?}");
    assert!(items[0].error.as_ref().unwrap().outcome_unknown());
    settled(&script).await;
}

#[tokio::test]
async fn options_are_checked_before_a_row_is_read() {
    let (_emulator, client) = start();
    let map = || {
        client.map("emulator/echo", stream::poll_fn(|_| -> std::task::Poll<Option<Row>> { panic!("read") }))
    };
    for (map, argument) in [
        (map().concurrency(0), "concurrency"),
        (map().concurrency(20_000), "concurrency"),
        (map().max_error_rate(2.0), "max_error_rate"),
        (map().max_seconds(f64::NAN), "max_seconds"),
        (map().max_predictions(0), "max_predictions"),
    ] {
        let error = map.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.argument(), Some(argument), "{error}");
    }
    let error = client.map("no model", numbers(1)).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_example_runs() {
    let program = std::env::current_exe().unwrap();
    let program = program.parent().unwrap().with_file_name("examples").join("batch");
    let program = program.with_extension(std::env::consts::EXE_EXTENSION);
    let done = std::process::Command::new(program).output().unwrap();
    let output = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(output.contains("interrupted after 3 rows") && output.contains("8 pictures"), "{output}");
}
