//! Panics become errors of the core.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use replicant::{BoxFuture, Error, Result};

/// Runs `work`; a panic becomes an error.
pub fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Error::from_panic(&*panic)))
}

/// Awaits `work`; a panic becomes an error.
pub async fn guarded<T>(work: BoxFuture<'static, Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(Error::from_panic(&*panic)))
}
