//! Blocking work outside the event loop.

use super::{BoxError, BoxFuture};

/// Runs blocking `work` on another thread.
///
/// # Errors
/// If the work panics or the runtime shuts down before it has run.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> BoxFuture<'static, Result<T, BoxError>> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        // A custom transport may run on a runtime other than tokio.
        let output = work();
        return Box::pin(async { Ok(output) });
    };
    let task = runtime.spawn_blocking(work);
    Box::pin(async { Ok(task.await?) })
}

/// Runs `work` at once: the web has one thread.
#[cfg(target_arch = "wasm32")]
pub(crate) fn run_blocking<T: 'static>(work: impl FnOnce() -> T) -> BoxFuture<'static, Result<T, BoxError>> {
    let output = work();
    Box::pin(async { Ok(output) })
}
