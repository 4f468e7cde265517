//! Downloads a file, resuming it when the connection breaks.

use std::cmp::Ordering;

use bytes::Bytes;
use futures_util::StreamExt;
use tracing::info;

use super::{
    checksum::Checksum,
    data_uri,
    output::{FileOutput, declared_length, redacted},
};
use crate::{
    client::report::milliseconds,
    error::{Error, ErrorKind, Result, header},
    http::{
        body_progress::transfer_progress,
        content_coding::is_encoded,
        retry::{Failure, Idempotency, RetryBudget},
        time_limit::within,
        transport::HttpResponse,
    },
    platform::BoxStream,
    value::Observer,
};

const CHANGED: &str = ": the file has changed";

/// A download that may span several connections.
pub(super) struct Download {
    file: FileOutput,
    body: Option<BoxStream<'static, Result<Bytes>>>,
    /// Position of the next byte in the file.
    offset: u64,
    /// Bytes to skip in the current body because they were returned before.
    skip: u64,
    /// Size of the file, once known.
    pub total: Option<u64>,
    /// Strong ETag, for `If-Range`.
    etag: Option<String>,
    /// Validators that detect a changed file.
    version: Version,
    /// Whether content has been received. From then on, a changed file is an error.
    started: bool,
    /// Whether the server sends the file in a compressed form, which cannot be resumed in its middle.
    encoded: bool,
    /// Checksum of the content, if the server declares one and the file is read from its start.
    checksum: Option<Checksum>,
    /// Headers of the first response.
    pub headers: Vec<(String, String)>,
    /// Restored whenever content arrives.
    retries: RetryBudget,
    done: bool,
    observer: Option<Observer>,
}

impl Download {
    pub fn new(file: FileOutput, offset: u64, observer: Option<Observer>) -> Self {
        let policy = file.client.config().retry;
        let retries = RetryBudget::new(policy, file.options().max_retries, Idempotency::Safe);
        Self {
            file,
            body: None,
            offset,
            skip: 0,
            total: None,
            etag: None,
            version: Version::default(),
            started: false,
            encoded: false,
            checksum: None,
            headers: Vec::new(),
            retries,
            done: false,
            observer,
        }
    }

    /// Returns the next chunk, or `None` at the end of the file.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.file.is_inline() {
            return self.inline();
        }
        while !self.done {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.open().await?,
            };
            let config = self.file.client.config();
            let timeout = self.file.options().timeout.unwrap_or(config.timeout);
            let chunk = within(&config.runtime, timeout, body.next()).await;
            // A broken body is dropped before the delay, so that other requests can use its connection.
            self.body = matches!(chunk, Some(Some(Ok(_)))).then_some(body);
            match chunk {
                Some(Some(Ok(mut chunk))) => {
                    let skipped = self.skip.min(chunk.len() as u64);
                    self.skip -= skipped;
                    let chunk = chunk.split_off(skipped as usize);
                    if chunk.is_empty() {
                        continue;
                    }
                    let end = self.offset + chunk.len() as u64;
                    if self.total.is_some_and(|total| end > total) {
                        self.offset = end;
                        return Err(self.error("exceeded its declared length", "."));
                    }
                    self.retries.refill();
                    self.record(&chunk);
                    return Ok(Some(chunk));
                }
                Some(None) => match self.total.map(|total| self.offset.cmp(&total)) {
                    // The file became shorter.
                    None | Some(Ordering::Greater) if self.started && self.skip > 0 => {
                        return Err(self.error("failed", CHANGED));
                    }
                    None | Some(Ordering::Equal) => self.done = true,
                    Some(Ordering::Greater) => return Err(self.error("exceeded its declared length", ".")),
                    Some(Ordering::Less) => self.delay_retry(self.error("ended early", ".")).await?,
                },
                // After the last byte, a broken or stalled connection does not matter.
                Some(Some(Err(_))) | None if self.total == Some(self.offset) => self.done = true,
                Some(Some(Err(error))) if error.kind() == ErrorKind::InvalidResponse => {
                    return Err(self.error("failed", ": it cannot be decompressed").with_source(error));
                }
                Some(Some(Err(error))) => {
                    self.delay_retry(self.error("broke", ".").with_source(error)).await?
                }
                None => self.delay_retry(self.error("stalled", ".")).await?,
            }
        }
        info!(target: "replicant", file = redacted(&self.file.url), size = self.offset, "downloaded file");
        match self.checksum.take().map_or(Ok(()), Checksum::verify) {
            Ok(()) => Ok(None),
            Err(why) => Err(Error::new(ErrorKind::Download, format!("{} {why}", redacted(&self.file.url)))),
        }
    }

    /// Returns the content of a `data:` URI in one chunk.
    fn inline(&mut self) -> Result<Option<Bytes>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let (mime, content) = data_uri::decode(self.file.url())?;
        self.headers = vec![("content-type".to_owned(), mime)];
        self.total = Some(content.len() as u64);
        let from = content.len().min(usize::try_from(self.offset).unwrap_or(usize::MAX));
        let rest = content.slice(from..);
        self.record(&rest);
        Ok(Some(rest))
    }

    fn record(&mut self, chunk: &Bytes) {
        self.started = true;
        if let Some(checksum) = &mut self.checksum {
            checksum.update(chunk);
        }
        self.offset += chunk.len() as u64;
        if let Some(observer) = &self.observer {
            observer(transfer_progress(self.offset, self.total));
        }
    }

    /// Builds an error. `why` is the end of the message, with its punctuation.
    fn error(&self, what: &str, why: &str) -> Error {
        let total = self.total.map_or_else(|| "an unknown number of".to_owned(), |total| total.to_string());
        Error::new(
            ErrorKind::Download,
            format!(
                "the download of {} {what} after {} of {total} bytes{why}",
                redacted(&self.file.url),
                self.offset
            ),
        )
    }

    /// Waits before the next attempt, or returns `error` if the retry policy stops.
    async fn delay_retry(&mut self, error: Error) -> Result<()> {
        let config = self.file.client.config();
        let wait = self.retries.after(Failure::Lost, None, None);
        match wait {
            Some(wait) => {
                info!(
                    target: "replicant",
                    file = redacted(&self.file.url),
                    offset = self.offset,
                    total = self.total,
                    wait_ms = milliseconds(wait),
                    "resuming download"
                );
                config.runtime.sleep(wait).await;
                Ok(())
            }
            None => Err(error),
        }
    }

    /// Opens the file at `offset`, or from its start if the server ignores the range.
    async fn open(&mut self) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (file, etag) = (self.file.clone(), self.etag.clone());
        let mut from = if self.encoded { 0 } else { self.offset };
        let first = !self.started;
        let mut response = match file.request(from, etag).await {
            Err(error) if error.status() == Some(416) && from > 0 && (first || self.is_end(&error)) => {
                return Ok(self.past_end());
            }
            response => response?,
        };
        let is_part = from > 0 && response.status == 206;
        if is_part && (first && is_encoded(&response.headers) || response.header("content-range").is_none()) {
            // A range of the compressed form, of which only the whole can be decoded, or a range that is not known. Browsers
            // hide the range of a response from another origin that does not expose it.
            from = 0;
            // Its connection may be the only one.
            drop(response);
            response = file.request(from, None).await?;
        }
        let encoded = is_encoded(&response.headers);
        if encoded && response.status == 206 {
            return Err(self.error("failed", ": the server sent only a part of a compressed file"));
        }
        if encoded != self.encoded && !first {
            return Err(self.error("failed", CHANGED));
        }
        self.encoded = encoded;
        let version = Version::of(&response);
        let etag = response.header("etag").filter(|etag| !etag.starts_with("W/")).map(str::to_owned);
        let length = declared_length(&response);
        if response.status == 206 {
            let range = response.header("content-range").unwrap_or_default().to_owned();
            let total = range.rsplit('/').next().and_then(|total| total.parse::<u64>().ok());
            // A part that was not requested is the beginning of the file, if its size says how much is missing.
            if !range.starts_with(&format!("bytes {from}-")) || from == 0 && total.is_none() {
                let problem = if from == 0 { "is incomplete" } else { "cannot be resumed" };
                let why = format!(": it {problem}, as the server sent the range {range:?}");
                return Err(self.error("failed", &why));
            }
            if !first && (self.version.differs(&version) || differ(&self.total, &total)) {
                return Err(self.error("failed", CHANGED));
            }
            if first {
                self.etag = etag;
            }
            self.total = if first { total } else { self.total.or(total) };
            self.skip = self.offset - from;
        } else {
            if !first
                && (differ(&self.total, &length)
                    || self.etag.is_some() && self.etag != etag
                    || self.version.differs(&version))
            {
                return Err(self.error("failed", CHANGED));
            }
            if first && self.offset > 0 && length.is_some_and(|length| length <= self.offset) {
                return Ok(self.past_end());
            }
            self.skip = self.offset;
            self.total = if first { length } else { self.total.or(length) };
            self.etag = etag;
        }
        if first {
            self.version = version;
            self.checksum =
                (self.offset == 0 && !encoded).then(|| Checksum::from_headers(&response.headers)).flatten();
            self.headers = response.headers;
        }
        Ok(response.body.stream())
    }

    /// Returns `true` if the error of a request for the rest says that there is none: a server that sends a file without its
    /// length may lose the connection after the last byte.
    fn is_end(&self, error: &Error) -> bool {
        let range = error.response().and_then(|response| header(&response.headers, "content-range"));
        self.total.is_none() && range == Some(format!("bytes */{}", self.offset).as_str())
    }

    /// Returns an empty body: the file ends at or before the requested offset.
    fn past_end(&mut self) -> BoxStream<'static, Result<Bytes>> {
        self.total = Some(self.offset);
        Box::pin(futures_util::stream::empty())
    }
}

/// Validators of one version of a file. A weak ETag or a date cannot prove that two versions are equal, but
/// it can prove that they differ.
#[derive(Default)]
struct Version {
    etag: Option<String>,
    modified: Option<String>,
}

impl Version {
    fn of(response: &HttpResponse) -> Self {
        let etag = response.header("etag").map(|etag| etag.trim_start_matches("W/").to_owned());
        Self { etag, modified: response.header("last-modified").map(str::to_owned) }
    }

    fn differs(&self, other: &Self) -> bool {
        differ(&self.etag, &other.etag) || differ(&self.modified, &other.modified)
    }
}

/// Returns `true` if both are known and differ.
fn differ<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
    one.is_some() && other.is_some() && one != other
}
