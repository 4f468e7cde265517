//! How a call ends.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use replicant::{Error, Result};
use tokio::{pin, sync::Notify};

use crate::internal;

/// Runs `work` until it ends or is stopped. When stopped, drops it immediately and returns `None`. A panic becomes an
/// error.
pub async fn until_stopped<T>(
    stopped: Option<Arc<Notify>>,
    work: impl Future<Output = Result<T>>,
) -> Option<Result<T>> {
    let work = AssertUnwindSafe(work).catch_unwind();
    pin!(work);
    let stop = async {
        match stopped {
            Some(stopped) => stopped.notified().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop => None,
        done = work => Some(done.unwrap_or_else(|panic| Err(from_panic(&*panic)))),
    }
}

/// Converts a panic to an error.
pub fn from_panic(panic: &(dyn Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    internal(text.unwrap_or("a panic"))
}
