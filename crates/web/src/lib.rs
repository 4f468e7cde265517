//! The WebAssembly half of the npm package, for runtimes without native modules. Private: only `node/src` uses it, and it
//! may change with every release.
//!
//! It exports what the native binding (`crates/node`) exports, with the same names and signatures, so that `node/src` does
//! not know which of them it runs on. It knows no endpoint and holds no behavior.

#![cfg(target_arch = "wasm32")]
#![deny(unsafe_code)]

mod client;
mod error;
mod host;
mod object;
mod promises;
mod runtime;
mod source;
mod stream;
mod tasks;
mod telemetry;
mod transport;
mod value;
mod waiting;

use std::sync::Arc;

use js_sys::{Array, Promise};
use replicant::platform;
use replicant_javascript as javascript;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::{error::to_js, runtime::WebRuntime};

#[wasm_bindgen(start)]
fn start() {
    tasks::install();
    platform::set_decimal_parser(runtime::parse_decimal);
    platform::set_runtime(Arc::new(WebRuntime::with_rate(1.0)));
}

/// Calls a function of the core that needs no client. Returns nothing for `null`.
#[wasm_bindgen]
pub fn compute(operation: &str, json: &str, parts: Option<Array>) -> Result<Option<String>, JsValue> {
    let params = value::from_js(json, parts.as_ref());
    let result = params.and_then(|params| javascript::compute(operation, params));
    result.map(|json| (json != "null").then_some(json)).map_err(|error| to_js(&error))
}

/// Answers a question of a hook: the headers to change as JSON, or nothing if the hook threw.
#[wasm_bindgen]
pub fn answer(ask: u32, changes: Option<String>) {
    javascript::answer(ask, changes);
}

/// Resolves when the requests running in the background are done, or after `limit` milliseconds; by default after the time
/// that an exit may take.
#[wasm_bindgen]
pub fn drain(limit: Option<f64>) -> Promise {
    let limit = limit.map(runtime::milliseconds);
    tasks::promise(async move { runtime::drain(limit).await })
}

/// Returns the fields of the error of the last panic, after which an exported function has thrown an exception without them.
#[wasm_bindgen]
pub fn panicked() -> Option<String> {
    tasks::take_panic()
}

/// Returns the names of all operations and error codes as JSON, for tests that compare them with `node/src`.
#[wasm_bindgen]
pub fn contents() -> Result<String, JsValue> {
    javascript::contents().map_err(|error| to_js(&error))
}
