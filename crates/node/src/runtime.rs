//! The thread that runs the core.

use std::{io, panic, sync::OnceLock};

use napi::bindgen_prelude::create_custom_tokio_runtime;
use napi_derive::module_init;
use tokio::runtime::Builder;

/// Why no runtime could be started.
static FAILURE: OnceLock<String> = OnceLock::new();

/// Starts a runtime with one thread. With a second one, each call wakes it to look for more work. napi's default is one
/// thread per core.
#[module_init]
fn init() {
    // tokio panics if a process has no descriptors left for its signals.
    let built = panic::catch_unwind(|| {
        Builder::new_multi_thread().worker_threads(1).thread_name("replicant").enable_all().build()
    });
    let built = built.unwrap_or_else(|_| Err(io::Error::other("too few file descriptors")));
    let built = built.or_else(|error| {
        let _ = FAILURE.set(error.to_string());
        // Without one, napi builds its own, and ends the process if it cannot. This one takes neither threads nor descriptors.
        Builder::new_current_thread().build()
    });
    if let Ok(runtime) = built {
        create_custom_tokio_runtime(runtime);
    }
}

/// # Errors
/// If no runtime could be started.
pub(crate) fn check() -> napi::Result<()> {
    match FAILURE.get() {
        Some(why) => Err(napi::Error::from_reason(format!(
            "cannot start a thread: {why}. Raise the limits of processes and open files (`ulimit -u`, `ulimit -n`)"
        ))),
        None => Ok(()),
    }
}
