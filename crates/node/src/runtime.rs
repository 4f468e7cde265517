//! The threads that run the core.

use napi_derive::module_init;

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
