//! Requests for a JavaScript `fetch`; `node/src/fetch-transport.ts` is the other half.

use bytes::Bytes;
use futures_util::TryStreamExt;
use replicant::{
    BoxStream, Error, ErrorKind, Item, Result,
    transport::{HttpBody, HttpRequest},
};

/// A request in the form in which it crosses to JavaScript.
pub struct FetchParts {
    /// The method, the URL and the headers, a line each.
    pub head: String,
    /// A body that is JSON or text, which test doubles can parse.
    pub text: Option<String>,
    /// Another body.
    pub bytes: Option<Bytes>,
    /// A streamed body.
    pub stream: Option<BoxStream<'static, Result<Item>>>,
}

impl FetchParts {
    /// Takes a request apart.
    ///
    /// # Errors
    /// If a header has a line break.
    pub fn new(request: HttpRequest) -> Result<Self> {
        let HttpRequest { method, url, mut headers, body, .. } = request;
        let (mut text, mut bytes, mut stream) = (None, None, None);
        match body {
            HttpBody::Empty => {}
            HttpBody::Bytes(whole) => match body_text(&headers, whole) {
                Ok(whole) => text = Some(whole),
                Err(whole) => bytes = Some(whole),
            },
            HttpBody::Stream { length, chunks } => {
                headers.extend(length.map(|length| ("content-length".to_owned(), length.to_string())));
                stream = Some(Box::pin(chunks.map_ok(Item::Bytes)) as BoxStream<'static, _>);
            }
        }
        Ok(Self { head: head(method, url.as_str(), &headers)?, text, bytes, stream })
    }
}

/// Builds the error of a request without a response. `raised` says that the function itself threw, so that the caller gets its
/// exception; `never_sent`, that no byte of the request reached the server.
pub fn fetch_failure(reason: String, raised: Option<bool>, never_sent: Option<bool>) -> Error {
    if raised == Some(true) {
        return Error::new(ErrorKind::Internal, reason);
    }
    let error = fetch_failed(&reason);
    if never_sent == Some(true) { error.with_never_sent() } else { error }
}

/// Builds the error of a file whose chunks JavaScript cannot provide.
pub fn unreadable(reason: &str) -> Error {
    Error::new(ErrorKind::FileNotFound, format!("cannot read the file: {reason}"))
}

/// Builds the error of a connection that broke.
pub fn fetch_failed(reason: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("`fetch` failed: {reason}"))
}

/// Returns the text of a request before its body: `POST`, the URL and the headers, a line each. The names are in title case
/// (`Content-Type`) as in the official package, because test doubles look names up in that case.
///
/// # Errors
/// If a line break is in a header, which cannot be: headers are checked when they are set.
fn head(method: &str, url: &str, headers: &[(String, String)]) -> Result<String> {
    let mut text = [method, "\n", url].concat();
    for (name, value) in headers {
        if value.contains('\n') {
            return Err(Error::bug("a header with a line break"));
        }
        text.push('\n');
        let mut inside = false;
        for letter in name.chars() {
            text.push(if inside { letter } else { letter.to_ascii_uppercase() });
            inside = letter.is_ascii_alphanumeric() || letter == '_';
        }
        text.push(':');
        text.push_str(value);
    }
    Ok(text)
}

/// Returns the body of a request as text, which test doubles can parse, if it is JSON or text; otherwise its bytes.
///
/// # Errors
/// The bytes.
fn body_text(headers: &[(String, String)], body: Bytes) -> Result<String, Bytes> {
    let kind = headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, kind)| kind.as_str());
    if kind.starts_with("application/json") || kind.starts_with("text/") {
        String::from_utf8(body.into()).map_err(|error| error.into_bytes().into())
    } else {
        Err(body)
    }
}
