//! The threads that run the core, and how a call ends.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use napi_derive::module_init;
use replicant::{Error, Result};
use tokio::{pin, sync::Notify};

use crate::error::internal;

/// Starts a runtime with two threads. One would make a single call a tenth faster, because no thread is woken to look
/// for more work, but 64 concurrent calls a quarter slower, and all would wait while it decodes a large response. napi's
/// default is one thread per core.
#[module_init]
fn init() {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("replicant")
        .enable_all()
        .build();
    if let Ok(runtime) = built {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}

/// Runs `work` until it ends or is stopped. When stopped, drops it immediately and returns `None`. A panic becomes an
/// error.
pub(crate) async fn until_stopped<T>(
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
pub(crate) fn from_panic(panic: &(dyn Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    internal(text.unwrap_or("a panic"))
}
