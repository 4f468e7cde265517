//! Files in outputs.

use std::{fmt, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{TryStreamExt, stream};
use serde::{Serialize, Serializer};
use url::Url;

use super::{data_uri, download::Download};
use crate::{
    client::Client,
    error::{Error, ErrorKind, Result},
    http::{
        content_coding::is_encoded,
        request::{Request, RequestOptions},
        transport::HttpResponse,
        url::redacted_url,
    },
    native::AtomicFile,
    platform::BoxStream,
    value::{Observer, Value},
};

/// A file in an output. No request is sent until it is read. It can be read several times, until the API
/// deletes it one hour after the prediction.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let output = client.run("black-forest-labs/flux-schnell", replicant::json!({"prompt": "a heron"})).await?;
/// if let Some(file) = output.files().first() {
///     println!("{}", file.url());
///     file.save("heron.webp").await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct FileOutput {
    pub(super) url: Arc<str>,
    pub(super) client: Client,
    options: Arc<RequestOptions>,
}

impl FileOutput {
    pub(crate) fn new(client: &Client, url: &str) -> Self {
        Self { url: url.into(), client: client.clone(), options: Arc::default() }
    }

    /// Sets the options of the requests that read the file.
    pub(crate) fn with_options(mut self, options: RequestOptions) -> Self {
        self.options = Arc::new(options);
        self
    }

    pub(super) fn options(&self) -> &RequestOptions {
        &self.options
    }

    /// Returns `true` for a `data:` URI, which contains the file.
    pub(super) fn is_inline(&self) -> bool {
        self.url.starts_with("data:")
    }

    /// Returns the URL of the file, which may be a `data:` URI.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// [`ErrorKind::OutputExpired`] if the file no longer exists, [`ErrorKind::Download`] if it cannot be read
    /// completely.
    pub async fn bytes(&self) -> Result<Bytes> {
        Ok(self.whole().await?.0)
    }

    /// Reads the whole file and the headers of its response.
    pub(crate) async fn whole(&self) -> Result<(Bytes, Vec<(String, String)>)> {
        let mut download = Download::new(self.clone(), 0, None);
        let first = download.next().await?.unwrap_or_default();
        let Some(second) = download.next().await? else {
            // A small file arrives in one chunk, which is not copied.
            return Ok((first, download.headers));
        };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = download.next().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok((whole.freeze(), download.headers))
    }

    /// Returns the file as a stream of chunks. If the connection breaks, the stream resumes at the next byte;
    /// it never ends early without an error.
    pub fn stream(&self) -> BoxStream<'static, Result<Bytes>> {
        self.stream_observed(0, None)
    }

    /// Like [`FileOutput::stream`], but starts at byte `offset`. Empty if the file ends at or before it.
    pub fn stream_from(&self, offset: u64) -> BoxStream<'static, Result<Bytes>> {
        self.stream_observed(offset, None)
    }

    pub(crate) fn stream_observed(
        &self,
        offset: u64,
        observer: Option<Observer>,
    ) -> BoxStream<'static, Result<Bytes>> {
        let download = Download::new(self.clone(), offset, observer);
        Box::pin(stream::try_unfold(download, |mut download| async move {
            Ok(download.next().await?.map(|chunk| (chunk, download)))
        }))
    }

    /// Returns the file as an `AsyncRead`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn reader(&self) -> crate::native::Reader {
        crate::native::Reader::new(self.stream())
    }

    /// Saves the file to `path`. An existing file is replaced once the download is complete, and keeps its mode, and its
    /// owner if the process may set it; the mode of a new one follows the umask. A symbolic link stays, and the file that
    /// it leads to is written.
    ///
    /// # Errors
    /// The errors of [`FileOutput::bytes`], and [`ErrorKind::FileNotWritten`] if `path` cannot be written.
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        self.save_observed(path.as_ref(), None).await
    }

    pub(crate) async fn save_observed(
        &self,
        path: &std::path::Path,
        observer: Option<Observer>,
    ) -> Result<()> {
        self.download(path, observer).await?.commit().await
    }

    /// Downloads the file to a temporary file next to `path`.
    pub(crate) async fn download(
        &self,
        path: &std::path::Path,
        observer: Option<Observer>,
    ) -> Result<AtomicFile> {
        let mut file = AtomicFile::create(path).await?;
        let mut chunks = self.stream_observed(0, observer);
        while let Some(chunk) = chunks.try_next().await? {
            file.write(chunk).await?;
        }
        Ok(file)
    }

    /// Returns the MIME type and the size in bytes that the server declares, without reading the content.
    ///
    /// # Errors
    /// The errors of [`FileOutput::bytes`].
    pub async fn head(&self) -> Result<(Option<String>, Option<u64>)> {
        if self.is_inline() {
            let (mime, bytes) = data_uri::decode(&self.url)?;
            return Ok((Some(mime), Some(bytes.len() as u64)));
        }
        let response = self.request(0, None).await?;
        let length = declared_length(&response);
        Ok((response.header("content-type").map(str::to_owned), length))
    }

    /// Requests the file from `offset` on, conditional on `etag`.
    pub(super) async fn request(&self, offset: u64, etag: Option<String>) -> Result<HttpResponse> {
        let url = Url::parse(&self.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| {
                Error::invalid_argument(
                    "url",
                    format!("must be an http, https or data URL, not {:?}", redacted(&self.url)),
                )
            })?;
        // Positions and checksums are those of the file, not of a compressed form.
        let mut request =
            Request::get_file(url).options(self.options().clone()).header("accept-encoding", "identity");
        if offset > 0 {
            request = request.header("range", format!("bytes={offset}-"));
            if let Some(etag) = etag {
                request = request.header("if-range", etag);
            }
        }
        self.client.open(&request).await.map_err(|error| match error.status() {
            Some(404 | 410) => error.with_kind(ErrorKind::OutputExpired).map_message(|why| {
                format!("{why} Output files are deleted one hour after the prediction; save them earlier.")
            }),
            Some(_) => error.with_kind(ErrorKind::Download),
            None => error,
        })
    }
}

/// Returns the declared size of the file; `None` if the declaration is about its compressed form or a part, or if chunks
/// override it.
pub(super) fn declared_length(response: &HttpResponse) -> Option<u64> {
    let is_valid = response.status != 206
        && !is_encoded(&response.headers)
        && response.header("transfer-encoding").is_none();
    let length = response.header("content-length").filter(|_| is_valid);
    length.and_then(|length| length.parse().ok())
}

impl fmt::Display for FileOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for FileOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = crate::http::excerpt::excerpt(&self.url, 200);
        write!(f, "FileOutput({url:?})")
    }
}

impl Serialize for FileOutput {
    /// Writes the URL.
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.url)
    }
}

impl From<FileOutput> for Value {
    fn from(file: FileOutput) -> Self {
        Self::FileUrl(file.url)
    }
}

impl PartialEq for FileOutput {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Client {
    /// Returns the file at `url`: an `https:` URL, a `data:` URI, or a URL at the API origin. Sends no request.
    ///
    /// [`Output::files`](crate::Output::files) returns the files of a run.
    pub fn file_output(&self, url: impl AsRef<str>) -> FileOutput {
        FileOutput::new(self, url.as_ref())
    }

    /// Replaces every string in an output that is a file with a [`Value::FileUrl`].
    pub(crate) fn with_files(&self, output: Value) -> Value {
        output.map_leaves(&mut |leaf| match leaf {
            Value::String(string) if self.is_file(&string) => Value::FileUrl(string.into()),
            other => other,
        })
    }

    /// Returns `true` if a string is a file: the whole string is an `https:` URL, a `data:` URI, or a URL at
    /// the API origin. Text that begins with a URL is not a file.
    pub(crate) fn is_file(&self, string: &str) -> bool {
        file_url(string).is_some_and(|url| matches!(url.scheme(), "https" | "data") || self.owns(&url))
    }
}

/// Parses a string that as a whole is the URL of a file.
pub(super) fn file_url(string: &str) -> Option<Url> {
    if !(string.starts_with("http") || string.starts_with("data:")) || string.contains(char::is_whitespace) {
        return None;
    }
    Url::parse(string).ok().filter(|url| match url.scheme() {
        "data" => string.contains(','),
        "http" | "https" => url.has_host(),
        _ => false,
    })
}

/// Returns the URL without secrets, for messages. A long `data:` URI is shortened.
pub(super) fn redacted(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if url.scheme() != "data" => redacted_url(&url),
        _ => crate::http::excerpt::excerpt(url, 200),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::options::Options;

    #[test]
    fn a_file_is_an_input_and_json() {
        let client = Client::new(Options::default()).unwrap();
        let file = client.file_output("https://replicate.delivery/a/b.png");
        assert_eq!(serde_json::to_value(&file).unwrap(), file.url());
        let mut input = Value::object();
        input["image"] = file.into();
        assert_eq!(input["image"].as_file_url(), Some("https://replicate.delivery/a/b.png"));
    }

    #[test]
    fn a_long_data_uri_is_shortened_in_messages() {
        let uri = format!("data:image/png;base64,{}", "A".repeat(1_000_000));
        assert!(redacted(&uri).len() < 300);
        assert_eq!(redacted("https://user:pass@h/a.png?sig=1#x"), "https://h/a.png");
    }

    #[test]
    fn recognizes_strings_that_are_files() {
        let client =
            Client::new(Options { base_url: Some("http://127.0.0.1:5000".into()), ..Options::default() })
                .unwrap();
        for file in [
            "https://replicate.delivery/a/b.png",
            "data:text/plain;base64,aGk=",
            "http://127.0.0.1:5000/files/1",
        ] {
            assert!(client.is_file(file), "{file}");
        }
        for text in [
            "https: the protocol",
            "https://example.com is a site",
            "http://example.com/a.png",
            "data:",
            "data: is plural",
            "httpsomething",
            "https://",
            " https://a.b/c",
            "http://127.0.0.1:5001/files/1",
            "see https://a.b/c",
        ] {
            assert!(!client.is_file(text), "{text}");
        }
    }
}
