//! Reads of file outputs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::TryStreamExt;
use replicant::{
    BoxFuture, Client, ErrorKind, Item, Options, Value, json, operation,
    transport::{HttpRequest, HttpResponse, Transport},
};
use replicant_emulator::{Config, Emulator};
use support::{play, quick, settled, temporary_folder};
use tokio::io::AsyncReadExt;

fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    (emulator, client)
}

#[tokio::test]
async fn every_way_of_reading_returns_the_same_bytes() {
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
        assert_eq!(rest.concat(), bytes[offset.min(bytes.len())..], "from offset {offset}");
    }
    let folder = temporary_folder();
    file.save(folder.path().join("heron.png")).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("heron.png")).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
    assert_eq!(file.to_string(), file.url());
}

#[tokio::test]
async fn no_header_of_a_call_makes_an_output_receive_the_token() {
    let (emulator, _) = start();
    let script = emulator
        .replay(
            r#"{"exchanges": [{"expect": {"headers": {"authorization": null}}, "reply": {"text": "hello"}, "times": "any"}]}"#,
        )
        .unwrap();
    let options =
        Options { token: Some("r8_secret".into()), base_url: Some(script.base_url()), ..Options::default() };
    let client = Client::new(options).unwrap();
    let params = json!({
        "url": format!("{}/webhooks/default/secret", script.base_url()),
        "request_options": {"headers": {"accept": "text/event-stream"}},
    });
    let reply = operation::call(&client, "output.bytes", params.into(), None).await.unwrap();
    assert_eq!(reply.value, Value::Bytes("hello".into()));
    assert_eq!(script.problems(), Vec::<String>::new());
}

#[tokio::test]
async fn a_url_is_read_with_the_token_only_if_the_api_named_it() {
    let (emulator, _) = start();
    for (to_api, token) in [(true, "\"Bearer r8_secret\""), (false, "null")] {
        let exchanges = format!(
            r#"{{"exchanges": [{{"expect": {{"headers": {{"authorization": {token}, "range": "bytes=1-"}}}},
                "reply": {{"status": 206, "headers": {{"etag": "e1"}}, "text": "ello"}}}}]}}"#
        );
        let script = emulator.replay(&exchanges).unwrap();
        let options = Options {
            token: Some("r8_secret".into()),
            base_url: Some(script.base_url()),
            ..Options::default()
        };
        let client = Client::new(options).unwrap();
        let url = format!("{}/webhooks/default/secret", script.base_url());
        let params = json!({"url": url, "headers": {"range": "bytes=1-"}, "to_api": to_api});
        let items: Vec<_> =
            operation::open(&client, "request.read", params.into()).try_collect().await.unwrap();
        let [Item::Value(head), Item::Bytes(body)] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(head["status"], 206);
        assert!(head["headers"].as_array().unwrap().contains(&json!(["etag", "e1"]).into()));
        assert_eq!(body, "ello");
        assert_eq!(script.problems(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_offset_works_without_range_support() {
    let (emulator, _) = start();
    let script = emulator
        .replay(r#"{"exchanges": [{"expect": {}, "reply": {"text": "0123456789", "headers": {"content-md5": "eB5eJF1ptWaXm4bijSPyxw=="}}, "times": "any"}]}"#)
        .unwrap();
    let client = Client::new(Options { base_url: Some(script.base_url()), ..Options::default() }).unwrap();
    for (offset, rest) in [(0, "0123456789"), (4, "456789"), (10, ""), (99, "")] {
        let params = json!({"url": format!("{}/files/a", script.base_url()), "offset": offset});
        let mut items = operation::open(&client, "output.read", params.into());
        let mut read = Vec::new();
        while let Some(Item::Bytes(chunk)) = items.try_next().await.unwrap() {
            read.extend_from_slice(&chunk);
        }
        assert_eq!(read, rest.as_bytes(), "from offset {offset}");
    }
}

#[tokio::test]
async fn request_options_apply_to_downloads() {
    let exchanges = r#"[
        {"expect": {"origin": "main", "headers": {"x-trace": "t"}, "query": {"q": "1"}}, "reply": {"status": 302, "headers": {"location": "{{other}}/b"}}},
        {"expect": {"origin": "other", "headers": {"x-trace": null, "authorization": null}, "query": {}}, "reply": {"text": "0123", "cut_at": 2}}]"#;
    for operation in ["output.bytes", "output.read", "output.save_all"] {
        let (_emulator, script, client) = play(exchanges, quick());
        let folder = temporary_folder();
        let url = format!("{}/files/a", script.base_url());
        let mut params = match operation {
            "output.save_all" => json!({"outputs": url, "dir": folder.path().to_str().unwrap()}),
            _ => json!({"url": url}),
        };
        params["request_options"] =
            json!({"headers": {"x-trace": "t"}, "query": {"q": "1"}, "max_retries": 0});
        let error = if operation == "output.read" {
            operation::open(&client, operation, params.into()).try_collect::<Vec<_>>().await.err()
        } else {
            operation::call(&client, operation, params.into(), None).await.err()
        };
        let error = error.expect("the download breaks and is not retried");
        assert!(error.message().contains("2 of 4 bytes"), "{operation}: {error}");
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_stalled_download_fails_after_the_request_timeout() {
    let exchanges = r#"[{"expect": {}, "reply": {"text": "0123", "stall_at": 2}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let options = json!({"timeout": 3, "max_retries": 0});
    let params = json!({"url": format!("{}/a", script.base_url()), "request_options": options});
    let read = operation::call(&client, "output.bytes", params.into(), None);
    let error = tokio::time::timeout(std::time::Duration::from_secs(20), read)
        .await
        .expect("not the default timeout of 60 s");
    assert!(error.unwrap_err().message().contains("stalled after 2 of 4 bytes"));
}

#[tokio::test]
async fn a_slow_download_does_not_time_out() {
    let exchanges =
        r#"[{"expect": {}, "reply": {"text": "0123456789", "chunks": [2, 4, 6, 8], "chunk_delay_ms": 600}}]"#;
    let options = Options { timeout: Some(Duration::from_millis(2200)), ..Options::default() };
    let (_emulator, script, client) = play(exchanges, options);
    let content = client.files().download("f1", "acme", 1, "s").max_retries(0).await.unwrap();
    assert_eq!(content, "0123456789");
    settled(&script).await;
}

#[tokio::test]
async fn a_file_that_changes_during_a_download_is_an_error() {
    let first = r#"{"expect": {"method": "GET"}, "reply": {"headers": {"etag": "\"a\""}, "text": "0123456789", "cut_at": 4}}"#;
    for second in [
        r#"{"status": 206, "headers": {"etag": "\"b\"", "content-range": "bytes 4-9/10"}, "text": "xxxxxx"}"#,
        r#"{"status": 206, "headers": {"etag": "\"a\"", "content-range": "bytes 4-9/12"}, "text": "456789"}"#,
    ] {
        let exchanges = format!(r#"[{first}, {{"expect": {{"method": "GET"}}, "reply": {second}}}]"#);
        let (_emulator, script, client) = play(&exchanges, quick());
        let params = json!({"url": format!("{}/files/a", script.origin())});
        let error = operation::call(&client, "output.bytes", params.into(), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{error:?}");
        assert!(error.message().contains("changed"), "{error}");
        settled(&script).await;
    }
}

/// Downloads a file from a server that sends `replies`.
async fn read(replies: &[serde_json::Value]) -> replicant::Result<Value> {
    // `If-Range` requires a strong ETag.
    let expect = json!({"headers": {"if-range": null}});
    let exchanges: Vec<_> = replies.iter().map(|reply| json!({"expect": expect, "reply": reply})).collect();
    let (_emulator, script, client) = play(&json!(exchanges).to_string(), quick());
    let params = json!({"url": format!("{}/a", script.base_url()), "request_options": {"max_retries": 1}});
    let reply = operation::call(&client, "output.bytes", params.into(), None).await;
    settled(&script).await;
    reply.map(|reply| reply.value)
}

#[tokio::test]
async fn the_chunks_of_a_file_override_its_declared_length() {
    let reply = json!({"text": "0123456789", "headers": {"content-length": "3"}, "content_length": false});
    assert_eq!(read(&[reply]).await.unwrap(), Value::Bytes("0123456789".into()));
}

#[tokio::test]
async fn a_file_that_never_ends_is_an_error_once_it_exceeds_its_size() {
    let cut = json!({"text": "0123456789", "cut_at": 4});
    let headers = json!({"content-range": "bytes 4-9/10"});
    let endless = json!({"status": 206, "headers": headers, "repeat": {"byte": 48, "length": 8_000_000}, "content_length": false});
    let exchanges = json!([{"expect": {}, "reply": cut}, {"expect": {}, "reply": endless}]);
    let (_emulator, script, client) = play(&exchanges.to_string(), quick());
    let mut delivered = 0;
    let mut chunks = client.file_output(format!("{}/a", script.base_url())).stream();
    let error = loop {
        match chunks.try_next().await {
            Ok(chunk) => delivered += chunk.unwrap().len(),
            Err(error) => break error,
        }
    };
    assert!(
        delivered <= 10 && error.message().contains("exceeded its declared length"),
        "{delivered}: {error}"
    );
    settled(&script).await;
}

#[tokio::test]
async fn a_file_that_changes_before_its_first_byte_is_read() {
    let cut = json!({"text": "0123", "headers": {"etag": "\"a\"", "content-md5": "XUFAKrxLKna5cZ2REBfFkg=="}, "cut_at": 0});
    let new = json!({"text": "xy", "headers": {"etag": "\"b\""}});
    assert_eq!(read(&[cut, new]).await.unwrap(), Value::Bytes("xy".into()));
}

#[tokio::test]
async fn a_resumed_download_that_breaks_before_new_bytes_is_resumed_again() {
    /// A transport that ends a short body without an error, as some clients of the face languages do.
    struct Cut(AtomicUsize);
    impl Transport for Cut {
        fn send(&self, _request: HttpRequest) -> BoxFuture<'static, replicant::Result<HttpResponse>> {
            let end = [8, 4, 10][self.0.fetch_add(1, Ordering::SeqCst)];
            let headers = [("etag", "\"a\""), ("content-length", "10")];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            let body = Box::new(Bytes::from_static(&b"0123456789"[..end]));
            Box::pin(async move { Ok(HttpResponse::new(200, headers, body)) })
        }
    }
    let transport = Some(Arc::new(Cut(AtomicUsize::new(0))) as Arc<dyn Transport>);
    let client = Client::new(Options { transport, ..quick() }).unwrap();
    let params = json!({"url": "https://files.example/a"});
    let read = operation::call(&client, "output.bytes", params.into(), None).await.unwrap();
    assert_eq!(read.value, Value::Bytes("0123456789".into()));
}

#[tokio::test]
async fn a_weak_etag_or_a_date_reveals_a_changed_file() {
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
        let complete = json!({"text": "abcdefgh", "headers": {name: other}});
        assert!(read(&[cut, complete]).await.unwrap_err().message().contains("has changed"));
    }
}

#[tokio::test]
async fn a_file_without_validators_that_became_shorter_has_changed() {
    let cut = json!({"text": "0123456789", "content_length": false, "cut_at": 6});
    let shorter = json!({"text": "abc", "content_length": false});
    let error = read(&[cut, shorter]).await.unwrap_err();
    assert!(
        error.message().ends_with("failed after 6 of an unknown number of bytes: the file has changed"),
        "{error}"
    );
}

#[tokio::test]
async fn the_checksum_of_a_decompressed_file_is_ignored() {
    let hash = "crc32c=mnG7TA==,md5=AAAAKrxLKna5cZ2REBfFkg==";
    for (stored, complete) in [("gzip", true), ("identity", false)] {
        let headers = json!({"x-goog-hash": hash, "x-goog-stored-content-encoding": stored});
        assert_eq!(read(&[json!({"text": "hello", "headers": headers})]).await.is_ok(), complete, "{stored}");
    }
}

#[tokio::test]
async fn a_range_of_a_compressed_file_is_read_from_the_whole_file() {
    // `gzip.compress(b"0123456789" * 3)`
    let whole = "H4sIAAAAAAACAzMwNDI2MTUzt7A0wMICAJQHXC0eAAAA";
    let part = json!({"status": 206, "base64": "Pg==", "headers": {"content-encoding": "gzip", "content-range": "bytes 25-32/33"}});
    let all = json!({"base64": whole, "headers": {"content-encoding": "gzip"}});
    let exchanges = json!([
        {"expect": {"headers": {"range": "bytes=25-", "accept-encoding": "identity"}}, "reply": part},
        {"expect": {"headers": {"range": null}}, "reply": all},
    ]);
    // The second request uses the connection of the first one.
    let options = Options { max_connections: Some(1), ..quick() };
    let (_emulator, script, client) = play(&exchanges.to_string(), options);
    let file = client.file_output(format!("{}/a.txt", script.base_url()));
    let chunks: Vec<bytes::Bytes> = file.stream_from(25).try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"56789");
    settled(&script).await;
}
