//! `map`: batches of rows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use replicant::{
    ErrorKind, OnAbandon, background, json,
    map::{OnError, Row, Stopped},
};
use replicant_emulator::{Config, Definition, Emulator};
use serde_json::Value as Json;
use support::{
    batches::{all, client_of, gated, lines, numbers, predictions, run_until, start},
    play, quick, settled, temporary_folder,
};

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
    run_until(&mut map, || read.load(SeqCst) >= 8).await;
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
async fn finished_rows_behind_a_slow_one_come_before_the_error_that_ends_the_batch() {
    let (emulator, client) = start();
    let model = async |input: Json, _| match input["value"].as_u64() {
        Some(0) => std::future::pending().await,
        Some(4) => Err("broken".to_owned()),
        _ => Ok(input["value"].clone()),
    };
    emulator.model(Definition::new("acme/uneven"), model).unwrap();
    // The row that fails is read last.
    let (read, begins) = tokio::sync::oneshot::channel::<()>();
    let rows = numbers(4).chain(stream::once(begins).flat_map(|_| numbers(5).skip(4)));
    let mut map = client.map("acme/uneven", rows).concurrency(5).ordered(true).errors(OnError::Raise);
    let finished = async {
        while map.stats().succeeded < 3 {
            let next = tokio::time::timeout(Duration::from_millis(20), map.next()).await;
            assert!(next.is_err(), "{next:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), finished).await.unwrap();
    read.send(()).unwrap();
    let results: Vec<_> = map.collect().await;
    let indexes: Vec<_> = results.iter().flatten().map(|item| item.index).collect();
    assert_eq!((indexes, results.len()), (vec![1, 2, 3], 4));
    assert!(results[3].as_ref().unwrap_err().message().contains("row 4"), "{results:?}");
    background::drain(Duration::from_secs(20)).await;
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
    assert_eq!(items[1].status.as_str(), "rejected");
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
    run_until(&mut map, || predictions(&emulator).len() == 5).await;
    map.stop();
    gate.add_permits(100);
    assert_eq!(map.by_ref().count().await, 5);
    assert_eq!(map.stats().stopped, Some(Stopped::Requested));
    assert_eq!(predictions(&emulator).len(), 5);
}

#[tokio::test]
async fn a_batch_that_is_stopped_before_its_first_poll_creates_nothing() {
    let (emulator, client) = start();
    let mut map = client.map("emulator/echo", numbers(3));
    map.stop();
    assert_eq!(map.by_ref().count().await, 0);
    assert_eq!((map.stats().rows, map.stats().stopped), (0, Some(Stopped::Requested)));
    assert!(predictions(&emulator).is_empty());
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
    run_until(&mut map, || predictions(&emulator).len() == 5).await;
    drop(map);
    background::drain(Duration::from_secs(20)).await;
    assert_eq!(status(&emulator), ["canceled"; 5]);

    emulator.reset();
    let mut map = client.map("acme/slow", numbers(100)).concurrency(5).on_abandon(OnAbandon::Leave);
    run_until(&mut map, || predictions(&emulator).len() == 5).await;
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
async fn a_key_that_two_rows_have_is_an_error_of_the_second() {
    let (emulator, client) = start();
    let row = |value: u32| Row::new(json!({"value": value}));
    let rows = [row(1).key("same"), row(2).key("same"), row(3).key(7), row(4).key("7"), row(5)];
    let folder = temporary_folder();
    let map = || client.map("emulator/echo", stream::iter(rows.clone())).ordered(true);
    for map in [map(), map().checkpoint(folder.path().join("batch.jsonl"))] {
        let items = all(map).await;
        for (item, key) in items.iter().zip(["same", "same", "7", "7", "4"]) {
            assert_eq!(item.key.to_string().trim_matches('"'), key);
            let refused = item.error.as_ref().map(|error| error.argument().unwrap());
            assert_eq!(refused, [None, Some("key"), None, Some("key"), Some("key")][item.index as usize]);
        }
        assert_eq!(predictions(&emulator).len(), 2);
        emulator.reset();
    }
}

#[tokio::test]
async fn keys_are_strings_or_integers_of_64_bits() {
    let (emulator, client) = start();
    let big = replicant::Value::from_json(b"1000000000000000000000000000000").unwrap();
    for (key, given) in
        [(big, "1000000000000000000000000000000"), (1.5.into(), "1.5"), (json!([]).into(), "an array")]
    {
        let rows = stream::iter([Row::new(json!({"value": 1})).key(key)]);
        let items = all(client.map("emulator/echo", rows)).await;
        let error = items[0].error.as_ref().unwrap();
        assert!(error.message().ends_with(given) && error.argument() == Some("key"), "{error}");
    }
    assert!(predictions(&emulator).is_empty());
}

#[tokio::test]
async fn creates_are_held_for_a_second_at_most() {
    let done = r#"{"status": 201, "json": {"id": "p1", "status": "succeeded", "output": "x"}}"#;
    let held = format!(
        r#"[{{"expect": {{"method": "POST", "headers": {{"prefer": "wait=1"}}}}, "reply": {done}}}]"#
    );
    let (_emulator, script, client) = play(&held, quick());
    assert_eq!(all(client.map("acme/text", numbers(1))).await.len(), 1);
    settled(&script).await;
}

#[tokio::test]
async fn a_lost_response_to_a_create_is_not_created_again() {
    let exchanges = r#"[{"expect": {"method": "POST"}, "reply": {"json": {}, "head_cut_at": 0}}]"#;
    let (_emulator, script, client) = play(exchanges, quick());
    let items = all(client.map("acme/text", stream::iter([json!({"prompt": "x"})]))).await;
    assert_eq!(items[0].status.as_str(), "unknown", "{items:?}");
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

#[tokio::test]
async fn a_panic_in_the_rows_is_an_error_of_the_batch() {
    let (_emulator, client) = start();
    let rows = stream::iter(0..3).map(|number| {
        assert!(number < 2, "the rows panic");
        json!({"value": number})
    });
    let results: Vec<_> = client.map("emulator/echo", rows).collect().await;
    let (last, others) = results.split_last().unwrap();
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    let error = last.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().starts_with("the batch is not complete"), "{error}");
}

#[tokio::test]
async fn an_item_has_the_same_members_of_the_prediction_however_it_ends() {
    let (emulator, client) = start();
    let _gate = gated(&emulator, "acme/slow");
    let items = all(client.map("acme/slow", numbers(1)).timeout(Duration::from_secs(3))).await;
    let prediction = &items[0].prediction;
    assert_eq!(items[0].error.as_ref().unwrap().kind(), ErrorKind::Deadline);
    assert!(prediction["id"].as_str().is_some(), "{prediction:?}");
    for name in ["input", "output", "logs", "urls", "webhook"] {
        assert!(prediction.get(name).is_none(), "{name}: {prediction:?}");
    }
}
