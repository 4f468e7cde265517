//! Files that models write: lazy, repeatable, resumed after a cut.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    client::Client,
    error::{Error, ErrorKind, Result},
    exchange::{shown, within},
    platform::{BoxStream, Observer},
    request::Request,
    retry::{Failure, Repeat, next_attempt},
    transport::HttpResponse,
    upload::moved,
    value::Value,
};

/// A file in an output. Nothing is requested before it is read; it can be read as often as wanted
/// (until the API deletes it, one hour after the prediction).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let output = client.run("black-forest-labs/flux-schnell", replicant::json!({"prompt": "a heron"})).await?;
/// if let Some(file) = output[0].as_file() {
///     println!("{}", file.url());
///     file.save("heron.webp").await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct FileOutput {
    url: Arc<str>,
    client: Client,
}

impl FileOutput {
    pub(crate) fn new(client: &Client, url: &str) -> Self {
        Self { url: url.into(), client: client.clone() }
    }

    /// Where the file is; also a `data:` URI.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// println!("{}", output.files()[0].url());
    /// # Ok(()) }
    /// ```
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The whole file.
    ///
    /// # Errors
    /// [`ErrorKind::OutputExpired`] if it is gone, [`ErrorKind::Download`] if it cannot be had whole.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// let bytes = output.files()[0].bytes().await?;
    /// println!("{} bytes", bytes.len());
    /// # Ok(()) }
    /// ```
    pub async fn bytes(&self) -> Result<Bytes> {
        Ok(self.whole().await?.0)
    }

    /// The whole file and the headers that came with it.
    pub(crate) async fn whole(&self) -> Result<(Bytes, Vec<(String, String)>)> {
        if self.url.starts_with("data:") {
            let (mime, bytes) = decode_data_uri(&self.url)?;
            return Ok((bytes, vec![("content-type".to_owned(), mime)]));
        }
        let mut download = Download::new(self.clone(), None);
        let first = download.next().await?.unwrap_or_default();
        let Some(second) = download.next().await? else {
            // A small file came as one piece, which is not copied.
            return Ok((first, download.headers));
        };
        let mut whole = BytesMut::from(first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = download.next().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok((whole.freeze(), download.headers))
    }

    /// The file's pieces as they come. After a cut it goes on where it stopped; the stream fails
    /// rather than end early.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// let mut chunks = output.files()[0].stream();
    /// while let Some(chunk) = chunks.try_next().await? {
    ///     println!("{} bytes", chunk.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(&self) -> BoxStream<'static, Result<Bytes>> {
        self.stream_observed(None)
    }

    pub(crate) fn stream_observed(&self, observer: Option<Observer>) -> BoxStream<'static, Result<Bytes>> {
        if self.url.starts_with("data:") {
            let decoded = decode_data_uri(&self.url).map(|(_, bytes)| bytes);
            return Box::pin(stream::once(async move { decoded }));
        }
        let download = Download::new(self.clone(), observer);
        Box::pin(stream::try_unfold(download, |mut download| async move {
            Ok(download.next().await?.map(|chunk| (chunk, download)))
        }))
    }

    /// The file as something to read from.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use tokio::io::AsyncReadExt;
    ///
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// let mut content = Vec::new();
    /// output.files()[0].reader().read_to_end(&mut content).await.expect("the whole file");
    /// # Ok(()) }
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub fn reader(&self) -> crate::native::Reader {
        crate::native::Reader::new(self.stream())
    }

    /// Writes the file to `path`, whole or not at all.
    ///
    /// # Errors
    /// As [`FileOutput::bytes`], and [`ErrorKind::InvalidArgument`] if `path` cannot be written.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// output.files()[0].save("heron.png").await?;
    /// # Ok(()) }
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        self.save_observed(path.as_ref(), None).await
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) async fn save_observed(
        &self,
        path: &std::path::Path,
        observer: Option<Observer>,
    ) -> Result<()> {
        let mut file = crate::native::AtomicFile::create(path).await?;
        let mut chunks = self.stream_observed(observer);
        while let Some(chunk) = chunks.try_next().await? {
            file.write(&chunk).await?;
        }
        file.commit().await
    }

    /// Type and size as the server tells them, without the content.
    ///
    /// # Errors
    /// As [`FileOutput::bytes`].
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// let (content_type, size) = output.files()[0].head().await?;
    /// println!("{content_type:?}, {size:?} bytes");
    /// # Ok(()) }
    /// ```
    pub async fn head(&self) -> Result<(Option<String>, Option<u64>)> {
        if self.url.starts_with("data:") {
            let (mime, bytes) = decode_data_uri(&self.url)?;
            return Ok((Some(mime), Some(bytes.len() as u64)));
        }
        let response = self.request(0, None).await?;
        let length = response.header("content-length").and_then(|length| length.parse().ok());
        Ok((response.header("content-type").map(str::to_owned), length))
    }

    /// Asks for the file from `offset` on, if it is still the one that `etag` names.
    async fn request(&self, offset: u64, etag: Option<String>) -> Result<HttpResponse> {
        let url = Url::parse(&self.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| Error::invalid(format!("not the URL of a file: {:?}", shown_url(&self.url))))?;
        let mut request = Request::get_url(url);
        if offset > 0 {
            request = request.header("range", format!("bytes={offset}-"));
            if let Some(etag) = etag {
                request = request.header("if-range", etag);
            }
        }
        self.client.open(&request).await.map_err(|error| match error.status() {
            Some(404 | 410) => error.with_kind(ErrorKind::OutputExpired).map_message(|why| {
                format!(
                    "{why} Output files are deleted one hour after the prediction; save them before that."
                )
            }),
            Some(_) => error.with_kind(ErrorKind::Download),
            None => error,
        })
    }
}

impl fmt::Display for FileOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for FileOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = crate::exchange::excerpt(&self.url, 200);
        write!(f, "FileOutput({url:?})")
    }
}

impl PartialEq for FileOutput {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Client {
    /// Turns every string of an output that is a file into a [`FileOutput`].
    pub(crate) fn with_files(&self, output: Value) -> Value {
        output.map_leaves(&mut |leaf| match leaf {
            Value::String(string) if self.is_file(&string) => Value::Output(FileOutput::new(self, &string)),
            other => other,
        })
    }

    /// Whether a string is a file: the whole of it is an https URL, a data: URI, or a URL of the
    /// API's own origin. Prose that begins with a URL is text.
    pub(crate) fn is_file(&self, string: &str) -> bool {
        if !(string.starts_with("http") || string.starts_with("data:"))
            || string.contains(char::is_whitespace)
        {
            return false;
        }
        match Url::parse(string) {
            Ok(url) if url.scheme() == "data" => string.contains(','),
            Ok(url) => url.has_host() && (url.scheme() == "https" || self.owns(&url)),
            Err(_) => false,
        }
    }
}

const CHANGED: &str = "cannot be resumed because the file has changed";

/// A download under way, across as many connections as it takes.
struct Download {
    file: FileOutput,
    body: Option<BoxStream<'static, Result<Bytes>>>,
    /// Bytes handed out.
    offset: u64,
    /// Bytes of the current body that were handed out before.
    skip: u64,
    total: Option<u64>,
    /// What names this version of the file.
    etag: Option<String>,
    /// The headers of the first answer.
    headers: Vec<(String, String)>,
    /// Attempts since bytes last moved.
    attempts: u32,
    done: bool,
    observer: Option<Observer>,
}

impl Download {
    fn new(file: FileOutput, observer: Option<Observer>) -> Self {
        Self {
            file,
            body: None,
            offset: 0,
            skip: 0,
            total: None,
            etag: None,
            headers: Vec::new(),
            attempts: 0,
            done: false,
            observer,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        while !self.done {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.open().await?,
            };
            let config = self.file.client.config();
            let chunk = within(&config.runtime, config.timeout, body.next()).await;
            match chunk {
                Some(Some(Ok(mut chunk))) => {
                    self.body = Some(body);
                    let skipped = self.skip.min(chunk.len() as u64);
                    self.skip -= skipped;
                    let chunk = chunk.split_off(skipped as usize);
                    if chunk.is_empty() {
                        continue;
                    }
                    self.attempts = 0;
                    self.offset += chunk.len() as u64;
                    if let Some(observer) = &self.observer {
                        observer(moved(self.offset, self.total));
                    }
                    return Ok(Some(chunk));
                }
                Some(None) if self.total.is_none_or(|total| total == self.offset) => self.done = true,
                // Whatever happened to the connection after the last byte.
                Some(Some(Err(_))) | None if self.total == Some(self.offset) => self.done = true,
                Some(None) => self.cut(self.problem("ended early")).await?,
                Some(Some(Err(error))) => self.cut(self.problem("was cut").with_source(error)).await?,
                None => self.cut(self.problem("stalled")).await?,
            }
        }
        Ok(None)
    }

    fn problem(&self, what: &str) -> Error {
        let total = self.total.map_or_else(|| "an unknown number of".to_owned(), |total| total.to_string());
        Error::new(
            ErrorKind::Download,
            format!(
                "The download of {} {what} after {} of {total} bytes.",
                shown_url(&self.file.url),
                self.offset
            ),
        )
    }

    /// Waits before the next attempt, or gives up with `error`.
    async fn cut(&mut self, error: Error) -> Result<()> {
        self.attempts += 1;
        let config = self.file.client.config();
        match next_attempt(
            &config.retry,
            Repeat::Safe,
            Failure::Lost,
            self.attempts,
            None,
            None,
            fastrand::f64(),
        ) {
            Some(wait) => {
                config.runtime.sleep(wait).await;
                Ok(())
            }
            None => Err(error),
        }
    }

    /// Opens the file at `offset`, or from the start where the server will not.
    async fn open(&mut self) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (file, etag) = (self.file.clone(), self.etag.clone());
        let response = file.request(self.offset, etag).await?;
        let etag = response.header("etag").filter(|etag| !etag.starts_with("W/")).map(str::to_owned);
        let length = response.header("content-length").and_then(|length| length.parse::<u64>().ok());
        if response.status == 206 && self.offset > 0 {
            let range = response.header("content-range").unwrap_or_default().to_owned();
            if !range.starts_with(&format!("bytes {}-", self.offset)) {
                return Err(self.problem(&format!("cannot be resumed (the server sent {range:?})")));
            }
            let total = range.rsplit('/').next().and_then(|total| total.parse::<u64>().ok());
            let other = |mine: bool, theirs: bool, same: bool| mine && theirs && !same;
            if other(self.etag.is_some(), etag.is_some(), self.etag == etag)
                || other(self.total.is_some(), total.is_some(), self.total == total)
            {
                return Err(self.problem(CHANGED));
            }
            self.skip = 0;
        } else {
            if self.offset > 0 && (self.total != length.or(self.total) || self.etag != etag) {
                return Err(self.problem(CHANGED));
            }
            self.skip = self.offset;
            self.total = self.total.or(length);
            self.etag = etag;
            self.headers = response.headers;
        }
        Ok(response.body.stream())
    }
}

fn shown_url(url: &str) -> String {
    Url::parse(url).map_or_else(|_| crate::exchange::excerpt(url, 200), |url| shown(&url))
}

/// The MIME type and content of a `data:` URI.
fn decode_data_uri(uri: &str) -> Result<(String, Bytes)> {
    let wrong = |why: &str| {
        Error::new(
            ErrorKind::Download,
            format!("The data: URI {why}: {:?}", crate::exchange::excerpt(uri, 60)),
        )
    };
    let (head, data) = uri["data:".len()..].split_once(',').ok_or_else(|| wrong("has no comma"))?;
    let (mime, base64) = match head.strip_suffix(";base64") {
        Some(mime) => (mime, true),
        None => (head, false),
    };
    let decoded: Vec<u8> = percent_decode_str(data).collect();
    let bytes = if base64 { STANDARD.decode(&decoded).map_err(|_| wrong("is not base64"))? } else { decoded };
    let mime = if mime.is_empty() { "text/plain;charset=US-ASCII" } else { mime };
    Ok((mime.to_owned(), bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn which_strings_are_files() {
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

    #[test]
    fn data_uris_are_decoded_strictly() {
        assert_eq!(decode_data_uri("data:text/plain;base64,aGk=").unwrap().1, "hi");
        assert_eq!(decode_data_uri("data:,a%20b").unwrap().1, "a b");
        for bad in ["data:text/plain;base64,a", "data:text/plain;base64", "data:;base64,%%%"] {
            assert_eq!(decode_data_uri(bad).unwrap_err().kind(), ErrorKind::Download, "{bad}");
        }
    }
}
