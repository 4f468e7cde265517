//! Sends a scripted reply with its faults.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use super::exchange::{Close, Content, ContentLength, Reply};

// Limits how much of a repeated byte is in memory.
const PIECE: usize = 1 << 16;
// Lets the last bytes leave before the connection is broken.
const FLUSH: Duration = Duration::from_millis(5);

/// How a reply ended.
pub(super) enum Outcome {
    /// The reply was sent, and the connection can be reused.
    Sent,
    /// The connection must be closed.
    Close,
    /// The connection must be reset.
    Reset,
    /// The client closed the connection.
    ClientClosed,
}

/// Sends a reply. `keep_alive` is whether the client can reuse the connection.
pub(super) async fn play(
    stream: &mut TcpStream,
    reply: &Reply,
    keep_alive: bool,
    is_head: bool,
) -> io::Result<Outcome> {
    if !pause(stream, reply.delay_ms).await {
        return Ok(Outcome::ClientClosed);
    }
    match reply.close {
        Some(Close::BeforeHead) => return Ok(Outcome::Close),
        Some(Close::ResetBeforeHead) => return Ok(Outcome::Reset),
        None => {}
    }
    let content = reply.content();
    let chunked = reply.is_chunked();
    let wrong_length =
        matches!(reply.content_length, Some(ContentLength::Exactly(length)) if length != content.len());
    let (head, wants_close) = head(reply, content.len(), chunked, keep_alive && !wrong_length);
    if let Some(end) = reply.head_cut_at {
        stream.write_all(&head.as_bytes()[..end.min(head.len())]).await?;
        return Ok(Outcome::Close);
    }
    stream.write_all(head.as_bytes()).await?;
    if is_head {
        return Ok(if wants_close { Outcome::Close } else { Outcome::Sent });
    }

    let limits = [reply.cut_at, reply.reset_at, reply.stall_at];
    let limit = limits.iter().flatten().min().copied();
    let end = limit.unwrap_or(usize::MAX).min(content.len());
    let mut from = 0;
    for to in reply.chunks.iter().copied().filter(|at| *at < end).chain([end]) {
        if to <= from && from > 0 {
            continue;
        }
        if from > 0 && !pause(stream, reply.chunk_delay_ms).await {
            return Ok(Outcome::ClientClosed);
        }
        send(stream, &content, from, to, chunked).await?;
        from = to;
    }
    if limit.is_none() {
        if chunked {
            stream.write_all(b"0\r\n\r\n").await?;
        }
        return Ok(if wants_close { Outcome::Close } else { Outcome::Sent });
    }
    if reply.stall_at.is_some() {
        until_closed(stream).await;
        return Ok(Outcome::ClientClosed);
    }
    sleep(FLUSH).await;
    Ok(if reply.reset_at.is_some() { Outcome::Reset } else { Outcome::Close })
}

/// Returns the head, and whether the connection closes after the response.
fn head(reply: &Reply, length: usize, chunked: bool, keep_alive: bool) -> (String, bool) {
    let status = reply.status.unwrap_or(200);
    let reason = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or("Unknown"));
    let set = |name: &str| reply.headers.keys().any(|key| key.eq_ignore_ascii_case(name));
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if let (Some(kind), false) = (reply.content_type(), set("content-type")) {
        head += &format!("content-type: {kind}\r\n");
    }
    let bodiless = matches!(status, 100..=199 | 204 | 304);
    if chunked {
        head += "transfer-encoding: chunked\r\n";
    } else if let Some(ContentLength::Exactly(length)) = reply.content_length {
        head += &format!("content-length: {length}\r\n");
    } else if !(set("content-length") || bodiless && length == 0) {
        head += &format!("content-length: {length}\r\n");
    }
    let close = reply
        .headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close"));
    if !keep_alive && !close {
        head += "connection: close\r\n";
    }
    head += "\r\n";
    (head, close || !keep_alive)
}

/// Sends a part of the body, as one HTTP chunk if the body is chunked and the part small.
async fn send(
    stream: &mut TcpStream,
    content: &Content,
    from: usize,
    to: usize,
    chunked: bool,
) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let next = to.min(at + PIECE);
        let piece = content.slice(at, next);
        if chunked {
            let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
            stream.write_all(&Bytes::from(framed)).await?;
        } else {
            stream.write_all(&piece).await?;
        }
        at = next;
    }
    stream.flush().await
}

/// Waits. Returns false if the client closes the connection meanwhile.
async fn pause(stream: &TcpStream, milliseconds: u64) -> bool {
    if milliseconds == 0 {
        return true;
    }
    let end = Instant::now() + Duration::from_millis(milliseconds);
    timeout_at(end, until_closed(stream)).await.is_err()
}

/// Waits until the client closes the connection.
async fn until_closed(stream: &TcpStream) {
    let mut byte = [0];
    loop {
        match stream.peek(&mut byte).await {
            Ok(0) | Err(_) => return,
            // The next request has arrived, so the connection is open.
            Ok(_) => sleep(FLUSH).await,
        }
    }
}
