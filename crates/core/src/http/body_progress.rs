//! Tracks the transfer of a body.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use super::digest::Digest;
use crate::{
    error::Error,
    platform::{Callback, lock},
    value::Value,
};

/// The progress of a body: bytes, the source's error and the digest. Clones share their state.
#[derive(Clone, Default)]
pub(crate) struct BodyProgress {
    bytes: Arc<AtomicU64>,
    pub(super) error: Arc<Mutex<Option<Error>>>,
    /// The digest of the content, set once an attempt has sent all of it.
    pub(super) digest: Arc<Mutex<Option<Digest>>>,
}

impl BodyProgress {
    /// Returns the number of bytes transferred so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes the digest of the content that was sent.
    pub fn take_digest(&self) -> Option<Digest> {
        lock(&self.digest).take()
    }

    /// Records transferred bytes.
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Takes the error of the source. The transport reports it as a broken connection.
    pub fn take_error(&self) -> Option<Error> {
        lock(&self.error).take()
    }
}

/// Builds what the observer of a transfer receives: bytes `loaded` and, if known, `total`.
pub(crate) fn transfer_progress(loaded: u64, total: Option<u64>) -> Value {
    Value::from_members([("loaded", loaded.into()), ("total", total.into())])
}

/// A callback that receives the number of bytes sent and, if known, the size of the body.
pub(crate) type ByteObserver = Callback<(u64, Option<u64>)>;
