//! A fast server: one thread, persistent connections, prebuilt responses.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{LocalSet, spawn_local},
};

use crate::responses::{FILE, Responses, prediction, respond};

/// How long a prediction of the slow model runs.
const TAKES: Duration = Duration::from_secs(2);

struct State {
    origin: String,
    responses: Responses,
    requests: Cell<u64>,
    /// When each prediction of the slow model was created.
    slow: RefCell<Vec<Instant>>,
}

/// Serves on a free loopback port, prints its URL, and exits when standard input closes.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    runtime.block_on(LocalSet::new().run_until(accept())).expect("a listener");
}

async fn accept() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    println!("{origin}");
    let responses = Responses::new(&origin);
    let state = Rc::new(State { origin, responses, requests: Cell::new(0), slow: RefCell::default() });
    loop {
        let (stream, _) = listener.accept().await?;
        let state = Rc::clone(&state);
        // A client may close its connection at any time.
        spawn_local(async move { drop(converse(stream, &state).await) });
    }
}

/// The parts of a request that the server needs.
struct Request {
    head: Bytes,
    length: Option<u64>,
}

impl Request {
    fn line(&self) -> &str {
        let end = self.head.iter().position(|byte| *byte == b'\r').unwrap_or(self.head.len());
        std::str::from_utf8(&self.head[..end]).unwrap_or_default()
    }
}

async fn converse(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = BytesMut::with_capacity(64 << 10);
    while let Some(request) = read_head(&mut stream, &mut buffer).await? {
        skip_body(&mut stream, &mut buffer, request.length).await?;
        respond_to(&mut stream, &request, state).await?;
    }
    Ok(())
}

async fn read_head(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            let head = buffer.split_to(end + 4).freeze();
            let length = length_of(&head);
            return Ok(Some(Request { head, length }));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Returns the length of the body, or `None` if it is chunked.
fn length_of(head: &[u8]) -> Option<u64> {
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = || std::str::from_utf8(&value[1..]).unwrap_or_default().trim();
        if name.eq_ignore_ascii_case(b"content-length") {
            return value().parse().ok();
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return None;
        }
    }
    Some(0)
}

async fn skip_body(stream: &mut TcpStream, buffer: &mut BytesMut, length: Option<u64>) -> io::Result<()> {
    let mut left = length.unwrap_or(u64::MAX);
    loop {
        let last = if length.is_none() { find(buffer, b"\r\n0\r\n\r\n").map(|at| at + 7) } else { None };
        let here = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match last {
            Some(end) => {
                buffer.advance(end);
                return Ok(());
            }
            // The last chunk may be split between two reads.
            None if length.is_none() => buffer.advance(here.saturating_sub(6)),
            None => {
                buffer.advance(here);
                left -= here as u64;
                if left == 0 {
                    return Ok(());
                }
            }
        }
        buffer.reserve(256 << 10);
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

async fn respond_to(stream: &mut TcpStream, request: &Request, state: &State) -> io::Result<()> {
    state.requests.set(state.requests.get() + 1);
    let responses = &state.responses;
    let line = request.line();
    let path = line.split(' ').nth(1).unwrap_or_default();
    match (line.as_bytes().first(), path) {
        (Some(b'P'), "/v1/predictions") => stream.write_all(&responses.created).await,
        (Some(b'P'), "/v1/models/bench/run/predictions") => stream.write_all(&responses.succeeded).await,
        (Some(b'P'), "/v1/models/bench/stream/predictions") => stream.write_all(&responses.streaming).await,
        (Some(b'P'), "/v1/models/bench/slow/predictions") => stream.write_all(&begin(state)).await,
        (Some(b'P'), "/v1/files") => stream.write_all(&responses.uploaded).await,
        (Some(b'G'), "/v1/predictions/big") => stream.write_all(&responses.large).await,
        (Some(b'G'), "/v1/stream/p1") => stream.write_all(&responses.events).await,
        (Some(b'G'), "/file") => {
            stream.write_all(&responses.file_head).await?;
            for _ in 0..FILE / responses.file_piece.len() as u64 {
                stream.write_all(&responses.file_piece).await?;
            }
            Ok(())
        }
        (Some(b'G'), "/requests") => {
            let count = state.requests.replace(0) - 1;
            stream.write_all(&respond(200, &count.to_string())).await
        }
        (Some(b'G'), path) if path.starts_with("/v1/predictions/slow-") => {
            stream.write_all(&progress(state, path)).await
        }
        _ => stream.write_all(&responses.not_found).await,
    }
}

fn begin(state: &State) -> Bytes {
    let mut slow = state.slow.borrow_mut();
    let id = format!("slow-{}", slow.len());
    slow.push(Instant::now());
    respond(201, &prediction(&state.origin, &id, "starting", json!(null)))
}

fn progress(state: &State, path: &str) -> Bytes {
    let id = path.rsplit('/').next().unwrap_or_default();
    let number: Option<usize> = id.strip_prefix("slow-").and_then(|number| number.parse().ok());
    match number.and_then(|number| state.slow.borrow().get(number).copied()) {
        Some(created) if created.elapsed() >= TAKES => {
            respond(200, &prediction(&state.origin, id, "succeeded", json!("a heron")))
        }
        Some(_) => respond(200, &prediction(&state.origin, id, "processing", json!(null))),
        None => state.responses.not_found.clone(),
    }
}
