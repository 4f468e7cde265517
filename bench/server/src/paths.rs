//! The hot paths of the core without a socket, to count their instructions (`replicant-bench path NAME TIMES` under
//! callgrind) and to time them (`replicant-bench paths`).

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use replicant::{
    BoxFuture, Client, File, Options, Result, Value, Webhook, json, operation,
    transport::{HttpRequest, HttpResponse, StreamBody, Transport},
};

use crate::responses::prediction;

/// Events of the stream.
const EVENTS: usize = 1000;
const ORIGIN: &str = "http://bench.local";

type Path = Box<dyn Fn(&tokio::runtime::Runtime)>;

/// Returns all paths by name.
fn paths() -> Vec<(&'static str, Path)> {
    let text = prediction(ORIGIN, "p1", "succeeded", serde_json::json!("a heron at dawn"));
    let value = Value::from_json(text.as_bytes()).expect("JSON");
    let text = Bytes::from(text);
    let (read, written, answered, run) = (text.clone(), value.clone(), text.clone(), text.clone());
    let inlined = text;
    let events = events();
    vec![
        ("json: read a prediction", Box::new(move |_| drop(black_box(Value::from_json(&read))))),
        ("json: write a prediction", Box::new(move |_| drop(black_box(written.to_json())))),
        ("call: create a prediction", {
            let client = client(Canned::Json(answered));
            Box::new(move |runtime| {
                let params = json!({"version": "v", "input": {"prompt": "a heron at dawn"}});
                let reply = operation::call_as_text(&client, "predictions.create", params.into(), None);
                drop(black_box(runtime.block_on(reply).expect("a response")));
            })
        }),
        ("call: run to its end", {
            let client = client(Canned::Json(run));
            Box::new(move |runtime| {
                let params = json!({"ref": "acme/painter", "input": {"prompt": "a heron at dawn"}});
                let reply = operation::call_as_text(&client, "run", params.into(), None);
                drop(black_box(runtime.block_on(reply).expect("a response")));
            })
        }),
        ("call: create with 48 KiB inlined", {
            let client = client(Canned::Json(inlined));
            let content = Bytes::from(vec![b'x'; 48 << 10]);
            Box::new(move |runtime| {
                let mut params: Value = json!({"version": "v", "input": {}}).into();
                params["input"]["image"] = File::bytes(content.clone()).filename("image.png").into();
                let reply = operation::call_as_text(&client, "predictions.create", params, None);
                drop(black_box(runtime.block_on(reply).expect("a response")));
            })
        }),
        ("stream: read 1,000 events", {
            let client = client(Canned::Events(events));
            Box::new(move |runtime| {
                let params =
                    json!({"prediction": {"id": "p1", "urls": {"stream": format!("{ORIGIN}/stream")}}});
                let items = operation::open(&client, "predictions.stream", params.into());
                // The prediction first, and `done` last.
                assert_eq!(runtime.block_on(items.count()), EVENTS + 2);
            })
        }),
        ("webhook: verify 1 KiB", Box::new(move |_| verify())),
    ]
}

enum Canned {
    Json(Bytes),
    Events(Bytes),
}

impl Transport for Canned {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        drop(black_box(request));
        let (kind, body): (_, Box<dyn replicant::transport::BodySource>) = match self {
            Self::Json(body) => ("application/json", Box::new(body.clone())),
            Self::Events(body) => {
                let body = body.clone();
                let starts = (0..body.len()).step_by(16 << 10);
                let pieces: Vec<_> =
                    starts.map(|at| Ok(body.slice(at..body.len().min(at + (16 << 10))))).collect();
                ("text/event-stream", Box::new(StreamBody(Box::pin(stream::iter(pieces)))))
            }
        };
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        async move { Ok(HttpResponse::new(200, headers, body)) }.boxed()
    }
}

fn client(transport: Canned) -> Client {
    let options = Options {
        token: Some("r8_bench".into()),
        base_url: Some(ORIGIN.into()),
        transport: Some(Arc::new(transport)),
        ..Options::default()
    };
    Client::new(options).expect("a client")
}

fn events() -> Bytes {
    let mut text = String::new();
    for n in 0..EVENTS {
        text.push_str(&format!("event: output\nid: 1767225600000-{n}\ndata: heron {n}\n\n"));
    }
    text.push_str("event: done\nid: 1767225600000-z\ndata: {}\n\n");
    Bytes::from(text)
}

fn verify() {
    // The signature has this key and this time.
    let body = format!(r#"{{"id":"p1","status":"succeeded","output":"{}"}}"#, "x".repeat(982));
    let webhook =
        Webhook { id: "msg_1", timestamp: "1767225600", signature: SIGNATURE, body: body.as_bytes() };
    let now = Duration::from_secs(1_767_225_600);
    let event = webhook.verify("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", now, None);
    assert!(black_box(event).is_ok());
}

const SIGNATURE: &str = "v1,1Xs2bsUaMO1el8vZDE02i6gOLL08ZfIuBdyjvXfjRiM=";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Runs a path `times` times.
pub fn run(name: &str, times: u32) {
    let runtime = runtime();
    let paths = paths();
    let Some((_, path)) = paths.iter().find(|(known, _)| *known == name) else {
        eprintln!("no path is named {name:?}");
        std::process::exit(2);
    };
    for _ in 0..times {
        path(&runtime);
    }
}

/// Prints the names of all paths.
pub fn list() {
    for (name, _) in paths() {
        println!("{name}");
    }
}

/// Times all paths.
pub fn time() {
    let runtime = runtime();
    for (name, path) in paths() {
        path(&runtime);
        let (began, mut times) = (Instant::now(), 0u32);
        while began.elapsed() < Duration::from_millis(500) {
            path(&runtime);
            times += 1;
        }
        println!("{name:34} {:>10.2} us", began.elapsed().as_secs_f64() * 1e6 / f64::from(times));
    }
}
