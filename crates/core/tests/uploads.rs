//! What is told of files on their way up, through every way in.

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
    Observer, Options, UploadProgress, Value, json, operation,
    transport::{HttpBody, HttpRequest, HttpResponse, Transport},
};
use replicant_emulator::{Config, Emulator};
use sha2::{Digest, Sha256};

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

fn listening() -> (Observer, Arc<Mutex<Vec<Value>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    (Arc::new(move |value| heard.lock().unwrap().push(value)), told)
}

fn ends_whole(uploads: &[Value]) {
    let first = &uploads.first().expect("something is told")["upload"];
    assert!(first["loaded"].as_i64() < Some(SIZE as i64), "one piece that takes long looks like none");
    let last = &uploads.last().expect("something is told")["upload"];
    assert_eq!(last["place"], "input.images[0]");
    assert_eq!(last["name"], "a.png");
    assert_eq!((last["loaded"].as_i64(), last["total"].as_i64()), (Some(SIZE as i64), Some(SIZE as i64)));
}

fn split(told: &Mutex<Vec<Value>>) -> (Vec<Value>, Vec<Value>) {
    told.lock().unwrap().drain(..).partition(|value| value.get("upload").is_some())
}

#[tokio::test]
async fn run_tells_of_uploads_where_it_is_asked_to() {
    let (_emulator, client) = start();
    let (observer, told) = listening();
    operation::call(&client, "run", params(&json!({})), Some(observer.clone())).await.unwrap();
    let (uploads, predictions) = split(&told);
    assert!(uploads.is_empty() && !predictions.is_empty());

    operation::call(&client, "run", params(&json!({"report_uploads": true})), Some(observer)).await.unwrap();
    let (uploads, predictions) = split(&told);
    ends_whole(&uploads);
    assert!(!predictions.is_empty());
}

#[tokio::test]
async fn a_create_tells_of_uploads() {
    let (_emulator, client) = start();
    let (observer, told) = listening();
    let mut create = params(&json!({"model": "emulator/echo"}));
    if let Value::Object(members) = &mut create {
        members.shift_remove("ref");
    }
    operation::call(&client, "predictions.create", create, Some(observer)).await.unwrap();
    let (uploads, others) = split(&told);
    ends_whole(&uploads);
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test]
async fn a_stream_begins_with_what_is_told_of_uploads() {
    let (_emulator, client) = start();
    let mut stream = params(&json!({"ref": "meta/meta-llama-3-8b-instruct", "report_uploads": true}));
    stream["input"]["prompt"] = "Sing.".into();
    let mut unasked = stream.clone();
    unasked["report_uploads"] = false.into();
    let first = operation::open(&client, "stream", unasked).try_next().await.unwrap();
    assert!(matches!(first, Some(Item::Value(prediction)) if prediction.get("upload").is_none()));

    let items: Vec<Item> = operation::open(&client, "stream", stream).try_collect().await.unwrap();
    let uploads: Vec<Value> = items
        .iter()
        .map_while(|item| match item {
            Item::Value(value) if value.get("upload").is_some() => Some(value.clone()),
            _ => None,
        })
        .collect();
    ends_whole(&uploads);
    assert!(
        matches!(&items[uploads.len()], Item::Value(prediction) if prediction["urls"]["stream"].as_str().is_some())
    );
    assert!(items[uploads.len() + 1..].iter().all(|item| matches!(item, Item::Event(_))));
}

#[tokio::test]
async fn rust_is_told_in_its_own_type() {
    let (_emulator, client) = start();
    let told = Arc::new(Mutex::new(Vec::new()));
    let watch = || {
        let heard = told.clone();
        move |upload: UploadProgress| heard.lock().unwrap().push(upload)
    };
    let mut input = Value::object();
    input["image"] = File::bytes(vec![1; SIZE]).filename("b.png").into();
    client.run("emulator/echo", input).on_upload(watch()).await.unwrap();
    client.files().create(File::bytes(vec![1; SIZE]).filename("c.png")).on_upload(watch()).await.unwrap();
    let told = told.lock().unwrap();
    for (place, name) in [("input.image", "b.png"), ("file", "c.png")] {
        let last = told.iter().rfind(|upload| upload.place == place).unwrap();
        assert_eq!((last.name.as_str(), last.loaded, last.total), (name, SIZE as u64, Some(SIZE as u64)));
    }
}

/// Takes uploads slowly, and counts how many it takes at a time.
#[derive(Default)]
struct Slow {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Transport for Slow {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, replicant::Result<HttpResponse>> {
        let (now, most) = (self.now.clone(), self.most.clone());
        Box::pin(async move {
            let body = if request.url.path().ends_with("/files") {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                json!({"id": "f", "urls": {"get": "https://api.replicate.com/v1/files/f"}})
            } else {
                json!({"id": "p1", "status": "succeeded", "output": 1})
            };
            Ok(HttpResponse {
                status: 201,
                headers: Vec::new(),
                body: Box::new(Bytes::from(body.to_string())),
            })
        })
    }
}

#[tokio::test]
async fn some_go_up_at_a_time_and_never_all() {
    let server = Arc::new(Slow::default());
    let options = Options {
        transport: Some(server.clone()),
        file_encoding_strategy: Some(FileEncodingStrategy::Upload),
        ..Options::default()
    };
    let client = Client::new(options).unwrap();
    let mut input = Value::object();
    input["images"] = (0..20u8).map(|n| File::bytes(vec![n; 10])).collect::<Vec<_>>().into();
    client.run("acme/up", input).await.unwrap();
    assert_eq!(server.most.load(Ordering::SeqCst), 4);
}

/// Can be read once, as what comes through a pipe.
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
        let pieces = stream::iter([Ok(Bytes::from_static(b"once"))]);
        Box::pin(async move { Ok(Box::pin(pieces) as BoxStream<'static, _>) })
    }
}

#[tokio::test]
async fn what_can_be_read_once_is_sent_once_and_says_why() {
    let exchanges =
        r#"[{"expect": {"method": "POST", "path": "/v1/files"}, "reply": {"status": 503, "text": "busy"}}]"#;
    let (_emulator, script, client) = support::play(exchanges, support::quick());
    let error = client.files().create(File::source(Arc::new(Pipe)).filename("pipe.bin")).await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert!(error.message().contains("read only once"), "{error}");
    support::settled(&script).await;
}

/// Refuses the first attempt before it has read it, and reads on while the second one comes.
#[derive(Default)]
struct Hasty {
    first: Arc<Mutex<Option<BoxStream<'static, replicant::Result<Bytes>>>>>,
    content: Vec<u8>,
}

impl Transport for Hasty {
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
            Ok(HttpResponse { status, headers: Vec::new(), body: Box::new(Bytes::from(body.to_string())) })
        })
    }
}

#[tokio::test]
async fn an_attempt_that_lingers_does_not_spoil_the_checksum_of_the_next() {
    let content = vec![7; SIZE];
    let server = Hasty { content: content.clone(), ..Hasty::default() };
    let options = Options { transport: Some(Arc::new(server)), ..support::quick() };
    let client = Client::new(options).unwrap();
    let uploaded = client.files().create(File::bytes(content)).await;
    assert_eq!(uploaded.unwrap().id, "f");
}

/// Says that it has ten bytes, and gives four and perhaps an error.
#[derive(Debug)]
struct Torn {
    breaks: bool,
}

impl ByteSource for Torn {
    fn len(&self) -> Option<u64> {
        Some(10)
    }

    fn replayable(&self) -> bool {
        true
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let broken = Err(Error::new(ErrorKind::FileNotFound, "the disk is gone").into());
        let pieces = [Ok(Bytes::from_static(b"torn"))].into_iter().chain(self.breaks.then_some(broken));
        let pieces = stream::iter(pieces);
        Box::pin(async move { Ok(Box::pin(pieces) as BoxStream<'static, _>) })
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_is_the_news_not_the_broken_connection() {
    let (emulator, client) = start();
    for (breaks, kind, why) in [
        (true, ErrorKind::FileNotFound, "the disk is gone"),
        (false, ErrorKind::InvalidArgument, "changed during the upload: read 4 bytes instead of 10"),
    ] {
        let file = File::source(Arc::new(Torn { breaks })).filename("t.bin");
        let error = client.files().create(file).await.unwrap_err();
        assert!(error.kind() == kind && error.message().contains(why), "{error:?}");
    }
    assert!(emulator.requests_json().matches("\"/v1/files\"").count() <= 2, "it was tried again");
}
