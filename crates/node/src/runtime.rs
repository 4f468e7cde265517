//! The thread that runs the core.

use napi_derive::module_init;

/// Starts a runtime with one thread. With a second one, each call wakes it to look for more work. napi's default is one
/// thread per core.
#[module_init]
fn init() {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("replicant")
        .enable_all()
        .build();
    if let Ok(runtime) = built {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}
