//! Reads HTTP/1.1 requests from a socket. HTTP libraries would not let replies control every byte of it.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LARGEST_HEAD: usize = 1 << 20;
// That of the API, so that scripts can have its largest uploads.
const LARGEST_BODY: usize = 160_000_000;
const MOST_HEADERS: usize = 128;

/// A received request.
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query, percent-encoded.
    pub(super) target: String,
    /// In order, with names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) keep_alive: bool,
}

impl Request {
    /// Returns the value of a header; values of the same name are joined by commas.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let first = values.next()?.1.clone();
        Some(values.fold(first, |all, (_, value)| format!("{all}, {value}")))
    }
}

/// Reads the next request of a connection. Returns `None` if the client has closed it between requests.
pub(super) async fn read(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Option<Request>> {
    let (mut request, head_length, version) = loop {
        if let Some(parsed) = parse_head(buffer).map_err(|error| bad(&error))? {
            break parsed;
        }
        if buffer.len() > LARGEST_HEAD {
            return Err(bad("the request head is too long"));
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    };
    let _ = buffer.split_to(head_length);
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
    request.keep_alive = version == 1 && !connection.contains("close");
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
    request.body = if chunked {
        read_chunked(stream, buffer).await?
    } else {
        let length = match request.header("content-length") {
            Some(text) => text.trim().parse().map_err(|_| bad("content-length is not a number"))?,
            None => 0,
        };
        take(stream, buffer, length).await?
    };
    Ok(Some(request))
}

fn parse_head(buffer: &[u8]) -> Result<Option<(Request, usize, u8)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(buffer).map_err(|error| error.to_string())? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let headers = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()));
    let request = Request {
        method: parsed.method.unwrap_or_default().into(),
        target: parsed.path.unwrap_or_default().into(),
        headers: headers.collect(),
        body: Bytes::new(),
        keep_alive: true,
    };
    Ok(Some((request, length, parsed.version.unwrap_or(1))))
}

/// Removes the next `length` bytes from the connection.
async fn take(stream: &mut TcpStream, buffer: &mut BytesMut, length: usize) -> io::Result<Bytes> {
    if length > LARGEST_BODY {
        return Err(bad("the request body is too large"));
    }
    while buffer.len() < length {
        buffer.reserve((length - buffer.len()).min(1 << 16));
        more(stream, buffer).await?;
    }
    Ok(buffer.split_to(length).freeze())
}

async fn read_chunked(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let (consumed, size) = loop {
            match httparse::parse_chunk_size(buffer) {
                Ok(httparse::Status::Complete(found)) => break found,
                Ok(httparse::Status::Partial) if buffer.len() <= LARGEST_HEAD => more(stream, buffer).await?,
                _ => return Err(bad("the size of a chunk is invalid")),
            }
        };
        let _ = buffer.split_to(consumed);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size == 0 {
            read_trailers(stream, buffer).await?;
            return Ok(body.freeze());
        }
        if size > LARGEST_BODY - body.len() {
            return Err(bad("the request body is too large"));
        }
        body.extend_from_slice(&take(stream, buffer, size).await?);
        // The line break after a chunk.
        take(stream, buffer, 2).await?;
    }
}

/// Reads up to the empty line that ends a chunked body.
async fn read_trailers(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    loop {
        let mut trailers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        match httparse::parse_headers(buffer, &mut trailers) {
            Ok(httparse::Status::Complete((length, _))) => {
                let _ = buffer.split_to(length);
                return Ok(());
            }
            Ok(httparse::Status::Partial) if buffer.len() <= LARGEST_HEAD => more(stream, buffer).await?,
            _ => return Err(bad("the trailers are invalid")),
        }
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
