//! Compressed bodies: what was compressed is decoded, and no other body yields more than the limit.
#![no_main]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{LazyLock, Mutex, mpsc},
};

use async_compression::futures::bufread::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder};
use futures_util::{AsyncReadExt, TryStreamExt, io::Cursor};
use libfuzzer_sys::fuzz_target;
use replicant::{
    ErrorKind, Result,
    native::{HttpOptions, HttpTransport},
    transport::{HttpRequest, Transport},
};
use replicant_fuzz::check_error;

/// The limit of the decoder: this many bytes, or this many times the compressed size.
const FREE_SIZE: usize = 64 << 20;
const MAX_RATIO: usize = 200;

/// A server on loopback that sends the responses of this channel, because only the real transport decodes.
static RESPONSES: LazyLock<(String, Mutex<mpsc::Sender<Vec<u8>>>)> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let (send, receive) = mpsc::channel::<Vec<u8>>();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            let mut reader = BufReader::new(connection.try_clone().expect("a descriptor"));
            let mut line = String::new();
            // Keeps the connection until the client closes it.
            while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
                if line == "\r\n" {
                    let Ok(response) = receive.recv() else { return };
                    if connection.write_all(&response).is_err() {
                        break;
                    }
                }
                line.clear();
            }
        }
    });
    (url, Mutex::new(send))
});

static TRANSPORT: LazyLock<HttpTransport> =
    LazyLock::new(|| HttpTransport::new(HttpOptions::default()).expect("valid options"));

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
});

fn decode(coding: &str, body: &[u8]) -> Result<Vec<u8>> {
    let (url, responses) = &*RESPONSES;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n", body.len());
    responses.lock().expect("no panic").send([head.as_bytes(), body].concat()).expect("a server");
    let url = url.parse().expect("a URL");
    let request = HttpRequest::new("GET", url);
    RUNTIME.block_on(async {
        let chunks = TRANSPORT.send(request).await?.body.stream();
        chunks.try_fold(Vec::new(), async |mut whole, chunk| {
            whole.extend_from_slice(&chunk);
            Ok(whole)
        })
        .await
    })
}

fn compress(coding: u8, content: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let content = Cursor::new(content);
    macro_rules! with {
        ($encoder:ident) => {
            RUNTIME.block_on($encoder::new(content).read_to_end(&mut compressed))
        };
    }
    match coding % 4 {
        0 => with!(GzipEncoder),
        1 => with!(ZlibEncoder),
        2 => with!(DeflateEncoder),
        _ => with!(BrotliEncoder),
    }
    .expect("in memory");
    compressed
}

fuzz_target!(|input: (u8, u8, u16, &[u8])| {
    let (inner, outer, cut, body) = input;
    let name = |coding: u8| ["gzip", "deflate", "deflate", "br"][usize::from(coding % 4)];
    match decode(name(inner), body) {
        Ok(content) => assert!(content.len() <= FREE_SIZE.max(body.len() * MAX_RATIO)),
        Err(error) => check_error(&error),
    }
    let once = compress(inner, body);
    let twice = compress(outer, &once);
    let codings = format!("{}, {}", name(inner), name(outer));
    assert_eq!(decode(name(inner), &once).expect("compressed"), body);
    assert_eq!(decode(&codings, &twice).expect("compressed"), body);
    // A part of the compressed body must not pass for the whole.
    let cut = usize::from(cut) % once.len();
    match decode(name(inner), &once[..cut]) {
        Ok(content) => assert!(cut == 0 && content.is_empty() || content == body, "{cut} of {}", once.len()),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::Connection | ErrorKind::InvalidResponse),
            "{error}"
        ),
    }
});
