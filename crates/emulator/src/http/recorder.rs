//! The log of received requests, for tests.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::support::json::{self, Fields, Raw, array};
use crate::support::lock;
use crate::support::time::Timestamp;

/// The largest body that is kept; a larger one is marked as dropped.
const LARGEST_BODY: usize = 1 << 20;
/// The heads and bodies that are kept together.
const MOST_BYTES: usize = 64 << 20;

struct Received {
    number: u64,
    at: Timestamp,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// `None` if it was too large to keep.
    body: Option<Bytes>,
    size: usize,
}

/// The received requests, oldest first. Their number, size and age are bounded; the dropped ones are counted.
pub(crate) struct Recorder {
    log: Mutex<Log>,
    most: usize,
    hides_tokens: bool,
}

#[derive(Default)]
struct Log {
    received: VecDeque<Received>,
    bytes: usize,
    count: u64,
    dropped: u64,
}

impl Log {
    fn drop_first(&mut self) {
        if let Some(first) = self.received.pop_front() {
            self.bytes -= first.bytes();
            self.dropped += 1;
        }
    }
}

impl Recorder {
    pub(crate) fn new(most: usize, hides_tokens: bool) -> Self {
        Self { log: Mutex::default(), most: most.max(1), hides_tokens }
    }

    pub(crate) fn record(
        &self,
        at: Timestamp,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) {
        let mut log = lock(&self.log);
        log.count += 1;
        let kept = (body.len() <= LARGEST_BODY).then(|| body.clone());
        let mut headers = headers.clone();
        if self.hides_tokens && headers.contains_key(header::AUTHORIZATION) {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static("[removed]"));
        }
        let entry = Received {
            number: log.count,
            at,
            method: method.clone(),
            uri: uri.clone(),
            headers,
            size: body.len(),
            body: kept,
        };
        log.bytes += entry.bytes();
        log.received.push_back(entry);
        while log.received.len() > self.most || (log.bytes > MOST_BYTES && log.received.len() > 1) {
            log.drop_first();
        }
    }

    /// Drops the requests received before `moment`.
    pub(crate) fn drop_before(&self, moment: Timestamp) {
        let mut log = lock(&self.log);
        while log.received.front().is_some_and(|first| first.at < moment) {
            log.drop_first();
        }
    }

    pub(crate) fn clear(&self) {
        let mut log = lock(&self.log);
        *log = Log { count: log.count, ..Log::default() };
    }

    pub(crate) fn count(&self) -> u64 {
        lock(&self.log).count
    }

    /// Returns how many requests have been dropped to bound the memory.
    pub(crate) fn dropped(&self) -> u64 {
        lock(&self.log).dropped
    }

    pub(crate) fn view(&self) -> Raw {
        array(&lock(&self.log).received.iter().map(Received::view).collect::<Vec<_>>())
    }
}

impl Received {
    fn bytes(&self) -> usize {
        let target = self.uri.path().len() + self.uri.query().map_or(0, str::len);
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        target + headers.sum::<usize>() + self.body.as_ref().map_or(0, Bytes::len)
    }

    fn view(&self) -> Raw {
        let headers =
            json::headers(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let body = self.body.as_deref().unwrap_or_default();
        let json = serde_json::from_slice::<Box<RawValue>>(body).ok();
        Fields::new()
            .put("number", &self.number)
            .put("method", self.method.as_str())
            .put("path", self.uri.path())
            .put("query", self.uri.query().unwrap_or_default())
            .put("headers", &headers)
            .put("body_size", &self.size)
            .put_some("body_dropped", self.body.is_none().then_some(true))
            .put_some("json", json)
            .finish()
    }
}
