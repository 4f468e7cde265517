//! The files of a batch: those of its rows, and those that it saves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use replicant::{
    BoxError, BoxFuture, BoxStream, ByteSource, ErrorKind, File, Options, json,
    map::{MapItem, Row},
};
use replicant_emulator::{Definition, Emulator, ModelRun};
use serde_json::Value as Json;
use support::{
    batches::{all, lines, predictions, start},
    play, settled, temporary_folder,
};

/// Adds `acme/painter`, which draws `count` files, each with the `text`.
fn painter(emulator: &Emulator) {
    let paint = async |input: Json, run: ModelRun| {
        let count = input["count"].as_u64().unwrap_or(1);
        let text = input["text"].as_str().unwrap_or_default();
        let save =
            |number: u64| Json::from(run.save(&format!("out-{number}.txt"), "text/plain", text.into()));
        Ok(if count == 1 { save(0) } else { (0..count).map(save).collect() })
    };
    emulator.model(Definition::new("acme/painter"), paint).unwrap();
}

#[tokio::test]
async fn no_row_overwrites_a_file_of_another() {
    let (emulator, client) = start();
    painter(&emulator);
    let folder = temporary_folder();
    let long = "https://bucket.example/".repeat(10);
    let keys = ["a", "a-0", "a--0", "A", "a.txt", &format!("{long}1"), &format!("{long}2")];
    let rows = keys.map(|key| (key.into(), if key == "a" { 3 } else { 1 }));
    let numbers: [(replicant::Value, u32); 4] =
        [("same".into(), 1), ("same".into(), 1), (1.into(), 1), ("1".into(), 1)];
    let rows: Vec<_> = rows
        .into_iter()
        .chain(numbers)
        .enumerate()
        .map(|(at, (key, count))| Row::new(json!({"count": count, "text": format!("row {at}")})).key(key))
        .collect();
    let items =
        all(client.map("acme/painter", stream::iter(rows)).save_to(folder.path()).ordered(true)).await;
    let refused = items.iter().filter(|item| item.error.is_some()).map(|item| item.index);
    assert_eq!(refused.collect::<Vec<_>>(), [8, 10], "the second of two rows with one key, {items:?}");
    for item in items.iter().filter(|item| item.error.is_none()) {
        let output = (**item.output.as_ref().unwrap()).clone();
        let paths = output.as_array().map_or_else(|| vec![output.clone()], <[_]>::to_vec);
        for path in paths {
            let text = std::fs::read_to_string(path.as_str().unwrap()).unwrap();
            assert_eq!(text, format!("row {}", item.index), "{path}");
        }
    }
}

#[tokio::test]
async fn files_are_saved_under_the_keys_of_their_rows() {
    let (emulator, client) = start();
    painter(&emulator);
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
    assert!(paths.contains(&out.join("heron.txt")) && paths.contains(&out.join("two--1.txt")), "{paths:?}");
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
async fn files_are_saved_with_the_headers_of_the_batch() {
    let exchanges = r#"[
        {"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded", "output": "{{base}}/files/f1/download"}}},
        {"expect": {"path": "/v1/files/f1/download", "headers": {"authorization": "Bearer r8_other"}}, "reply": {"text": "content"}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let folder = temporary_folder();
    let map = client.map("acme/painter", stream::iter([Row::new(json!({}))])).save_to(folder.path());
    let items = all(map.header("authorization", "Bearer r8_other")).await;
    assert!(items[0].error.is_none(), "{items:?}");
    settled(&script).await;
}

/// A source that can be read once.
#[derive(Debug)]
struct Once;

impl ByteSource for Once {
    fn len(&self) -> Option<u64> {
        None
    }

    fn replayable(&self) -> bool {
        false
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let content = stream::once(async { Ok(Bytes::from_static(b"once")) });
        Box::pin(async { Ok(Box::pin(content) as BoxStream<'static, _>) })
    }
}

/// A source that can be read several times, of which neither a path nor an identity is known.
#[derive(Debug)]
struct Chunks(Vec<u8>);

impl ByteSource for Chunks {
    fn len(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }

    fn replayable(&self) -> bool {
        true
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let chunks: Vec<_> = self.0.chunks(1000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        Box::pin(async { Ok(Box::pin(stream::iter(chunks)) as BoxStream<'static, _>) })
    }
}

fn with_file(file: File) -> Row {
    let mut input: replicant::Value = json!({}).into();
    input["value"] = file.into();
    Row::new(input)
}

#[tokio::test]
async fn rows_are_compared_by_the_content_of_their_files() {
    type Make = fn(&Path) -> File;
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = |name: &str| folder.path().join(name).join("photo.txt");
    let long = |last: u8| [vec![b'x'; 100_000], vec![last]].concat();
    let write = |name: &str, content: &[u8]| {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
        std::fs::write(path(name), content).unwrap();
    };
    write("one", &long(1));
    write("other", &long(2));
    let kinds: [(&str, Make); 3] = [
        ("path", |path| File::path(path)),
        ("bytes", |path| File::bytes(std::fs::read(path).unwrap()).filename("photo.txt")),
        ("source", |path| File::source(Arc::new(Chunks(std::fs::read(path).unwrap()))).filename("photo.txt")),
    ];
    for (kind, file) in kinds {
        let checkpoint = folder.path().join(format!("{kind}.jsonl"));
        let map = |names: &[&str], keyed: bool| {
            let rows = names.iter().map(|name| {
                let row = with_file(file(&path(name)));
                if keyed { row.key("photo") } else { row }
            });
            client.map("emulator/echo", stream::iter(rows.collect::<Vec<_>>())).checkpoint(&checkpoint)
        };
        let first = all(map(&["one", "other"], false).ordered(true)).await;
        let again = all(map(&["one", "other"], false).ordered(true)).await;
        assert!(again.iter().all(|item| item.resumed), "{kind}: {again:?}");
        assert_eq!(first[0].output.as_deref(), again[0].output.as_deref());
        let count = predictions(&emulator).len();
        for changed in [&["other", "one"][..], &["one", "one"]] {
            let ended: replicant::Result<Vec<_>> = map(changed, false).try_collect().await;
            assert_eq!(ended.unwrap_err().argument(), Some("checkpoint"), "{kind}");
        }
        std::fs::remove_file(&checkpoint).unwrap();
        all(map(&["one"], true)).await;
        let items = all(map(&["other"], true)).await;
        assert_eq!(items[0].error.as_ref().unwrap().argument(), Some("key"), "{kind}");
        assert_eq!(predictions(&emulator).len(), count + 1, "{kind}");
    }
    // The content of a file has changed, not its path and length.
    let checkpoint = folder.path().join("changed.jsonl");
    let map = || {
        client
            .map("emulator/echo", stream::iter([with_file(File::path(path("one")))]))
            .checkpoint(&checkpoint)
    };
    all(map()).await;
    write("one", &long(3));
    let ended: replicant::Result<Vec<_>> = map().try_collect().await;
    assert_eq!(ended.unwrap_err().argument(), Some("checkpoint"));
    // One that is gone cannot be compared.
    std::fs::remove_file(path("one")).unwrap();
    let items = all(map()).await;
    assert_eq!(items[0].error.as_ref().unwrap().kind(), ErrorKind::FileNotFound, "{items:?}");
}

#[tokio::test]
async fn a_row_with_a_stream_needs_a_key() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("batch.jsonl");
    let file = || File::source(Arc::new(Once)).filename("once.txt");
    let map = |row: Row| client.map("emulator/echo", stream::iter([row])).checkpoint(&path);
    let items = all(map(with_file(file()))).await;
    let error = items[0].error.as_ref().unwrap();
    assert_eq!((error.argument(), predictions(&emulator).len()), (Some("key"), 0), "{error}");
    let first = all(map(with_file(file()).key("once"))).await;
    let again = all(map(with_file(file()).key("once"))).await;
    assert!(again[0].resumed, "{again:?}");
    assert_eq!(first[0].output.as_deref(), again[0].output.as_deref());
    let row = with_file(file());
    assert!(all(client.map("emulator/echo", stream::iter([row]))).await[0].error.is_none(), "no checkpoint");
}

#[tokio::test]
async fn a_batch_replaces_no_file_of_an_earlier_one() {
    let (emulator, client) = start();
    painter(&emulator);
    let folder = temporary_folder();
    let out = folder.path().join("out");
    let map = |name: &str, text: &str| {
        let rows = stream::iter([Row::new(json!({"text": text, "count": 2})).key("heron")]);
        client.map("acme/painter", rows).checkpoint(folder.path().join(name)).save_to(&out)
    };
    let texts = |items: &[MapItem]| -> Vec<String> {
        let paths = items[0].output.as_ref().unwrap().as_array().unwrap().to_vec();
        paths.iter().map(|path| std::fs::read_to_string(path.as_str().unwrap()).unwrap()).collect()
    };
    let first = all(map("first.jsonl", "first")).await;
    let second = all(map("second.jsonl", "second")).await;
    assert_eq!((texts(&first), texts(&second)), (vec!["first".to_owned(); 2], vec!["second".to_owned(); 2]));
    // What was saved before the process was killed is not saved twice.
    for name in ["first.jsonl", "second.jsonl"] {
        let path = folder.path().join(name);
        let records = std::fs::read_to_string(&path).unwrap();
        let kept: String = records
            .lines()
            .filter(|line| !line.contains("\"done\""))
            .map(|line| format!("{line}\n"))
            .collect();
        std::fs::write(&path, kept).unwrap();
    }
    let again = all(map("second.jsonl", "second")).await;
    assert_eq!(again[0].output.as_deref(), second[0].output.as_deref());
    let again = all(map("first.jsonl", "first")).await;
    assert_eq!(again[0].output.as_deref(), first[0].output.as_deref());
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 4);
    assert_eq!(predictions(&emulator).len(), 2);
}

#[tokio::test]
async fn batches_at_a_time_replace_no_file_of_each_other() {
    let (emulator, client) = start();
    painter(&emulator);
    let folder = temporary_folder();
    let map = |text: &str| {
        let row = |number: i64| Row::new(json!({"text": text})).key(number);
        let rows = stream::iter((0..50).map(row).collect::<Vec<_>>());
        all(client.map("acme/painter", rows).save_to(folder.path()))
    };
    let (one, other) = tokio::join!(map("one"), map("other"));
    for (items, text) in [(one, "one"), (other, "other")] {
        for item in items {
            let path = item.output.as_ref().unwrap().as_str().unwrap();
            assert_eq!(std::fs::read_to_string(path).unwrap(), text, "{path}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 100);
}
