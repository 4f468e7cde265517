//! The responses, built before the first request.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::json;

/// Events of one stream, without the final `done`.
pub const EVENTS: usize = 100_000;
/// Size of the downloaded file.
pub const FILE: u64 = 1 << 30;

/// Complete responses, head and body.
pub struct Responses {
    pub created: Bytes,
    pub succeeded: Bytes,
    pub streaming: Bytes,
    pub uploaded: Bytes,
    pub large: Bytes,
    pub events: Bytes,
    pub file_head: Bytes,
    pub file_piece: Bytes,
    pub not_found: Bytes,
}

impl Responses {
    pub fn new(origin: &str) -> Self {
        let file = json!({
            "id": "f1", "name": "upload.bin", "content_type": "application/octet-stream", "size": 94371840,
            "etag": "e", "checksums": {}, "metadata": {}, "created_at": TIME, "expires_at": TIME,
            "urls": {"get": format!("{origin}/v1/files/f1")},
        });
        Self {
            created: respond(201, &prediction(origin, "p1", "starting", json!(null))),
            succeeded: respond(201, &prediction(origin, "p1", "succeeded", json!("a heron at dawn"))),
            streaming: respond(201, &prediction(origin, "p1", "processing", json!(null))),
            uploaded: respond(201, &file.to_string()),
            large: respond(200, &prediction(origin, "big", "succeeded", large_output())),
            events: events(),
            file_head: Bytes::from(format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {FILE}\r\n\r\n"
            )),
            file_piece: Bytes::from(vec![b'x'; 256 << 10]),
            not_found: respond(404, r#"{"title":"Not found","status":404}"#),
        }
    }
}

const TIME: &str = "2026-01-01T00:00:00.000Z";

/// Returns a prediction as JSON.
pub fn prediction(origin: &str, id: &str, status: &str, output: serde_json::Value) -> String {
    json!({
        "id": id, "model": "bench/model", "version": "0".repeat(64), "status": status,
        "input": {"prompt": "a heron at dawn, oil on canvas", "seed": 7, "width": 1024, "height": 1024},
        "output": output, "logs": "", "error": null, "source": "api", "data_removed": false,
        "metrics": {"predict_time": 1.25, "total_time": 1.5},
        "created_at": TIME, "started_at": TIME, "completed_at": null,
        "urls": {
            "get": format!("{origin}/v1/predictions/{id}"),
            "cancel": format!("{origin}/v1/predictions/{id}/cancel"),
            "stream": format!("{origin}/v1/stream/{id}"),
            "web": format!("https://replicate.com/p/{id}"),
        },
    })
    .to_string()
}

pub fn respond(status: u16, body: &str) -> Bytes {
    Bytes::from(format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nratelimit-remaining: 599\r\n\
         ratelimit-limit: 600\r\nx-request-id: 4bf92f3577b34da6\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n{body}",
        body.len()
    ))
}

/// Returns about 10 MiB of objects, numbers and text.
fn large_output() -> serde_json::Value {
    let item = |n: usize| {
        json!({
            "index": n, "score": n as f64 / 7.0, "label": format!("bird {n}"), "box": [n, n + 1, n + 20, n + 30],
            "text": "A grey heron stands at the water's edge and waits, as it has since the morning.",
        })
    };
    (0..54_000).map(item).collect()
}

/// Returns an event stream with ids, in chunks of about 16 KiB.
fn events() -> Bytes {
    let mut out = String::from(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\
         transfer-encoding: chunked\r\n\r\n",
    );
    let mut chunk = String::new();
    for n in 0..=EVENTS {
        let (event, data) = if n < EVENTS { ("output", " heron") } else { ("done", "{}") };
        let _ = write!(chunk, "event: {event}\nid: 1767225600000-{n}\ndata: {data}\n\n");
        if chunk.len() >= 16 << 10 || n == EVENTS {
            let _ = write!(out, "{:x}\r\n{chunk}\r\n", chunk.len());
            chunk.clear();
        }
    }
    out.push_str("0\r\n\r\n");
    Bytes::from(out)
}
