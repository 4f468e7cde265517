//! A download under way: across as many connections as it takes, and never short.

use bytes::Bytes;
use futures_util::StreamExt;

use super::{
    checksum::Checksum,
    data_uri,
    output::{FileOutput, shown_url},
};
use crate::{
    error::{Error, ErrorKind, Result},
    http::{
        body_progress::transfer_progress,
        retry::{Failure, Idempotency, RetryBudget},
        time_limit::within,
        transport::HttpResponse,
    },
    platform::BoxStream,
    value::Observer,
};

const CHANGED: &str = "cannot be resumed because the file has changed";

/// A download under way, across as many connections as it takes.
pub(super) struct Download {
    file: FileOutput,
    body: Option<BoxStream<'static, Result<Bytes>>>,
    /// Where the next byte stands in the file.
    offset: u64,
    /// Bytes of the current body that were handed out before.
    skip: u64,
    /// Bytes in all, once they are known.
    pub total: Option<u64>,
    /// What names this version of the file byte for byte.
    etag: Option<String>,
    /// What tells it from others.
    version: Version,
    /// Whether bytes of it have come, after which the file must stay the same.
    known: bool,
    /// What the whole content must come to, where the server says it and the whole is read.
    checksum: Option<Checksum>,
    /// The headers of the answer that began it.
    pub headers: Vec<(String, String)>,
    /// Attempts since bytes last moved.
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
            known: false,
            checksum: None,
            headers: Vec::new(),
            retries,
            done: false,
            observer,
        }
    }

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
            match chunk {
                Some(Some(Ok(mut chunk))) => {
                    self.body = Some(body);
                    let skipped = self.skip.min(chunk.len() as u64);
                    self.skip -= skipped;
                    let chunk = chunk.split_off(skipped as usize);
                    if chunk.is_empty() {
                        continue;
                    }
                    self.retries.refill();
                    self.moved(&chunk);
                    return Ok(Some(chunk));
                }
                Some(None) if self.total.is_none_or(|total| total == self.offset) => self.done = true,
                // Whatever happened to the connection after the last byte.
                Some(Some(Err(_))) | None if self.total == Some(self.offset) => self.done = true,
                Some(None) if self.total < Some(self.offset) => return Err(self.problem("continued")),
                Some(None) => self.cut(self.problem("ended early")).await?,
                Some(Some(Err(error))) => self.cut(self.problem("was cut").with_source(error)).await?,
                None => self.cut(self.problem("stalled")).await?,
            }
        }
        match self.checksum.take().map_or(Ok(()), Checksum::check) {
            Ok(()) => Ok(None),
            Err(why) => Err(Error::new(ErrorKind::Download, format!("{} {why}", shown_url(&self.file.url)))),
        }
    }

    /// The content of a `data:` URI, which comes as one piece.
    fn inline(&mut self) -> Result<Option<Bytes>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let (mime, content) = data_uri::decode(self.file.url())?;
        self.headers = vec![("content-type".to_owned(), mime)];
        self.total = Some(content.len() as u64);
        let from = content.len().min(usize::try_from(self.offset).unwrap_or(usize::MAX));
        let rest = content.slice(from..);
        self.moved(&rest);
        Ok(Some(rest))
    }

    fn moved(&mut self, chunk: &Bytes) {
        self.known = true;
        if let Some(checksum) = &mut self.checksum {
            checksum.update(chunk);
        }
        self.offset += chunk.len() as u64;
        if let Some(observer) = &self.observer {
            observer(transfer_progress(self.offset, self.total));
        }
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
        let config = self.file.client.config();
        let wait = self.retries.after(Failure::Lost, None, None);
        match wait {
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
        let response = match file.request(self.offset, etag).await {
            Err(error) if !self.known && error.status() == Some(416) => return Ok(self.nothing()),
            response => response?,
        };
        let first = !self.known;
        let version = Version::of(&response);
        let etag = response.header("etag").filter(|etag| !etag.starts_with("W/")).map(str::to_owned);
        let length = response.header("content-length").and_then(|length| length.parse::<u64>().ok());
        if response.status == 206 && self.offset > 0 {
            let range = response.header("content-range").unwrap_or_default().to_owned();
            if !range.starts_with(&format!("bytes {}-", self.offset)) {
                return Err(self.problem(&format!("cannot be resumed (the server sent {range:?})")));
            }
            let total = range.rsplit('/').next().and_then(|total| total.parse::<u64>().ok());
            if !first && (self.version.differs(&version) || differ(&self.total, &total)) {
                return Err(self.problem(CHANGED));
            }
            if first {
                (self.total, self.etag) = (total, etag);
            }
            self.skip = 0;
        } else {
            if !first
                && (self.total != length.or(self.total)
                    || self.etag != etag
                    || self.version.differs(&version))
            {
                return Err(self.problem(CHANGED));
            }
            if first && self.offset > 0 && length.is_some_and(|length| length <= self.offset) {
                return Ok(self.nothing());
            }
            self.skip = self.offset;
            self.total = if first { length } else { self.total.or(length) };
            self.etag = etag;
        }
        if first {
            self.version = version;
            self.checksum = (self.offset == 0).then(|| Checksum::given(&response.headers)).flatten();
            self.headers = response.headers;
        }
        Ok(response.body.stream())
    }

    /// The rest of a file that ends before the place asked for.
    fn nothing(&mut self) -> BoxStream<'static, Result<Bytes>> {
        self.total = Some(self.offset);
        Box::pin(futures_util::stream::empty())
    }
}

/// What tells one version of a file from another. A weak tag or a date cannot vouch that the bytes are the same,
/// but they can show that they are not.
#[derive(Default)]
struct Version {
    tag: Option<String>,
    modified: Option<String>,
}

impl Version {
    fn of(response: &HttpResponse) -> Self {
        let tag = response.header("etag").map(|etag| etag.trim_start_matches("W/").to_owned());
        Self { tag, modified: response.header("last-modified").map(str::to_owned) }
    }

    fn differs(&self, other: &Self) -> bool {
        differ(&self.tag, &other.tag) || differ(&self.modified, &other.modified)
    }
}

/// Whether both are known and not the same.
fn differ<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
    one.is_some() && other.is_some() && one != other
}
