//! The native half of the Node package. Private: only `node/src` uses it, and it may change with every release.
//!
//! It moves values, errors and streams across the boundary and knows no endpoint. Three verbs carry everything:
//! [`client::NativeClient::call`] for one result, [`client::NativeClient::open`] for a stream and [`compute`] for
//! functions without a request. The core has the behavior, `node/src` the types and documentation. The modules have the
//! names of those in the Python binding.

mod client;
mod error;
mod program;
mod promises;
mod runtime;
mod source;
mod stream;
mod telemetry;
mod transport;
mod value;

use napi::bindgen_prelude::{Env, Function, Object, PromiseRaw};
use napi_derive::napi;
use replicant::background;
use replicant_javascript as javascript;

/// Not on other systems, whose own allocator is fast (macOS) or where unloading mimalloc is unsafe (Windows).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Calls a function of the core that needs no client.
#[napi(catch_unwind)]
pub fn compute(
    env: &Env,
    operation: String,
    json: String,
    parts: Option<Vec<Object<'_>>>,
) -> napi::Result<String> {
    let params = value::from_js(&json, parts);
    let result = params.and_then(|params| javascript::compute(&operation, params));
    result.map_err(|error| error::to_js(env, &error))
}

/// Answers a question of a hook: the headers to change as JSON, `[["x-tenant", "acme"], ["x-old", null]]`, or nothing if
/// the hook threw.
#[napi(catch_unwind)]
pub fn answer(ask: u32, changes: Option<String>) {
    javascript::answer(ask, changes);
}

/// Resolves when the requests running in the background are done, or after the time that an exit may take.
///
/// The promise keeps the process alive, so that a cancel is sent before it exits.
#[napi(catch_unwind)]
pub fn drain<'env>(env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
    env.spawn_future(async {
        background::drain_at_exit().await;
        Ok(())
    })
}

/// Runs the command-line program and returns its exit code. Blocks this thread.
///
/// `find_emulator` returns the path of the program `replicant-emulator`, or an empty text and what to install.
#[napi(catch_unwind)]
pub fn command_line(arguments: Vec<String>, find_emulator: Function<'_, (), Vec<String>>) -> u32 {
    let find = || match find_emulator.call(()).map_err(|error| error.reason.to_string())?.as_slice() {
        [path] => Ok(path.into()),
        [.., why] => Err(why.clone()),
        [] => Err(String::new()),
    };
    let arguments = arguments.into_iter().map(Into::into).collect();
    replicant_cli::main(arguments, &replicant_cli::Host { find_emulator: &find }).into()
}

/// Returns the names of all operations and error codes as JSON, for tests that compare them with `node/src`.
#[napi(catch_unwind)]
pub fn contents(env: &Env) -> napi::Result<String> {
    javascript::contents().map_err(|error| error::to_js(env, &error))
}
