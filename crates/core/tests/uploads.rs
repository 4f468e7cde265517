//! Uploads of files in inputs, and their progress.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use replicant::{
    BoxError, BoxFuture, BoxStream, ByteSource, Client, Error, ErrorKind, File, FileEncodingStrategy, Item,
    MAX_FILE_SIZE, Observer, Options, UploadProgress, Value,
    hooks::{HeaderChanges, Hooks, RequestEvent},
    json,
    map::Row,
    operation,
    transport::{HttpBody, HttpRequest, HttpResponse, Transport},
};
use replicant_emulator::{Config, Emulator};
use sha2::{Digest, Sha256};
use support::{play, quick, settled, temporary_folder};

const SIZE: usize = 600_000;

fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let options = Options {
        base_url: Some(emulator.base_url()),
        file_encoding_strategy: Some(FileEncodingStrategy::Upload),
        ..Options::default()
    };
    (emulator, Client::new(options).unwrap())
}

fn params(extra: &serde_json::Value) -> Value {
    let mut params: Value = json!({"ref": "emulator/echo", "input": {"prompt": "hi"}}).into();
    params["input"]["images"] = vec![File::bytes(vec![7; SIZE]).filename("a.png")].into();
    for (name, value) in extra.as_object().unwrap() {
        params[name.as_str()] = value.clone().into();
    }
    params
}

/// Returns an observer and the values that it receives.
fn recording_observer() -> (Observer, Arc<Mutex<Vec<Value>>>) {
    let observed = Arc::new(Mutex::new(Vec::new()));
    let push = observed.clone();
    (Arc::new(move |value| push.lock().unwrap().push(value)), observed)
}

/// Checks that an upload is reported in several steps, the last with all bytes.
fn check_progress(uploads: &[Value]) {
    let first = &uploads.first().expect("a report")["upload"];
    assert!(first["loaded"].as_i64() < Some(SIZE as i64), "the first report is partial");
    let last = &uploads.last().expect("a report")["upload"];
    assert_eq!(last["place"], "input.images[0]");
    assert_eq!(last["name"], "a.png");
    assert_eq!((last["loaded"].as_i64(), last["total"].as_i64()), (Some(SIZE as i64), Some(SIZE as i64)));
}

/// Splits observed values into reports of uploads and states of the prediction.
fn split(observed: &Mutex<Vec<Value>>) -> (Vec<Value>, Vec<Value>) {
    observed.lock().unwrap().drain(..).partition(|value| value.get("upload").is_some())
}

#[tokio::test]
async fn run_reports_uploads_on_request() {
    let (_emulator, client) = start();
    let (observer, observed) = recording_observer();
    operation::call(&client, "run", params(&json!({})), Some(observer.clone())).await.unwrap();
    let (uploads, predictions) = split(&observed);
    assert!(uploads.is_empty() && !predictions.is_empty());

    operation::call(&client, "run", params(&json!({"report_uploads": true})), Some(observer)).await.unwrap();
    let (uploads, predictions) = split(&observed);
    check_progress(&uploads);
    assert!(!predictions.is_empty());
}

#[tokio::test]
async fn a_create_reports_uploads() {
    let (_emulator, client) = start();
    let (observer, observed) = recording_observer();
    let mut create = params(&json!({"model": "emulator/echo"}));
    if let Value::Object(members) = &mut create {
        members.shift_remove("ref");
    }
    operation::call(&client, "predictions.create", create, Some(observer)).await.unwrap();
    let (uploads, others) = split(&observed);
    check_progress(&uploads);
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test]
async fn a_stream_reports_uploads_first() {
    let (_emulator, client) = start();
    let mut stream = params(&json!({"ref": "meta/meta-llama-3-8b-instruct", "report_uploads": true}));
    stream["input"]["prompt"] = "Sing.".into();
    let mut without_reports = stream.clone();
    without_reports["report_uploads"] = false.into();
    let first = operation::open(&client, "stream", without_reports).try_next().await.unwrap();
    assert!(matches!(first, Some(Item::Value(prediction)) if prediction.get("upload").is_none()));

    let items: Vec<Item> = operation::open(&client, "stream", stream).try_collect().await.unwrap();
    let uploads: Vec<Value> = items
        .iter()
        .map_while(|item| match item {
            Item::Value(value) if value.get("upload").is_some() => Some(value.clone()),
            _ => None,
        })
        .collect();
    check_progress(&uploads);
    assert!(
        matches!(&items[uploads.len()], Item::Value(prediction) if prediction["urls"]["stream"].as_str().is_some())
    );
    assert!(items[uploads.len() + 1..].iter().all(|item| matches!(item, Item::Event(_))));
}

#[tokio::test]
async fn on_upload_receives_upload_progress() {
    let (_emulator, client) = start();
    let observed = Arc::new(Mutex::new(Vec::new()));
    let observer = || {
        let push = observed.clone();
        move |upload: UploadProgress| push.lock().unwrap().push(upload)
    };
    let mut input = Value::object();
    input["image"] = File::bytes(vec![1; SIZE]).filename("b.png").into();
    client.run("emulator/echo", input).on_upload(observer()).await.unwrap();
    client.files().create(File::bytes(vec![1; SIZE]).filename("c.png")).on_upload(observer()).await.unwrap();
    let observed = observed.lock().unwrap();
    for (place, name) in [("input.image", "b.png"), ("file", "c.png")] {
        let last = observed.iter().rfind(|upload| upload.place == place).unwrap();
        assert_eq!((last.name.as_str(), last.loaded, last.total), (name, SIZE as u64, Some(SIZE as u64)));
    }
}

/// A slow server that counts concurrent uploads.
#[derive(Default)]
struct SlowServer {
    current: Arc<AtomicUsize>,
    max: Arc<AtomicUsize>,
}

impl Transport for SlowServer {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, replicant::Result<HttpResponse>> {
        let (current, max) = (self.current.clone(), self.max.clone());
        Box::pin(async move {
            let body = if request.url.path().ends_with("/files") {
                max.fetch_max(current.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                current.fetch_sub(1, Ordering::SeqCst);
                json!({"id": "f", "urls": {"get": "https://api.replicate.com/v1/files/f"}})
            } else {
                json!({"id": "p1", "status": "succeeded", "output": 1})
            };
            Ok(HttpResponse::new(201, Vec::new(), Box::new(Bytes::from(body.to_string()))))
        })
    }
}

#[tokio::test]
async fn four_files_are_uploaded_at_a_time() {
    let server = Arc::new(SlowServer::default());
    let options = Options {
        transport: Some(server.clone()),
        file_encoding_strategy: Some(FileEncodingStrategy::Upload),
        ..Options::default()
    };
    let client = Client::new(options).unwrap();
    let mut input = Value::object();
    input["images"] = (0..20u8).map(|n| File::bytes(vec![n; 10])).collect::<Vec<_>>().into();
    client.run("acme/up", input).await.unwrap();
    assert_eq!(server.max.load(Ordering::SeqCst), 4);
}

/// A source that can be read only once, such as a pipe.
#[derive(Debug)]
struct Pipe;

impl ByteSource for Pipe {
    fn len(&self) -> Option<u64> {
        None
    }

    fn replayable(&self) -> bool {
        false
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let chunks = stream::iter([Ok(Bytes::from_static(b"once"))]);
        Box::pin(async move { Ok(Box::pin(chunks) as BoxStream<'static, _>) })
    }
}

#[tokio::test]
async fn a_source_that_is_not_replayable_is_sent_once() {
    let exchanges =
        r#"[{"expect": {"method": "POST", "path": "/v1/files"}, "reply": {"status": 503, "text": "busy"}}]"#;
    let (_emulator, script, client) = play(exchanges, quick());
    let error = client.files().create(File::source(Arc::new(Pipe)).filename("pipe.bin")).await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert!(error.message().contains("read only once"), "{error}");
    settled(&script).await;
    // Nor can it be inlined instead.
    let (_emulator, script, client) = play(exchanges, quick());
    let mut input = Value::object();
    input["image"] = File::stream(stream::iter([Ok::<_, std::io::Error>("once")]), Some(4)).into();
    let run = client.run("acme/up", input).file_encoding_strategy(FileEncodingStrategy::UploadOrInline);
    assert_eq!(run.await.unwrap_err().status(), Some(503));
    settled(&script).await;
}

#[tokio::test]
async fn two_streams_are_two_files() {
    let exchanges = r#"[{"expect": {"method": "POST", "json": {"input": {"images": ["data:text/plain;base64,YQ==", "data:text/plain;base64,Yg=="]}}},
        "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded"}}}]"#;
    let (_emulator, script, client) = play(exchanges, quick());
    let file = |text: &'static str| {
        File::stream(stream::iter([Ok::<_, std::io::Error>(text)]), None).content_type("text/plain")
    };
    let mut input = Value::object();
    input["images"] = vec![file("a"), file("b")].into();
    let run = client.run("acme/up", input).file_encoding_strategy(FileEncodingStrategy::DataUri);
    run.cancel_after(Duration::from_secs(60)).await.unwrap();
    settled(&script).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_path_of_a_pipe_is_sent_once() {
    use std::{io::Write, os::fd::AsRawFd};

    let exchanges =
        r#"[{"expect": {"method": "POST", "path": "/v1/files"}, "reply": {"status": 503, "text": "busy"}}]"#;
    let (_emulator, script, client) = play(exchanges, quick());
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"once").unwrap();
    drop(writer);
    let pipe = File::path(format!("/dev/fd/{}", reader.as_raw_fd()));
    let error = client.files().create(pipe).await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert!(error.message().contains("read only once"), "{error}");
    settled(&script).await;
}

/// A server that rejects the first attempt without reading it, and reads it while the second one arrives.
#[derive(Default)]
struct RejectFirst {
    first: Arc<Mutex<Option<BoxStream<'static, replicant::Result<Bytes>>>>>,
    content: Vec<u8>,
}

impl Transport for RejectFirst {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, replicant::Result<HttpResponse>> {
        let (kept, content) = (self.first.clone(), self.content.clone());
        Box::pin(async move {
            let HttpBody::Stream { mut chunks, .. } = request.body else { panic!("a form is streamed") };
            let first = kept.lock().unwrap().take();
            let (status, body) = match first {
                None => {
                    *kept.lock().unwrap() = Some(chunks);
                    (503, json!({}))
                }
                Some(mut first) => {
                    while chunks.try_next().await?.is_some() {
                        first.try_next().await?;
                    }
                    let digest = Sha256::digest(&content);
                    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    (201, json!({"id": "f", "checksums": {"sha256": sha256}}))
                }
            };
            Ok(HttpResponse::new(status, Vec::new(), Box::new(Bytes::from(body.to_string()))))
        })
    }
}

#[tokio::test]
async fn an_abandoned_attempt_does_not_affect_the_checksum() {
    let content = vec![7; SIZE];
    let server = RejectFirst { content: content.clone(), ..RejectFirst::default() };
    let options = Options { transport: Some(Arc::new(server)), ..quick() };
    let client = Client::new(options).unwrap();
    let uploaded = client.files().create(File::bytes(content)).await;
    assert_eq!(uploaded.unwrap().id, "f");
}

/// A source that declares ten bytes but has four, then optionally an error.
#[derive(Debug)]
struct Truncated {
    breaks: bool,
}

impl ByteSource for Truncated {
    fn len(&self) -> Option<u64> {
        Some(10)
    }

    fn replayable(&self) -> bool {
        true
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let broken = Err(Error::new(ErrorKind::FileNotFound, "the disk is gone").into());
        let chunks = [Ok(Bytes::from_static(b"torn"))].into_iter().chain(self.breaks.then_some(broken));
        let chunks = stream::iter(chunks);
        Box::pin(async move { Ok(Box::pin(chunks) as BoxStream<'static, _>) })
    }
}

#[tokio::test]
async fn an_unreadable_file_is_reported_instead_of_the_broken_connection() {
    let (emulator, client) = start();
    for (breaks, kind, why) in [
        (true, ErrorKind::FileNotFound, "the disk is gone"),
        (false, ErrorKind::InvalidArgument, "changed during the upload: read 4 bytes instead of 10"),
    ] {
        let file = File::source(Arc::new(Truncated { breaks })).filename("t.bin");
        let error = client.files().create(file).await.unwrap_err();
        assert!(error.kind() == kind && error.message().contains(why), "{error:?}");
    }
    assert!(emulator.requests_json().matches("\"/v1/files\"").count() <= 2, "the upload was retried");
}

fn input(name: &str, file: File) -> Value {
    let mut input = Value::object();
    input[name] = file.into();
    input
}

#[tokio::test]
async fn files_are_sent_with_every_strategy() {
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
async fn an_invalid_file_is_rejected_before_anything_is_sent() {
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
async fn a_large_file_is_streamed_and_uploaded_once() {
    let (emulator, client) = start();
    let folder = temporary_folder();
    let path = folder.path().join("large.bin");
    let content: Vec<u8> = (0..5_000_000).flat_map(|n: u32| (n as u16).to_le_bytes()).collect();
    std::fs::write(&path, content).unwrap();
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
async fn uploads_of_inputs_have_the_headers_of_their_call() {
    let (name, other) = ("authorization", "Bearer r8_other");
    let expect = r#""method": "POST", "headers": {"authorization": "Bearer r8_other"}"#;
    let exchanges = format!(
        r#"[{{"expect": {{"path": "/v1/files", {expect}}}, "reply": {{"status": 201, "json": {{"id": "f1", "urls": {{"get": "https://x.example/f1"}}}}}}}},
            {{"expect": {{{expect}}}, "reply": {{"status": 201, "json": {{"id": "p1", "status": "succeeded", "output": "x"}}}}}}]"#
    );
    let input = || {
        let mut input = Value::object();
        input["image"] = File::bytes("x").into();
        input
    };
    for call in ["run", "create", "train", "map"] {
        let (_emulator, script, client) = play(&exchanges, Options::default());
        match call {
            "run" => drop(client.run("acme/text", input()).header(name, other).await.unwrap()),
            "create" => {
                let create = client.predictions().create("acme/text", input());
                create.header(name, other).await.unwrap();
            }
            "train" => {
                let create = client.trainings().create("acme", "text", "5c7d", "acme/mine", input());
                create.header(name, other).await.unwrap();
            }
            _ => {
                let map = client.map("acme/text", stream::iter([Row::new(input())])).header(name, other);
                let items: Vec<_> = map.try_collect().await.unwrap();
                assert_eq!(items[0].status.as_str(), "succeeded", "{items:?}");
            }
        }
        settled(&script).await;
    }
}

/// A source of zeros whose length is not known before it is read.
#[derive(Debug)]
struct Unsized(usize);

impl ByteSource for Unsized {
    fn len(&self) -> Option<u64> {
        None
    }

    fn replayable(&self) -> bool {
        true
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let chunks = stream::iter([Ok(Bytes::from(vec![0; self.0]))]);
        Box::pin(async move { Ok(Box::pin(chunks) as BoxStream<'static, _>) })
    }
}

#[tokio::test]
async fn the_limit_on_inlined_files_is_that_of_the_whole_input() {
    let (emulator, client) = start();
    let mut input = input("one", File::source(Arc::new(Unsized(6_000_000))).filename("one"));
    input["other"] = File::source(Arc::new(Unsized(6_000_000))).filename("other").into();
    let run = client.run("emulator/echo", input).file_encoding_strategy(FileEncodingStrategy::DataUri);
    let error = run.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge, "{error}");
    assert!(error.message().contains("12000000 bytes exceeds 10mb"), "{error}");
    assert!(!emulator.requests_json().contains("/predictions"), "{}", emulator.requests_json());
}

/// A transport that is broken rather than the network.
struct Broken;

impl Transport for Broken {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, replicant::Result<HttpResponse>> {
        assert!(request.url.path().ends_with("/files"), "the file was inlined");
        Box::pin(async { Err(Error::new(ErrorKind::Internal, "proxy is not defined")) })
    }
}

impl Hooks for Broken {
    fn on_request(&self, _: RequestEvent) -> BoxFuture<'static, replicant::Result<HeaderChanges>> {
        Box::pin(async { Err(Error::new(ErrorKind::Connection, "no tenant")) })
    }
}

#[tokio::test]
async fn an_error_of_a_hook_or_a_transport_during_an_upload_is_not_hidden_by_inlining() {
    let of_transport = Options { transport: Some(Arc::new(Broken)), ..quick() };
    let of_hook = Options { hooks: Some(Arc::new(Broken)), ..of_transport.clone() };
    for (options, why) in [(of_transport, "proxy is not defined"), (of_hook, "no tenant")] {
        let client = Client::new(options).unwrap();
        let run = client.run("acme/up", input("image", File::bytes(&b"x"[..])));
        let error = run.file_encoding_strategy(FileEncodingStrategy::UploadOrInline).await.unwrap_err();
        assert!(error.message().starts_with(why), "{error}");
    }
}

#[tokio::test]
async fn a_stream_and_a_reader_are_uploaded_once() {
    let (_emulator, client) = start();
    let content = vec![b'x'; SIZE];
    let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    let chunks = || stream::iter([vec![b'x'; SIZE / 2], vec![b'x'; SIZE / 2]].map(Ok::<_, std::io::Error>));
    for file in [
        File::stream(chunks(), Some(SIZE as u64)),
        File::stream(chunks(), None),
        File::reader(std::io::Cursor::new(content.clone())),
    ] {
        let uploaded = client.files().create(file.clone().filename("x.txt")).await.unwrap();
        assert_eq!(uploaded.checksums["sha256"].as_str().unwrap(), sha256);
        let error = client.files().create(file).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.message().contains("was sent before"), "{error}");
    }

    let cut = stream::iter([Ok("start".to_owned()), Err(std::io::Error::other("the disk is gone"))]);
    let error = client.files().create(File::stream(cut, None)).await.unwrap_err();
    assert!(error.message().contains("the disk is gone") && !error.message().contains("attempts"), "{error}");
}
