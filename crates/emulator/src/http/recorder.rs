//! The log of received requests, for tests.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, Method, Uri};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::support::json::{self, Fields, Raw, array};
use crate::support::lock;

const KEPT: usize = 5_000;
const LARGEST_JSON: usize = 1 << 18;

struct Received {
    number: u64,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    size: usize,
}

/// The received requests, oldest first.
#[derive(Default)]
pub(crate) struct Recorder {
    received: Mutex<VecDeque<Received>>,
    count: AtomicU64,
}

impl Recorder {
    pub(crate) fn record(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) {
        let keep_body = body.len() <= LARGEST_JSON;
        let entry = Received {
            number: self.count.fetch_add(1, Ordering::Relaxed) + 1,
            method: method.clone(),
            uri: uri.clone(),
            headers: headers.clone(),
            size: body.len(),
            body: if keep_body { body.clone() } else { Bytes::new() },
        };
        let mut received = lock(&self.received);
        if received.len() == KEPT {
            received.pop_front();
        }
        received.push_back(entry);
    }

    pub(crate) fn clear(&self) {
        lock(&self.received).clear();
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn view(&self) -> Raw {
        array(&lock(&self.received).iter().map(Received::view).collect::<Vec<_>>())
    }
}

impl Received {
    fn view(&self) -> Raw {
        let headers =
            json::headers(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let json = serde_json::from_slice::<Box<RawValue>>(&self.body).ok();
        Fields::new()
            .put("number", &self.number)
            .put("method", self.method.as_str())
            .put("path", self.uri.path())
            .put("query", self.uri.query().unwrap_or_default())
            .put("headers", &headers)
            .put("body_size", &self.size)
            .put_some("json", json)
            .finish()
    }
}
