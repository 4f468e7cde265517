//! The threads that work runs on, and how a piece of work ends.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use napi_derive::module_init;
use replicant::{Error, ErrorKind, Result};
use tokio::{pin, sync::Notify};

/// Two threads. One would save a tenth of a call that is made alone, since it wakes nobody to look for
/// more; but 64 calls at a time are a quarter slower with it, and all wait while it decodes a large
/// answer. napi would start one for each core.
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

/// Runs `work` to its end, or until it is stopped: then it is dropped here and now, and `None`.
/// A panic becomes an error.
pub(crate) async fn until<T>(
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

/// A panic, as the error it is.
pub(crate) fn from_panic(panic: &(dyn std::any::Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::new(
        ErrorKind::Internal,
        format!("this is a bug in replicant, please report it: {}", text.unwrap_or("a panic")),
    )
}
