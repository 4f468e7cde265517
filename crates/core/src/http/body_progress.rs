//! How much of a body has been transferred.

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

/// What is known of a body under way.
#[derive(Clone, Default)]
pub(crate) struct BodyProgress {
    moved: Arc<AtomicU64>,
    pub(super) error: Arc<Mutex<Option<Error>>>,
    /// The digest of the content, once an attempt has sent all of it.
    pub(super) digest: Arc<Mutex<Option<Digest>>>,
}

impl BodyProgress {
    /// Bytes handed to the connection so far.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// The digest of what was sent.
    pub fn take_digest(&self) -> Option<Digest> {
        lock(&self.digest).take()
    }

    /// Notes that more bytes have moved.
    pub fn add(&self, bytes: usize) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The error of the source, which the connection only knows as a break.
    pub fn take_error(&self) -> Option<Error> {
        lock(&self.error).take()
    }
}

/// What an observer of bytes is told.
pub(crate) fn transfer_progress(loaded: u64, total: Option<u64>) -> Value {
    Value::from_members([("loaded", loaded.into()), ("total", total.into())])
}

/// Receives how many bytes of a body have been sent, and of how many.
pub(crate) type ByteObserver = Callback<(u64, Option<u64>)>;
