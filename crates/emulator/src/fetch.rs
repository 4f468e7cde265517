//! Reads what a file input points at: a `data:` URI, an uploaded file, or an address on the web.

use std::time::Duration;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::app::{App, lock};

const TIME_LIMIT: Duration = Duration::from_secs(30);
const REDIRECTS: usize = 5;

/// A file's content.
pub(crate) struct Fetched {
    pub(crate) bytes: Bytes,
}

pub(crate) async fn fetch(app: &App, uri: &str) -> Result<Fetched, String> {
    if let Some(rest) = strip_scheme(uri, "data:") {
        return data_uri(rest).map(|bytes| Fetched { bytes: bytes.into() });
    }
    let url = Url::parse(uri).map_err(|error| format!("{} is not a URL ({error})", shorten(uri)))?;
    if let Some(id) = uploaded_file_id(app, &url) {
        let now = app.now();
        let files = lock(&app.files);
        let file = files.get(&id).filter(|file| now < file.expires_at);
        return match file {
            Some(file) => Ok(Fetched { bytes: file.bytes.clone() }),
            None => Err(format!("there is no uploaded file {id} (it may have been deleted or expired)")),
        };
    }
    match url.scheme() {
        "http" | "https" => Ok(Fetched { bytes: download(app, url).await? }),
        scheme => {
            Err(format!("{scheme}: URLs cannot be read; pass an http, https or data URL, or upload the file"))
        }
    }
}

fn strip_scheme<'a>(uri: &'a str, scheme: &str) -> Option<&'a str> {
    let head = uri.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &uri[scheme.len()..])
}

/// The content of a `data:` URI, without its scheme.
pub(crate) fn data_uri(rest: &str) -> Result<Vec<u8>, String> {
    let (head, body) = rest.split_once(',').ok_or("a data: URI needs a comma before its content")?;
    let body: Vec<u8> = percent_decode_str(body).collect();
    if !head.to_ascii_lowercase().ends_with(";base64") {
        return Ok(body);
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::STANDARD, lenient)
        .decode(body)
        .map_err(|error| format!("the content of the data: URI is not base64 ({error})"))
}

/// Whether a URI is `urls.get` of an upload to this server.
pub(crate) fn is_upload(app: &App, uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| uploaded_file_id(app, &url).is_some())
}

/// The file id, when the URL is `urls.get` of an upload to this server.
fn uploaded_file_id(app: &App, url: &Url) -> Option<String> {
    let own = Url::parse(&app.origin).ok()?;
    let local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    if !local || url.port_or_known_default() != own.port_or_known_default() {
        return None;
    }
    let id = url.path().strip_prefix("/v1/files/")?;
    Some(percent_decode_str(id).decode_utf8_lossy().into_owned())
}

async fn download(app: &App, mut url: Url) -> Result<Bytes, String> {
    for _ in 0..=REDIRECTS {
        let request = app.http()?.get(url.clone()).timeout(TIME_LIMIT);
        let answer =
            request.send().await.map_err(|error| format!("could not fetch {url}: {}", cause(&error)))?;
        let status = answer.status();
        if status.is_redirection() {
            let target = answer.headers().get("location").and_then(|value| value.to_str().ok());
            let target = target.and_then(|target| url.join(target).ok());
            url = target.ok_or_else(|| format!("{url} redirects to nowhere"))?;
            continue;
        }
        if !status.is_success() {
            return Err(format!("{url} answered {status}"));
        }
        let bytes = answer.bytes().await;
        return bytes.map_err(|error| format!("could not fetch {url}: {}", cause(&error)));
    }
    Err(format!("more than {REDIRECTS} redirects, the last to {url}"))
}

/// The innermost cause, which is the one that says something.
fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(inner) = error.source() {
        error = inner;
    }
    error.to_string()
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{:?}...", &text[..at]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::data_uri;

    #[test]
    fn reads_data_uris() {
        assert_eq!(data_uri("text/plain;base64,aGk="), Ok(b"hi".to_vec()));
        assert_eq!(data_uri("text/plain;base64,aGk"), Ok(b"hi".to_vec()));
        assert_eq!(data_uri(",a%20b"), Ok(b"a b".to_vec()));
        assert!(data_uri("text/plain;base64").is_err());
        assert!(data_uri(";base64,***").is_err());
    }
}
