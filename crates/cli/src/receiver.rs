//! A small HTTP server for webhooks: it reads one request from a connection and responds to it.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 64 * 1024 * 1024;
const MAX_HEADERS: usize = 100;
/// How long a request may take to arrive.
const LIMIT: Duration = Duration::from_secs(30);

/// A request.
pub(crate) struct Request {
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a request.
///
/// # Errors
/// The status and the reason of the response.
pub(crate) async fn read(stream: &mut TcpStream) -> Result<Request, (u16, String)> {
    match timeout(LIMIT, read_request(stream)).await {
        Ok(Ok(request)) => Ok(request),
        Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => Err((413, error.to_string())),
        Ok(Err(error)) => Err((400, error.to_string())),
        Err(_) => Err((408, "the request did not arrive in time".into())),
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<Request> {
    let mut buffer = BytesMut::new();
    let (mut request, length) = loop {
        if let Some(parsed) = parse_head(&buffer)? {
            break parsed;
        }
        if buffer.len() > MAX_HEAD {
            return Err(invalid("the head of the request is too long"));
        }
        more(stream, &mut buffer).await?;
    };
    let mut rest = buffer.split_off(length);
    if request.header("expect").is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let chunked = request.header("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked"));
    request.body = if chunked {
        read_chunks(stream, &mut rest).await?
    } else {
        let length = match request.header("content-length") {
            Some(text) => text.parse().map_err(|_| invalid("content-length is not a number"))?,
            None => 0,
        };
        take(stream, &mut rest, length).await?
    };
    Ok(request)
}

/// Parses the head of a request. Returns its length too, or `None` if it is incomplete.
fn parse_head(buffer: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(buffer).map_err(|error| invalid(&error.to_string()))? {
        httparse::Status::Partial => Ok(None),
        httparse::Status::Complete(length) => {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers = head.headers.iter();
            let headers = headers.map(|header| (header.name.to_ascii_lowercase(), text(header.value)));
            let method = head.method.unwrap_or_default().to_owned();
            Ok(Some((Request { method, headers: headers.collect(), body: Bytes::new() }, length)))
        }
    }
}

async fn read_chunks(stream: &mut TcpStream, rest: &mut BytesMut) -> io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let (consumed, size) = loop {
            match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete(found)) => break found,
                Ok(httparse::Status::Partial) if rest.len() < 1024 => more(stream, rest).await?,
                _ => return Err(invalid("the size of a chunk is invalid")),
            }
        };
        let _ = rest.split_to(consumed);
        if size == 0 {
            return Ok(body.freeze());
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > MAX_BODY.saturating_sub(body.len()) {
            return Err(too_large());
        }
        body.extend_from_slice(&take(stream, rest, size).await?);
        // The line break after a chunk.
        take(stream, rest, 2).await?;
    }
}

/// Returns the next `length` bytes.
async fn take(stream: &mut TcpStream, rest: &mut BytesMut, length: usize) -> io::Result<Bytes> {
    if length > MAX_BODY {
        return Err(too_large());
    }
    while rest.len() < length {
        more(stream, rest).await?;
    }
    Ok(rest.split_to(length).freeze())
}

async fn more(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(invalid("the request is incomplete")),
        _ => Ok(()),
    }
}

/// Sends the response and closes the connection.
pub(crate) async fn respond(stream: &mut TcpStream, status: u16, text: &str) {
    let length = text.len();
    let response = format!(
        "HTTP/1.1 {status} \r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    );
    // The sender may be gone.
    let _ = timeout(LIMIT, async {
        stream.write_all(response.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the body is too long")
}
