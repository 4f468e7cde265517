//! The checkpoint of a batch.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use replicant::{
    BoxStream, Client, ErrorKind, OnAbandon, Options, background,
    bindings::CheckpointFolder,
    json,
    map::{Map, OnError, Row, Stopped},
    operation,
};
use replicant_emulator::Definition;
use serde_json::Value as Json;
use support::{
    CREATED, DONE,
    batches::{all, eventually, gated, keyed, lines, numbers, predictions, run_until, start},
    play, settled, temporary_folder,
};

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
        .add_faults(r#"{"match": {"method": "POST"}, "times": 1, "action": {"status": 422, "json": {"detail": "too long"}}}"#)
        .unwrap();
    let items = all(client.map("acme/picky", rows()).checkpoint(&path).concurrency(1)).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("rejected", 0));
    assert_eq!(items[0].error.as_ref().unwrap().kind(), ErrorKind::Unprocessable);
    assert_eq!(items[1].status.as_str(), "failed");
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
async fn a_response_that_is_another_prediction_is_not_the_result_of_a_row() {
    let other = r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p2", "status": "succeeded", "output": "x"}}}"#;
    let (_emulator, script, client) = play(&format!("[{CREATED}, {other}]"), Options::default());
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || {
        let rows = stream::iter([Row::new(json!({"prompt": "a heron"})).key("a")]);
        client.map("acme/text", rows).checkpoint(&path).on_abandon(OnAbandon::Leave)
    };
    let mut left = map().interval(Duration::from_secs(3600));
    let created = || lines(&path).iter().any(|line| line["step"] == "created");
    run_until(&mut left, || path.exists() && created()).await;
    drop(left);
    let items = all(map()).await;
    assert_eq!(items[0].error.as_ref().unwrap().kind(), ErrorKind::InvalidResponse, "{items:?}");
    settled(&script).await;
}

#[tokio::test]
async fn a_row_that_ran_when_the_rows_panicked_runs_again() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let records = path.clone();
    let created = move || lines(&records).iter().any(|record| record["step"] == "created");
    let panics = stream::once(async move {
        eventually(created).await;
        panic!("the rows panic")
    });
    let rows = keyed(1).chain(panics);
    let error = client.map("acme/slow", rows).checkpoint(&path).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    background::drain(Duration::from_secs(20)).await;
    gate.add_permits(10);
    let items = all(client.map("acme/slow", keyed(1)).checkpoint(&path)).await;
    assert_eq!((items[0].status.as_str(), items[0].resumed), ("succeeded", false), "{items:?}");
    assert_eq!(predictions(&emulator).len(), 2);
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
        let created = || lines(&path).iter().filter(|line| line["step"] == "created").count();
        run_until(&mut left, || path.exists() && created() == 6).await;
        drop(left);
        background::drain(Duration::from_secs(20)).await;
        // A canceled run may still take a permit.
        gate.add_permits(expected);
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
async fn a_create_whose_response_was_lost_is_looked_for_with_the_headers_of_its_batch() {
    let (_other, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = || Row::new(json!({"value": 7})).key("row 7");
    killed(&path, &hash_of(&client, folder.path(), row()).await);
    let list = r#"[{"expect": {"path": "/v1/predictions", "headers": {"authorization": "Bearer r8_other"}}, "reply": {"json": {"results": []}}}]"#;
    let (_emulator, script, client) = play(list, Options::default());
    let map = client.map("emulator/echo", stream::iter([row()])).checkpoint(&path);
    let items = all(map.header("authorization", "Bearer r8_other")).await;
    assert_eq!(items[0].status.as_str(), "unknown");
    settled(&script).await;
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
    // Nor that of a row that has ended.
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = |key: &str| stream::iter([Row::new(json!({"value": 7})).key(key)]);
    all(client.map("emulator/echo", row("row 7")).checkpoint(&path)).await;
    emulator.reset();
    std::fs::remove_file(&path).unwrap();
    all(client.map("emulator/echo", row("row 7")).checkpoint(&path)).await;
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{}\n", intent.replace("row 7", "twin"))).unwrap();
    let items = all(client.map("emulator/echo", row("twin")).checkpoint(&path)).await;
    assert_eq!(items[0].status.as_str(), "unknown", "{items:?}");
    assert_eq!(predictions(&emulator).len(), 1);
}

#[tokio::test]
async fn a_create_whose_response_was_lost_is_not_taken_for_that_of_another_version() {
    let (other, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let hash = hash_of(&client, folder.path(), Row::new(json!({"value": 7})).key("row 7")).await;
    let now = &predictions(&other)[0]["created_at"];
    let wanted = "5c7d".repeat(16);
    for (version, expected) in [(wanted.clone(), "succeeded"), ("9f00".repeat(16), "unknown")] {
        killed(&path, &hash);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("emulator/echo", &wanted)).unwrap();
        let prediction = json!({"id": "p1", "status": "succeeded", "version": version, "input": {"value": 7},
            "output": 7, "created_at": now});
        let exchanges = json!([
            {"expect": {"path": "/v1/predictions"}, "reply": {"json": {"results": [prediction]}}},
            {"expect": {"path": "/v1/predictions/p1"}, "reply": {"json": prediction}, "times": "any"},
        ]);
        let (_emulator, _script, client) = play(&exchanges.to_string(), Options::default());
        let row = stream::iter([Row::new(json!({"value": 7})).key("row 7")]);
        let items = all(client.map(&wanted, row).checkpoint(&path)).await;
        assert_eq!(items[0].status.as_str(), expected, "{items:?}");
    }
}

#[tokio::test]
async fn a_prediction_that_was_canceled_before_its_id_was_known_runs_again() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = || Row::new(json!({"value": 7})).key("row 7");
    killed(&path, &hash_of(&client, folder.path(), row()).await);
    emulator.reset();
    let created = client.predictions().create("acme/slow", json!({"value": 7})).await.unwrap();
    client.predictions().cancel(&created.id).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap().replace("emulator/echo", "acme/slow");
    let (complete, _) = text.rsplit_once('\n').unwrap();
    std::fs::write(&path, format!("{complete}\n{}\n", json!({"step": "cancel", "key": "row 7"}))).unwrap();
    gate.add_permits(2);
    let items = all(client.map("acme/slow", stream::iter([row()])).checkpoint(&path)).await;
    assert_eq!(items[0].status.as_str(), "succeeded", "{items:?}");
}

#[tokio::test]
async fn predictions_that_run_again_count_towards_the_limit() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/slow", keyed(6)).checkpoint(&path).concurrency(6);
    let mut left = map();
    let created = || lines(&path).iter().filter(|line| line["step"] == "created").count();
    run_until(&mut left, || path.exists() && created() == 6).await;
    drop(left);
    background::drain(Duration::from_secs(20)).await;
    gate.add_permits(12);
    let items = all(map().max_predictions(2)).await;
    assert_eq!((items.len(), predictions(&emulator).len()), (2, 8), "{items:?}");
}

#[tokio::test]
async fn failures_of_an_earlier_batch_do_not_end_the_next_one() {
    let (_emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let rows = || stream::iter((0..60).map(|number: i64| Row::new(json!({})).key(number)));
    let map = || client.map("emulator/fails", rows()).checkpoint(&path);
    assert_eq!(all(map()).await.len(), 60);
    let items = all(map().max_error_rate(0.5)).await;
    assert!(items.len() == 60 && items.iter().all(|item| item.resumed && item.error.is_some()));
}

#[tokio::test]
async fn an_output_that_came_with_a_held_create_is_confirmed_at_once() {
    let created = r#"{"expect": {"method": "POST", "headers": {"prefer": "wait=5"}},
        "reply": {"status": 201, "json": {"id": "p1", "status": "processing", "output": "x"}}}"#;
    let (_emulator, script, client) = play(&format!("[{created}, {DONE}]"), Options::default());
    let folder = temporary_folder();
    let map = client.map("acme/text", numbers(1)).checkpoint(folder.path().join("batch.jsonl")).wait(5);
    let items = all(map.interval(Duration::from_secs(3600)));
    let items = tokio::time::timeout(Duration::from_secs(60), items).await.unwrap();
    assert_eq!(items[0].status.as_str(), "succeeded", "{items:?}");
    settled(&script).await;
}

#[tokio::test]
async fn a_checkpoint_of_another_batch_is_refused() {
    let (_emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    all(client.map("emulator/echo", numbers(3)).checkpoint(&path)).await;
    let error = async |mut map: Map| {
        let error = map.by_ref().try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(map.stats().stopped, None, "nobody stopped it");
        error
    };
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
    run_until(&mut first, || predictions(&emulator).len() == 2).await;
    let error = map().try_collect::<Vec<_>>().await.unwrap_err();
    assert!(error.message().contains("is in use by another batch"), "{error}");
    gate.add_permits(2);
    assert_eq!(first.count().await, 2);
    assert_eq!(all(map()).await.len(), 2);
}

#[tokio::test]
async fn a_key_with_another_input_is_an_error_of_its_row() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = |key: &str, text: &str| Row::new(json!({"value": text})).key(key);
    let map =
        |rows: Vec<Row>| client.map("emulator/echo", stream::iter(rows)).checkpoint(&path).ordered(true);
    let signed = "https://bucket.example/a.png?X-Amz-Signature=";
    all(map(vec![row("a", "old"), row("b", "old"), row("c", &format!("{signed}1"))])).await;
    let items = all(map(vec![row("a", "new"), row("b", "old"), row("c", &format!("{signed}2"))])).await;
    let error = items[0].error.as_ref().unwrap();
    assert_eq!(
        (error.argument(), &items[0].key, items[0].output.is_none()),
        (Some("key"), &"a".into(), true)
    );
    assert!(error.message().contains("had another input"), "{error}");
    assert!(items[1].resumed && items[1].error.is_none(), "{:?}", items[1]);
    assert!(items[2].resumed && items[2].error.is_none(), "a signature that expires: {:?}", items[2]);
    assert_eq!(predictions(&emulator).len(), 3);
    // The output is kept for the input that it has.
    assert!(all(map(vec![row("a", "old")])).await[0].resumed);
}

#[tokio::test]
async fn a_row_without_a_prediction_may_have_another_input() {
    let (emulator, client) = start();
    let picky = async |input: Json, _| {
        if input["value"] == "bad" { Err("broken".to_owned()) } else { Ok(input["value"].clone()) }
    };
    emulator.model(Definition::new("acme/picky"), picky).unwrap();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = |text: &str| {
        let rows = stream::iter([Row::new(json!({"value": text})).key("a")]);
        client.map("acme/picky", rows).checkpoint(&path)
    };
    assert!(all(map("bad")).await[0].error.is_some());
    let items = all(map("good").retries(1)).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 2));
}

#[tokio::test]
async fn an_output_that_expired_before_the_batch_continued_is_an_error() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/slow", keyed(1)).checkpoint(&path).on_abandon(OnAbandon::Leave);
    let mut left = map();
    run_until(&mut left, || path.exists() && lines(&path).iter().any(|line| line["step"] == "created")).await;
    drop(left);
    gate.add_permits(2);
    eventually(|| predictions(&emulator)[0]["status"] == "succeeded").await;
    emulator.advance(Duration::from_secs(2 * 3600));
    for resumed in [false, true] {
        let items = all(map()).await;
        assert_eq!((items[0].status.as_str(), items[0].resumed), ("succeeded", resumed));
        let error = items[0].error.as_ref().expect("not an output of null");
        assert_eq!(error.kind(), ErrorKind::OutputExpired, "{error}");
    }
    assert_eq!(predictions(&emulator).len(), 1);
    let items = all(map().retries(1)).await;
    assert_eq!((items[0].attempts, items[0].output.is_some()), (2, true), "{items:?}");
}

#[tokio::test]
async fn a_folder_that_was_read_earlier_does_not_undo_what_another_process_did() {
    let (emulator, client) = start();
    let (folder, other) = (temporary_folder(), temporary_folder());
    let row = || Row::new(json!({"value": 1})).key(1);
    let input = hash_of(&client, other.path(), row()).await;
    let header = json!({"checkpoint": 1, "model": "emulator/echo", "sdk": "0.1.0"});
    let intent = json!({"step": "intent", "key": 1, "attempts": 1, "input": input, "time": 1});
    let released = json!({"step": "released", "key": 1});
    std::fs::write(folder.path().join("a.jsonl"), format!("{header}\n{intent}\n{released}\n")).unwrap();
    let early = CheckpointFolder::new(folder.path(), 0, false);
    early.prepare(&[2.into()]).unwrap();
    let run = |folder: &CheckpointFolder| {
        let path = folder.prepare(&[1.into()]).unwrap();
        client.map("emulator/echo", stream::iter([row()])).checkpoint(path)
    };
    assert!(!all(run(&CheckpointFolder::new(folder.path(), 0, false))).await[0].resumed);
    assert!(all(run(&early)).await[0].resumed);
    assert_eq!(predictions(&emulator).len(), 2, "one for the hash, and one for the row");
}

/// Begins a batch and drops it when a prediction was created.
async fn left(mut map: Map, path: &Path) {
    let earlier = if path.exists() { lines(path).len() } else { 0 };
    let created = || path.exists() && lines(path).iter().skip(earlier).any(|line| line["step"] == "created");
    tokio::select! {
        _ = map.next() => panic!("the row has ended"),
        () = eventually(created) => {}
    }
    drop(map);
    background::drain(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_prediction_that_its_deadline_ended_runs_again() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/slow", keyed(1)).checkpoint(&path).on_abandon(OnAbandon::Leave);
    // As a killed process leaves it behind.
    left(map().cancel_after(Duration::from_secs(60)), &path).await;
    emulator.advance(Duration::from_secs(120));
    eventually(|| predictions(&emulator)[0]["status"] == "canceled").await;
    gate.add_permits(2);
    let items = all(map()).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 2), "{items:?}");

    // One that the user canceled does not.
    std::fs::remove_file(&path).unwrap();
    emulator.reset();
    let gate = gated(&emulator, "acme/other");
    let map = || client.map("acme/other", keyed(1)).checkpoint(&path).on_abandon(OnAbandon::Leave);
    left(map().cancel_after(Duration::from_secs(600)), &path).await;
    client.predictions().cancel(predictions(&emulator)[0]["id"].as_str().unwrap()).await.unwrap();
    gate.add_permits(2);
    let items = all(map()).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("canceled", 1), "{items:?}");
}

#[tokio::test]
async fn a_row_whose_timeout_passed_runs_again() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/slow", keyed(1)).checkpoint(&path);
    let items = all(map().timeout(Duration::from_secs(3))).await;
    assert_eq!(items[0].error.as_ref().unwrap().kind(), ErrorKind::Deadline);
    background::drain(Duration::from_secs(20)).await;
    eventually(|| predictions(&emulator)[0]["status"] == "canceled").await;
    gate.add_permits(2);
    let items = all(map()).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 2), "{items:?}");
}

#[tokio::test]
async fn a_prediction_that_could_not_be_polled_is_awaited_by_the_next_batch() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/slow", keyed(1)).checkpoint(&path);
    emulator
        .add_faults(r#"{"match": {"operation": "predictions.get"}, "times": 2, "action": {"status": 403}}"#)
        .unwrap();
    // The first batch creates it, and the second one attaches to it.
    for _ in 0..2 {
        let items = all(map()).await;
        assert_eq!(items[0].error.as_ref().unwrap().status(), Some(403), "{items:?}");
        background::drain(Duration::from_secs(20)).await;
    }
    gate.add_permits(2);
    let items = all(map()).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 1), "{items:?}");
    assert_eq!(predictions(&emulator).len(), 1);
}

#[tokio::test]
async fn a_number_and_its_text_are_one_key() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = |key: replicant::Value| {
        let rows = stream::iter([Row::new(json!({"value": "a"})).key(key)]);
        client.map("emulator/echo", rows).checkpoint(&path)
    };
    all(map(1.into())).await;
    let items = all(map("1".into())).await;
    assert!(items[0].resumed && items[0].key == "1", "{items:?}");
    assert_eq!(predictions(&emulator).len(), 1);
    let checkpoints = CheckpointFolder::new(folder.path(), 0, false);
    let files = [1.into(), "1".into()].map(|key| checkpoints.prepare(&[key]).unwrap());
    assert_eq!(files[0], files[1]);
    assert!(!checkpoints.needs_create(&1.into()) && !checkpoints.needs_create(&"1".into()));
}

#[tokio::test]
async fn predictions_that_an_interruption_canceled_do_not_count_as_retries() {
    let (emulator, client) = start();
    // How many predictions have begun to end, the first of which fails. Until then, they do not end.
    let (ends, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (may_end, count) = (ends.clone(), ended.clone());
    let run = move |_, _| {
        let (may_end, count) = (may_end.load(SeqCst), count.clone());
        async move {
            if !may_end {
                std::future::pending::<()>().await;
            }
            if count.fetch_add(1, SeqCst) == 0 { Err("broken".to_owned()) } else { Ok(Json::from(1)) }
        }
    };
    emulator.model(Definition::new("acme/flaky"), run).unwrap();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/flaky", keyed(1)).checkpoint(&path);
    left(map(), &path).await;
    left(map(), &path).await;
    ends.store(true, SeqCst);
    let items = all(map().retries(1)).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 4), "{items:?}");

    // Nor do they in the checkpoint.
    std::fs::remove_file(&path).unwrap();
    ends.store(false, SeqCst);
    ended.store(0, SeqCst);
    left(map(), &path).await;
    ends.store(true, SeqCst);
    assert_eq!(all(map()).await[0].status.as_str(), "failed");
    let items = all(map().retries(1)).await;
    assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 3), "{items:?}");
}

#[tokio::test]
async fn a_create_without_a_response_does_not_keep_the_checkpoint_of_a_left_batch_in_use() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("emulator/echo", keyed(1)).checkpoint(&path);
    emulator
        .add_faults(
            r#"{"match": {"operation": "predictions.create"}, "times": 1, "action": {"delay_ms": 60000}}"#,
        )
        .unwrap();
    let mut first = map();
    let intent = || path.exists() && lines(&path).iter().any(|line| line["step"] == "intent");
    tokio::select! {
        _ = first.next() => panic!("the row has ended"),
        () = eventually(intent) => {}
    }
    drop(first);
    // It may be created yet.
    let items = all(map()).await;
    assert_eq!(items[0].status.as_str(), "unknown", "{items:?}");
}

#[tokio::test]
async fn a_create_that_the_api_rejects_after_its_batch_was_left_is_sent_again_by_the_next_one() {
    for status in [429, 422] {
        let (emulator, client) = start();
        let folder = temporary_folder();
        let path = folder.path().join("batch.jsonl");
        let map = || client.map("emulator/echo", keyed(1)).checkpoint(&path);
        let rule = json!({"match": {"operation": "predictions.create"}, "times": 1,
            "action": {"status": status, "delay_ms": 500}});
        emulator.add_faults(&rule.to_string()).unwrap();
        let intent = || path.exists() && lines(&path).iter().any(|line| line["step"] == "intent");
        let mut left = map();
        run_until(&mut left, intent).await;
        drop(left);
        let items = all(map()).await;
        assert_eq!((items[0].status.as_str(), items[0].attempts), ("succeeded", 1), "{status}: {items:?}");
    }
}

#[tokio::test]
async fn a_create_that_waits_for_a_connection_when_its_batch_is_left_is_sent_by_the_next_one() {
    let exchanges = format!(
        r#"[{{"expect": {{"path": "/v1/file"}}, "reply": {{"text": "0123456789", "stall_at": 5}}}}, {CREATED}, {DONE}]"#
    );
    let options = Options { max_connections: Some(1), ..Options::default() };
    let (_emulator, script, client) = play(&exchanges, options);
    let file = json!({"url": format!("{}/file", script.base_url())});
    let mut download = operation::open(&client, "output.read", file.into());
    download.next().await.unwrap().unwrap();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = || client.map("acme/text", keyed(1)).checkpoint(&path);
    let intent = || path.exists() && lines(&path).iter().any(|line| line["step"] == "intent");
    let mut left = map();
    run_until(&mut left, intent).await;
    drop(left);
    background::drain(Duration::from_secs(20)).await;
    drop(download);
    let items = all(map()).await;
    assert!(items[0].output.is_some(), "{items:?}");
    settled(&script).await;
}

#[tokio::test]
async fn results_of_the_checkpoint_are_returned_after_a_limit() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    for keyed in [true, false] {
        for ordered in [true, false] {
            let path = folder.path().join(format!("{keyed}-{ordered}.jsonl"));
            let rows = |numbers: &[usize]| {
                let row = |number: &usize| {
                    let row = Row::new(json!({"value": number}));
                    if keyed { row.key(format!("row {number}")) } else { row }
                };
                stream::iter(numbers.iter().map(row).collect::<Vec<_>>())
            };
            let map = |numbers: &[usize]| {
                client.map("emulator/echo", rows(numbers)).checkpoint(&path).ordered(ordered).concurrency(2)
            };
            let (first, second): (&[usize], &[usize]) = if keyed {
                (&[3, 5, 6], &[0, 1, 2, 3, 4, 5, 6, 7])
            } else {
                (&[0, 1, 2], &[0, 1, 2, 3, 4, 5])
            };
            all(map(first)).await;
            let before = predictions(&emulator).len();
            let mut again = map(second).max_predictions(1);
            let items: Vec<_> = again.by_ref().try_collect().await.unwrap();
            let resumed: Vec<_> =
                items.iter().filter(|item| item.resumed).map(|item| item.output.clone().unwrap()).collect();
            assert_eq!((items.len(), resumed.len()), (4, 3), "{items:?}");
            let stats = again.stats();
            assert_eq!((stats.rows, stats.resumed, stats.stopped), (4, 3, Some(Stopped::MaxPredictions)));
            assert_eq!(predictions(&emulator).len(), before + 1);
            for item in &items {
                assert_eq!(item.output.as_ref().unwrap().as_i64(), Some(second[item.index as usize] as i64));
            }
        }
    }
}

#[tokio::test]
async fn rows_without_results_are_not_read_without_end_after_a_limit() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let map = |rows: BoxStream<'static, Row>| client.map("emulator/echo", rows).checkpoint(&path);
    let row = |number: i64| Row::new(json!({"value": number})).key(number);
    all(map(Box::pin(stream::iter((0..3).map(row).collect::<Vec<_>>())))).await;
    // A queue that never ends, and delivers one of the earlier rows after others.
    let read = Arc::new(AtomicI64::new(0));
    let counter = read.clone();
    let queue = stream::repeat_with(move || {
        let number = counter.fetch_add(1, SeqCst);
        row(if number == 900 { 1 } else { 10 + number })
    });
    let items = all(map(Box::pin(queue)).max_predictions(2)).await;
    assert_eq!(items.iter().filter(|item| item.resumed).count(), 1, "{items:?}");
    assert_eq!((items.len(), predictions(&emulator).len()), (3, 5));
    assert!((1000..3000).contains(&read.load(SeqCst)), "{read:?}");
}

#[tokio::test]
async fn a_malformed_row_after_a_limit_is_left_out() {
    let (emulator, client) = start();
    let gate = gated(&emulator, "acme/slow");
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = |number: i64| Row::new(json!({"value": number})).key(number);
    let map = |rows: Vec<Row>| client.map("acme/slow", stream::iter(rows)).checkpoint(&path);
    gate.add_permits(1);
    all(map(vec![row(5)])).await;
    let mut file: replicant::Value = json!({}).into();
    file["value"] = replicant::File::path(folder.path().join("missing.png")).into();
    let rows =
        vec![row(1), row(2), row(3), Row::new(file).key(6), row(1), Row::new(json!("text")).key(7), row(5)];
    gate.add_permits(10);
    let items = all(map(rows).max_predictions(2).errors(OnError::Raise).ordered(true)).await;
    let keys: Vec<_> = items.iter().map(|item| item.index).collect();
    assert_eq!(keys, [0, 1, 6], "{items:?}");
    assert!(predictions(&emulator).iter().all(|prediction| prediction["status"] == "succeeded"));
}

#[tokio::test]
async fn a_failure_of_the_checkpoint_is_raised_after_what_runs_has_finished() {
    let (emulator, client) = start();
    let odd = async |input: Json, _| {
        if input["value"] == 2 { Err("broken".to_owned()) } else { Ok(input["value"].clone()) }
    };
    emulator.model(Definition::new("acme/picky"), odd).unwrap();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let row = |number: usize| Row::new(json!({"value": number})).key(number as i64);
    all(client.map("acme/picky", stream::iter([row(2)])).checkpoint(&path)).await;
    let rows = stream::iter((0..4).map(row).collect::<Vec<_>>());
    let map = client.map("acme/picky", rows).checkpoint(&path).errors(OnError::Raise);
    let results: Vec<_> = map.collect().await;
    let (last, others) = results.split_last().unwrap();
    assert!(last.as_ref().unwrap_err().message().contains("row 2: "), "{last:?}");
    assert!(others.len() >= 2 && others.iter().all(Result::is_ok), "{others:?}");
    assert!(predictions(&emulator).iter().all(|prediction| prediction["status"] != "canceled"));
}
