//! Reads a file input: a `data:` URI, the URL of an upload, or any other HTTP URL.

use std::time::Duration;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use url::Url;

use super::{Files, OutputFile, Upload};
use crate::http::access::is_loopback;
use crate::http::client::cause;
use crate::support::excerpt::excerpt;

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 5;

/// A file of this server.
enum Own {
    Upload(Upload),
    Output(OutputFile),
    /// Why there is no such file.
    Missing(String),
}

impl Files {
    /// Reads the file at a URI.
    pub(crate) async fn read(&self, uri: &str) -> Result<Bytes, String> {
        if let Some(rest) = strip_scheme(uri, "data:") {
            return data_uri(rest).map(Bytes::from);
        }
        let url =
            Url::parse(uri).map_err(|error| format!("{:?} is not a URL ({error})", excerpt(uri, 80)))?;
        match self.own(&url) {
            Some(Own::Upload(upload)) => return Ok(upload.bytes),
            Some(Own::Output(file)) => return file.bytes().await,
            Some(Own::Missing(reason)) => return Err(reason),
            None => {}
        }
        match url.scheme() {
            "http" | "https" => self.download(url).await,
            scheme => Err(format!(
                "{scheme}: URLs cannot be read; pass an http, https or data URL, or upload the file"
            )),
        }
    }

    /// Returns the content type of a file of this server, which may be missing, or `None` if the URI names no such file.
    pub(crate) fn own_type(&self, uri: &str) -> Option<String> {
        Some(match self.own(&Url::parse(uri).ok()?)? {
            Own::Upload(upload) => upload.content_type,
            Own::Output(file) => file.content_type.into_owned(),
            Own::Missing(_) => "application/octet-stream".into(),
        })
    }

    /// Returns the name of the upload at a URL, or `None` if the URI is not one of an upload.
    pub(super) fn upload_name(&self, url: &Url) -> Option<String> {
        match self.own(url)? {
            Own::Upload(upload) => Some(upload.name),
            Own::Output(_) | Own::Missing(_) => None,
        }
    }

    /// Returns the file of this server that a URL names: `urls.get` of an upload, or an output file. The origin may be that
    /// of a proxy, and ids are unguessable.
    fn own(&self, url: &Url) -> Option<Own> {
        let decoded = |path| percent_decode_str(path).decode_utf8_lossy().into_owned();
        let (file, missing) = match url.path().strip_prefix("/v1/files/").map(decoded) {
            Some(id) => {
                let missing = format!("there is no uploaded file {id} (it may have been deleted or expired)");
                (self.get(&id).map(Own::Upload), missing)
            }
            None => {
                let path = decoded(url.path().strip_prefix("/files/")?);
                let missing = format!("there is no output file {path} (it may have expired)");
                (self.output(&path).map(Own::Output), missing)
            }
        };
        let is_here = || {
            let port = url.port_or_known_default();
            // A download has a signature to check.
            is_loopback(url) && port.is_some_and(|port| self.ports.contains(&port)) && url.query().is_none()
        };
        file.or_else(|| is_here().then_some(Own::Missing(missing)))
    }

    async fn download(&self, mut url: Url) -> Result<Bytes, String> {
        for _ in 0..=MAX_REDIRECTS {
            let request = self.client.get()?.get(url.clone()).timeout(TIMEOUT);
            let response =
                request.send().await.map_err(|error| format!("could not fetch {url}: {}", cause(&error)))?;
            let status = response.status();
            if status.is_redirection() {
                let target = response.headers().get("location").and_then(|value| value.to_str().ok());
                let target = target.and_then(|target| url.join(target).ok());
                url = target.ok_or_else(|| format!("the redirect from {url} has no valid location"))?;
                continue;
            }
            if !status.is_success() {
                return Err(format!("{url} responded with {status}"));
            }
            let bytes = response.bytes().await;
            return bytes.map_err(|error| format!("could not fetch {url}: {}", cause(&error)));
        }
        Err(format!("more than {MAX_REDIRECTS} redirects, the last to {url}"))
    }
}

fn strip_scheme<'a>(uri: &'a str, scheme: &str) -> Option<&'a str> {
    let head = uri.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &uri[scheme.len()..])
}

/// Decodes a `data:` URI, given without its scheme.
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

#[cfg(test)]
mod tests {
    use super::data_uri;

    #[test]
    fn data_uris_are_decoded() {
        assert_eq!(data_uri("text/plain;base64,aGk="), Ok(b"hi".to_vec()));
        assert_eq!(data_uri("text/plain;base64,aGk"), Ok(b"hi".to_vec()));
        assert_eq!(data_uri(",a%20b"), Ok(b"a b".to_vec()));
        assert!(data_uri("text/plain;base64").is_err());
        assert!(data_uri(";base64,***").is_err());
    }
}
