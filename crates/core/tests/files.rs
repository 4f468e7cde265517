//! Files on their way up and down, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write;

use futures_util::TryStreamExt;
use replicant::{Client, ErrorKind, File, FileEncodingStrategy, MAX_FILE_SIZE, Options, Value, json};
use replicant_emulator::{Config, Emulator};
use support::temporary_folder;
use tokio::io::AsyncReadExt;

fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    (emulator, client)
}

fn input(name: &str, file: File) -> Value {
    let mut input = Value::object();
    input[name] = file.into();
    input
}

#[tokio::test]
async fn an_output_is_read_in_every_way_and_again() {
    let (_emulator, client) = start();
    let prompt = json!({"prompt": "a heron", "width": 64, "height": 64, "seed": 1});
    let output = client
        .run("stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc", prompt)
        .await
        .unwrap();
    let file = output.files()[0].clone();
    let bytes = file.bytes().await.unwrap();
    assert!(bytes.starts_with(b"\x89PNG"));
    assert_eq!(file.bytes().await.unwrap(), bytes, "a second time");
    let chunks: Vec<_> = file.stream().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), bytes);
    let mut read = Vec::new();
    file.reader().read_to_end(&mut read).await.unwrap();
    assert_eq!(read, bytes);
    for offset in [0, 1, bytes.len() - 1, bytes.len(), bytes.len() + 1] {
        let rest: Vec<_> = file.stream_from(offset as u64).try_collect().await.unwrap();
        assert_eq!(rest.concat(), bytes[offset.min(bytes.len())..], "from {offset} on");
    }
    let folder = temporary_folder();
    file.save(folder.path().join("heron.png")).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("heron.png")).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    assert_eq!(file.to_string(), file.url());
}

#[tokio::test]
async fn a_part_can_be_read_where_the_server_knows_no_ranges() {
    let (emulator, _) = start();
    let script = emulator
        .replay(r#"{"exchanges": [{"expect": {}, "reply": {"text": "0123456789", "headers": {"content-md5": "eB5eJF1ptWaXm4bijSPyxw=="}}, "times": "any"}]}"#)
        .unwrap();
    let client = Client::new(Options { base_url: Some(script.base_url()), ..Options::default() }).unwrap();
    for (offset, rest) in [(0, "0123456789"), (4, "456789"), (10, ""), (99, "")] {
        let params = json!({"url": format!("{}/files/a", script.base_url()), "offset": offset});
        let mut items = replicant::operation::open(&client, "output.read", params.into());
        let mut read = Vec::new();
        while let Some(replicant::Item::Bytes(piece)) = items.try_next().await.unwrap() {
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, rest.as_bytes(), "from {offset} on");
    }
}

#[tokio::test]
async fn a_save_that_fails_leaves_the_old_file_and_nothing_else() {
    let (emulator, _) = start();
    let script = emulator
        .replay(r#"{"exchanges": [{"expect": {}, "reply": {"text": "0123456789", "cut_at": 4}, "times": "any"}]}"#)
        .unwrap();
    let options = Options {
        base_url: Some(script.base_url()),
        max_retries: Some(1),
        clock_rate: Some(50.0),
        ..Options::default()
    };
    let client = Client::new(options).unwrap();
    let folder = temporary_folder();
    let path = folder.path().join("a.bin");
    std::fs::write(&path, "old").unwrap();
    let url = format!("{}/files/a.bin", script.origin());
    let params = json!({"url": url, "path": path.to_str().unwrap()});
    let error = replicant::operation::call(&client, "output.save", params.into(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(error.message().contains("4 of 10"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_goes_up_and_comes_back_changed() {
    let (_emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("dot.png");
    let prompt = json!({"prompt": "a dot", "width": 64, "height": 64, "seed": 1});
    let made = client
        .run("stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc", prompt)
        .await
        .unwrap();
    made.files()[0].save(&path).await.unwrap();
    for strategy in [FileEncodingStrategy::Auto, FileEncodingStrategy::Upload, FileEncodingStrategy::DataUri]
    {
        let mut input = input("image", File::path(&path));
        input["scale"] = 2.into();
        let run = client.run(
            "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa",
            input,
        );
        let output = run.file_encoding_strategy(strategy).await.unwrap();
        let png = output.files()[0].bytes().await.unwrap();
        let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
        assert_eq!(width, 128, "{strategy:?}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_sent_is_named_and_nothing_is_sent() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let huge = folder.path().join("huge.bin");
    std::fs::File::create(&huge).unwrap().set_len(MAX_FILE_SIZE + 1).unwrap();
    let run = |file| client.run("nightmareai/real-esrgan", input("image", file));

    let error = run(File::path(folder.path().join("none.png"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileNotFound);
    assert!(error.message().contains("`input.image`") && error.message().contains("none.png"), "{error}");

    let error = run(File::path(folder.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileNotFound);
    assert!(error.message().contains("directory"), "{error}");

    let error = run(File::path(&huge)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    assert_eq!(
        error.message(),
        "`input.image`: the file is 101 MiB; the limit is 100 MiB. Host it yourself and pass its URL."
    );
    assert!(!emulator.requests_json().contains("/v1/"), "{}", emulator.requests_json());
}

#[tokio::test]
async fn a_large_file_is_streamed_and_the_same_file_goes_up_once() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("large.bin");
    let mut file = std::fs::File::create(&path).unwrap();
    for n in 0..5_000_000u32 {
        file.write_all(&n.to_le_bytes()[..2]).unwrap();
    }
    let mut input = input("a", File::path(&path));
    input["b"] = File::path(&path).into();
    let output = client.run("emulator/echo", input).await.unwrap();
    assert_eq!(output["a"], output["b"]);
    let uploads = emulator.requests_json().matches("\"/v1/files\"").count();
    assert_eq!(uploads, 1);
    let uploaded = client.files().list().await.unwrap().results;
    assert_eq!(uploaded[0].size, Some(10_000_000));
    assert_eq!(uploaded[0].name.as_deref(), Some("large.bin"));
}

#[tokio::test]
async fn request_options_count_for_files() {
    let exchanges = r#"[
        {"expect": {"origin": "main", "headers": {"x-trace": "t"}, "query": {"q": "1"}}, "reply": {"status": 302, "headers": {"location": "{{other}}/b"}}},
        {"expect": {"origin": "other", "headers": {"x-trace": null, "authorization": null}, "query": {}}, "reply": {"text": "0123", "cut_at": 2}}]"#;
    for operation in ["output.bytes", "output.read", "output.save_all"] {
        let (_emulator, script, client) = support::play(exchanges, support::quick());
        let folder = temporary_folder();
        let url = format!("{}/a", script.base_url());
        let mut params = match operation {
            "output.save_all" => json!({"outputs": url, "dir": folder.path().to_str().unwrap()}),
            _ => json!({"url": url}),
        };
        params["request_options"] =
            json!({"headers": {"x-trace": "t"}, "query": {"q": "1"}, "max_retries": 0});
        let error = if operation == "output.read" {
            replicant::operation::open(&client, operation, params.into()).try_collect::<Vec<_>>().await.err()
        } else {
            replicant::operation::call(&client, operation, params.into(), None).await.err()
        };
        let error = error.expect("it is cut, and not to be tried again");
        assert!(error.message().contains("2 of 4 bytes"), "{operation}: {error}");
        support::settled(&script).await;
    }
}

#[tokio::test]
async fn a_file_that_stands_still_is_given_up_after_the_timeout_of_its_request() {
    let exchanges = r#"[{"expect": {}, "reply": {"text": "0123", "stall_at": 2}}]"#;
    let (_emulator, script, client) = support::play(exchanges, Options::default());
    let options = json!({"timeout": 0.3, "max_retries": 0});
    let params = json!({"url": format!("{}/a", script.base_url()), "request_options": options});
    let read = replicant::operation::call(&client, "output.bytes", params.into(), None);
    let error = tokio::time::timeout(std::time::Duration::from_secs(20), read).await.expect("not 60 s");
    assert!(error.unwrap_err().message().contains("stalled after 2 of 4 bytes"));
}

/// What a file comes to that a server gives in these answers.
async fn read(replies: &[serde_json::Value]) -> replicant::Result<Value> {
    // Neither a weak tag nor a date can be what a range depends on.
    let expect = json!({"headers": {"if-range": null}});
    let exchanges: Vec<_> = replies.iter().map(|reply| json!({"expect": expect, "reply": reply})).collect();
    let (_emulator, script, client) = support::play(&json!(exchanges).to_string(), support::quick());
    let params = json!({"url": format!("{}/a", script.base_url()), "request_options": {"max_retries": 1}});
    let reply = replicant::operation::call(&client, "output.bytes", params.into(), None).await;
    support::settled(&script).await;
    reply.map(|reply| reply.value)
}

#[tokio::test]
async fn a_file_that_changed_before_its_first_byte_came_is_simply_the_new_one() {
    let cut = json!({"text": "0123", "headers": {"etag": "\"a\"", "content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}, "cut_at": 0});
    let new = json!({"text": "xy", "headers": {"etag": "\"b\""}});
    assert_eq!(read(&[cut, new]).await.unwrap(), Value::Bytes("xy".into()));
}

#[tokio::test]
async fn a_weak_tag_or_a_date_is_enough_to_see_that_a_file_has_changed() {
    let day = |day: u8| format!("Sun, {day:02} Nov 2025 08:49:37 GMT");
    for (name, one, other) in
        [("etag", "W/\"a\"".to_owned(), "W/\"b\"".to_owned()), ("last-modified", day(2), day(9))]
    {
        let cut = json!({"text": "01234567", "headers": {name: one}, "cut_at": 4});
        let range = "bytes 4-7/8";
        let part = |version: &str| json!({"status": 206, "text": "4567", "headers": {name: version, "content-range": range}});
        assert_eq!(read(&[cut.clone(), part(&one)]).await.unwrap(), Value::Bytes("01234567".into()));
        let error = read(&[cut.clone(), part(&other)]).await.unwrap_err();
        assert!(error.message().contains("has changed"), "{error}");
        let whole = json!({"text": "abcdefgh", "headers": {name: other}});
        assert!(read(&[cut, whole]).await.unwrap_err().message().contains("has changed"));
    }
}

#[tokio::test]
async fn a_checksum_of_what_was_unpacked_on_the_way_says_nothing() {
    let hash = "crc32c=mnG7TA==,md5=AAAAKrxLKna5cZ2REBfFkg==";
    for (stored, whole) in [("gzip", true), ("identity", false)] {
        let headers = json!({"x-goog-hash": hash, "x-goog-stored-content-encoding": stored});
        assert_eq!(read(&[json!({"text": "hello", "headers": headers})]).await.is_ok(), whole, "{stored}");
    }
}
