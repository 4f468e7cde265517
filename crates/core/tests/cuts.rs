//! Responses that break at each of their bytes, including the head.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use replicant::{
    Client, Item, Options, Value, json,
    native::{HttpOptions, HttpTransport},
    operation,
};
use replicant_emulator::{Config, Emulator, Script};
use support::{
    http2::{self, Http2, data, end, head, reset},
    temporary_folder,
};

/// Lists breaks in the head and at each byte of the body, by a close and by a reset.
fn breaks(body: &str) -> Vec<Value> {
    let head = (0..120).step_by(7).map(|at| json!({"head_cut_at": at}));
    let lengths = 0..body.len();
    let cuts = lengths.clone().map(|at| json!({"cut_at": at}));
    let resets = lengths.map(|at| json!({"reset_at": at}));
    let before = ["before_head", "reset_before_head"].map(|how| json!({"close": how}));
    head.chain(cuts).chain(resets).chain(before).map(Value::from).collect()
}

/// Adds a break to a reply.
fn with(mut reply: Value, broken: &Value) -> Value {
    for (name, value) in broken.as_object().unwrap() {
        reply[name.as_str()] = value.clone();
    }
    reply
}

fn exchange(expect: serde_json::Value, reply: Value) -> Value {
    let mut exchange = Value::object();
    exchange["expect"] = expect.into();
    exchange["reply"] = reply;
    exchange
}

struct Server {
    emulator: Emulator,
    /// Shared by all clients, because setting up TLS for each takes long.
    transport: Arc<HttpTransport>,
}

impl Server {
    fn play(&self, exchanges: Vec<Value>) -> (Arc<Script>, Client) {
        let mut case = Value::object();
        case["exchanges"] = exchanges.into();
        let script = self.emulator.replay(std::str::from_utf8(&case.to_json().unwrap()).unwrap()).unwrap();
        let options = Options {
            base_url: Some(script.base_url()),
            transport: Some(self.transport.clone()),
            clock_rate: Some(1000.0),
            // The clock is fast, so the timeouts are long: no response is too slow.
            timeout: Some(Duration::from_secs(60_000)),
            idle_timeout: Some(Duration::from_secs(60_000)),
            ..Options::default()
        };
        (script, Client::new(options).unwrap())
    }
}

fn server() -> Server {
    let transport = HttpTransport::new(HttpOptions::default()).unwrap();
    Server { emulator: Emulator::start(Config::default()).unwrap(), transport: Arc::new(transport) }
}

#[tokio::test]
async fn a_read_is_retried_after_a_break_at_any_byte() {
    let server = server();
    let body = r#"{"id": "p1", "output": "é🦩"}"#;
    let reply: Value = json!({"text": body, "headers": {"content-type": "application/json"}}).into();
    for broken in breaks(body) {
        let exchanges =
            vec![exchange(json!({}), with(reply.clone(), &broken)), exchange(json!({}), reply.clone())];
        let (script, client) = server.play(exchanges);
        let prediction = client.predictions().get("p1").await;
        assert_eq!(
            prediction.unwrap_or_else(|error| panic!("{broken}: {error:?}")).output,
            "é🦩",
            "{broken}"
        );
        assert!(script.problems().is_empty(), "{broken}: {:?}", script.problems());
    }
}

#[tokio::test]
async fn a_create_is_not_retried_after_a_break_at_any_byte() {
    let server = server();
    let body = r#"{"id": "p1", "status": "starting"}"#;
    let reply: Value =
        json!({"status": 201, "text": body, "headers": {"content-type": "application/json"}}).into();
    for broken in breaks(body) {
        let (script, client) =
            server.play(vec![exchange(json!({"method": "POST"}), with(reply.clone(), &broken))]);
        let error = client.predictions().create("acme/text", json!({})).await.unwrap_err();
        assert!(error.outcome_unknown(), "{broken}: {error:?}");
        assert_eq!(error.code(), "outcome_unknown", "{broken}");
        assert!(script.problems().is_empty(), "{broken}: {:?}", script.problems());
    }
}

#[tokio::test]
async fn a_stream_resumes_after_a_break_at_any_byte() {
    let server = server();
    let created =
        json!({"status": 201, "json": {"id": "p1", "status": "starting", "urls": {"stream": "{{base}}/s"}}});
    let events = [("1:0", "Hé"), ("1:1", "two"), ("1:2", "🦩")];
    let sse = |from: usize| {
        let events = events[from..].iter();
        let events: String =
            events.map(|(id, data)| format!("event: output\nid: {id}\ndata: {data}\n\n")).collect();
        format!("{events}event: done\ndata: {{}}\n\n")
    };
    for broken in breaks(&sse(0)) {
        // After `Last-Event-ID` the server sends only the remaining events.
        let at =
            broken.get("cut_at").or(broken.get("reset_at")).and_then(Value::as_i64).unwrap_or(0) as usize;
        let whole = sse(0);
        let seen = whole.as_bytes()[..at].windows(2).filter(|pair| *pair == b"\n\n").count();
        let last = if seen == 0 { json!(null) } else { json!(events[seen - 1].0) };
        let exchanges = vec![
            exchange(json!({"method": "POST"}), created.clone().into()),
            exchange(
                json!({"headers": {"last-event-id": null}}),
                with(json!({"sse": whole}).into(), &broken),
            ),
            exchange(json!({"headers": {"last-event-id": last}}), json!({"sse": sse(seen)}).into()),
        ];
        let (script, client) = server.play(exchanges);
        let events = client.stream("acme/text", json!({})).await.unwrap();
        let text: Vec<String> =
            events.text().try_collect().await.unwrap_or_else(|error| panic!("{broken}: {error:?}"));
        assert_eq!(text, ["Hé", "two", "🦩"], "{broken}");
        // A reset may overtake bytes sent before it, so the client may have received fewer events.
        let problems: Vec<_> = script.problems();
        assert!(problems.is_empty() || broken.get("reset_at").is_some(), "{broken}: {problems:?}");
    }
}

#[tokio::test]
async fn a_download_resumes_after_a_break_at_any_byte() {
    let server = server();
    let content = "0123456789abcdef";
    for broken in breaks(content) {
        let at =
            broken.get("cut_at").or(broken.get("reset_at")).and_then(Value::as_i64).unwrap_or(0) as usize;
        let headers = json!({"etag": "\"e\""});
        let mut exchanges =
            vec![exchange(json!({}), with(json!({"headers": headers, "text": content}).into(), &broken))];
        if at == 0 || broken.get("reset_at").is_some() {
            exchanges.push(exchange(json!({}), json!({"headers": headers, "text": content}).into()));
        } else {
            let range = format!("bytes {at}-15/16");
            let rest = json!({"status": 206, "headers": {"etag": "\"e\"", "content-range": range}, "text": content[at..]});
            exchanges.push(exchange(json!({"headers": {"range": format!("bytes={at}-")}}), rest.into()));
        }
        let (script, client) = server.play(exchanges);
        let params = json!({"url": format!("{}/a", script.base_url())});
        let items: Vec<Item> = operation::open(&client, "output.read", params.into())
            .try_collect()
            .await
            .unwrap_or_else(|error| panic!("{broken}: {error:?}"));
        let read: Vec<u8> = items
            .into_iter()
            .flat_map(|item| match item {
                Item::Bytes(bytes) => bytes.to_vec(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(read, content.as_bytes(), "{broken}");
        assert!(script.problems().is_empty(), "{broken}: {:?}", script.problems());
    }
}

/// Errors of HTTP/2 with which a server may end a stream: none, `INTERNAL_ERROR` and `CANCEL`.
const RESETS: [u32; 3] = [0, 2, 8];

#[tokio::test]
async fn a_stream_of_http2_that_ends_early_is_a_break() {
    const JSON: (&str, &str) = ("content-type", "application/json");
    let body = r#"{"id": "p1", "status": "starting", "output": "text"}"#;
    let length = body.len().to_string();
    let folder = temporary_folder();
    for (code, headers) in RESETS
        .into_iter()
        .flat_map(|code| [(code, vec![JSON]), (code, vec![JSON, ("content-length", length.as_str())])])
    {
        let shown = format!("{code} {}", headers.len());
        let broken = [head(&headers), vec![data(&body[..20]), reset(code)]].concat();
        // A reset after the end says that the rest of the request is not needed.
        let whole = [head(&headers), vec![end(body), reset(0)]].concat();
        let server = || Http2::start(http2::tls("server", None), vec![broken.clone(), whole.clone()]);
        let read = server();
        let client = Client::new(read.options()).unwrap();
        let prediction = client.predictions().get("p1").await;
        assert_eq!(prediction.unwrap_or_else(|error| panic!("{shown}: {error:?}")).output, "text");
        assert_eq!(read.requests(), 2, "{shown}");

        let created = server();
        let client = Client::new(created.options()).unwrap();
        let error = client.predictions().create("acme/text", json!({})).await.unwrap_err();
        assert_eq!(error.code(), "outcome_unknown", "{shown}: {error:?}");
        assert_eq!(created.requests(), 1, "{shown}");

        let path = folder.path().join(&shown);
        let saved = server();
        let client = Client::new(saved.options()).unwrap();
        let params = json!({"url": saved.url(), "path": path.to_str()});
        let save = operation::call(&client, "output.save", params.into(), None).await;
        save.unwrap_or_else(|error| panic!("{shown}: {error:?}"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), body, "{shown}");
        assert_eq!(saved.requests(), 2, "{shown}");
    }
}
