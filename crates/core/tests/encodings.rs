//! Event streams and files that a server compresses although they were requested without compression.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder};
use futures_util::TryStreamExt;
use replicant::{Client, ErrorKind, Item, Options, Value, json, operation};
use support::quick;
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const CODINGS: [&str; 3] = ["gzip", "deflate", "br"];

/// Responses in turn, each to a connection of its own, and the heads of the requests.
struct Server {
    base_url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(responses: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            for response in responses {
                let (mut connection, _) = listener.accept().await.unwrap();
                let head = read_head(&mut connection).await;
                seen.lock().unwrap().push(head);
                connection.write_all(&response).await.unwrap();
                connection.shutdown().await.unwrap();
            }
        });
        Self { base_url, heads }
    }

    fn client(&self) -> Client {
        let base_url = Some(self.base_url.clone());
        Client::new(Options { base_url, max_retries: Some(2), ..quick() }).unwrap()
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn read_head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// Compresses `parts`, each of which can be decoded when its last byte has arrived. Returns the ends of the parts.
async fn compressed(coding: &str, parts: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
    async fn write<E: AsyncWrite + Unpin>(
        mut encoder: E,
        parts: &[&[u8]],
        written: impl Fn(&E) -> usize,
    ) -> (E, Vec<usize>) {
        let mut ends = Vec::new();
        for part in parts {
            encoder.write_all(part).await.unwrap();
            encoder.flush().await.unwrap();
            ends.push(written(&encoder));
        }
        encoder.shutdown().await.unwrap();
        (encoder, ends)
    }
    macro_rules! with {
        ($encoder:ident) => {{
            let (encoder, ends) =
                write($encoder::new(Vec::new()), parts, |encoder| encoder.get_ref().len()).await;
            (encoder.into_inner(), ends)
        }};
    }
    match coding {
        "gzip" => with!(GzipEncoder),
        "deflate" => with!(ZlibEncoder),
        "br" => with!(BrotliEncoder),
        other => panic!("{other}"),
    }
}

fn response(coding: &str, more: &str, declared: Option<usize>, body: &[u8]) -> Vec<u8> {
    let length = declared.map(|length| format!("content-length: {length}\r\n")).unwrap_or_default();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n{more}{length}connection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Plays two connections of a stream, of which the first ends after `keep` bytes. Returns the outputs.
async fn outputs(coding: &str, first: &[u8], second: &[u8]) -> (replicant::Result<Vec<String>>, Server) {
    let events = "content-type: text/event-stream\r\n";
    // A declared length makes the early end a broken connection.
    let cut = response(coding, events, Some(first.len() + 1000), first);
    let rest = response(coding, events, Some(second.len()), second);
    let server = Server::start(vec![cut, rest]).await;
    let url = server.base_url.replace("/v1", "/stream");
    let prediction = json!({"id": "p1", "status": "processing", "urls": {"stream": url}});
    let params = json!({"prediction": prediction});
    let items = operation::open(&server.client(), "predictions.stream", params.into());
    let outputs = items
        .try_filter_map(|item| async move {
            Ok(match item {
                Item::Event(event) if event.event == "output" => Some(event.data),
                _ => None,
            })
        })
        .try_collect()
        .await;
    (outputs, server)
}

#[tokio::test]
async fn a_compressed_stream_is_resumed_wherever_it_breaks() {
    let events: Vec<String> = (0..6).map(|n| format!("id: {n}\nevent: output\ndata: word {n}\n\n")).collect();
    let parts: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
    for coding in CODINGS {
        let (body, ends) = compressed(coding, &parts).await;
        // After an event, and inside the compressed form of the next one.
        for cut in [ends[2], ends[2] + 1, usize::midpoint(ends[2], ends[3])] {
            let rest: Vec<&[u8]> =
                parts[3..].iter().copied().chain([&b"event: done\ndata: {}\n\n"[..]]).collect();
            let (second, _) = compressed(coding, &rest).await;
            let (outputs, server) = outputs(coding, &body[..cut], &second).await;
            let expected: Vec<String> = (0..6).map(|n| format!("word {n}")).collect();
            assert_eq!(outputs.unwrap(), expected, "{coding} cut at {cut}");
            let heads = server.heads();
            assert_eq!(heads.len(), 2, "{coding}");
            assert!(heads[0].contains("\r\naccept-encoding: identity\r\n"), "{}", heads[0]);
            assert!(heads[1].contains("\r\nlast-event-id: 2\r\n"), "{coding} cut at {cut}: {}", heads[1]);
        }
    }
}

#[tokio::test]
async fn a_compressed_file_that_breaks_is_downloaded_again_from_its_start() {
    let content: Vec<u8> = (0..60_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for coding in CODINGS {
        let (body, _) = compressed(coding, &[&content]).await;
        let tag = "etag: \"1\"\r\n";
        let cut = response(coding, tag, Some(body.len()), &body[..body.len() / 2]);
        let whole = response(coding, tag, Some(body.len()), &body);
        let server = Server::start(vec![cut, whole]).await;
        let params = json!({"url": server.base_url.replace("/v1", "/f.bin")});
        let reply = operation::call(&server.client(), "output.bytes", params.into(), None).await.unwrap();
        assert!(reply.value == Value::Bytes(content.clone().into()), "{coding}");
        let heads = server.heads();
        assert_eq!(heads.len(), 2, "{coding}");
        // A range would be one of the compressed bytes.
        assert!(heads.iter().all(|head| !head.contains("\r\nrange:")), "{heads:?}");
        assert!(heads.iter().all(|head| head.contains("\r\naccept-encoding: identity\r\n")), "{heads:?}");
    }
}

#[tokio::test]
async fn a_compressed_file_is_read_from_an_offset() {
    let content = b"0123456789".repeat(1000);
    for coding in CODINGS {
        let (body, _) = compressed(coding, &[&content]).await;
        let range = format!("content-range: bytes 9990-{}/{}\r\n", body.len() - 1, body.len());
        let part = String::from_utf8(response(coding, &range, Some(3), b"")).unwrap();
        let part = part.replace("200 OK", "206 Partial Content") + "abc";
        let whole = response(coding, "", Some(body.len()), &body);
        let server = Server::start(vec![part.into(), whole]).await;
        let params = json!({"url": server.base_url.replace("/v1", "/f.bin"), "offset": 9990});
        let items = operation::open(&server.client(), "output.read", params.into());
        let read = items.try_fold(Vec::new(), async |mut read, item| {
            if let Item::Bytes(chunk) = item {
                read.extend_from_slice(&chunk);
            }
            Ok(read)
        });
        assert_eq!(read.await.unwrap(), b"0123456789", "{coding}");
        let heads = server.heads();
        assert!(
            heads[0].contains("\r\nrange: bytes=9990-\r\n") && !heads[1].contains("\r\nrange:"),
            "{heads:?}"
        );
    }
}

#[tokio::test]
async fn a_compressed_file_that_changes_while_it_is_downloaded_is_an_error() {
    let (old, _) = compressed("gzip", &[&b"old".repeat(50_000)]).await;
    let (new, _) = compressed("gzip", &[&b"new".repeat(50_000)]).await;
    let cut = response("gzip", "etag: \"1\"\r\n", Some(old.len()), &old[..old.len() / 2]);
    let whole = response("gzip", "etag: \"2\"\r\n", Some(new.len()), &new);
    let server = Server::start(vec![cut, whole]).await;
    let params = json!({"url": server.base_url.replace("/v1", "/f.bin")});
    let error = operation::call(&server.client(), "output.bytes", params.into(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download, "{error}");
    assert!(error.message().contains("has changed"), "{error}");
}
