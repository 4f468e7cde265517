//! Work that would block the thread of an event loop.

use super::{BoxError, BoxFuture};

/// Runs `work` on a thread for blocking work.
///
/// # Errors
/// If the work panics or the runtime shuts down before it has run.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> BoxFuture<'static, Result<T, BoxError>> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        // A custom transport may run on another runtime than tokio.
        let done = work();
        return Box::pin(async { Ok(done) });
    };
    let working = runtime.spawn_blocking(work);
    Box::pin(async { Ok(working.await?) })
}

/// Runs `work` at once, as there is only one thread.
#[cfg(target_arch = "wasm32")]
pub(crate) fn run_blocking<T: 'static>(work: impl FnOnce() -> T) -> BoxFuture<'static, Result<T, BoxError>> {
    let done = work();
    Box::pin(async { Ok(done) })
}
