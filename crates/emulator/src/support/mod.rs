//! Locks, time, identifiers, excerpts, JSON and forms: what every layer above uses.

pub(crate) mod difference;
pub(crate) mod duration;
pub(crate) mod excerpt;
pub(crate) mod ids;
pub(crate) mod json;
pub(crate) mod multipart;
pub(crate) mod time;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex even if a thread panicked while it held the lock: the guarded data stay valid between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
