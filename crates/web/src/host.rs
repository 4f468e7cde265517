//! The functions of JavaScript that the module calls most: `host` in `node/src/platform/web.ts`. They are few and have many
//! arguments, because calling one takes as long as a hundred instructions.

use std::cell::OnceCell;

use js_sys::Function;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    pub type Host;

    /// Calls `resume` in a microtask, which calls [`poll`](crate::tasks::poll).
    #[wasm_bindgen(method)]
    pub(crate) fn schedule(this: &Host);

    /// Calls [`settled`](crate::waiting::settled) with these numbers when a promise settles.
    #[wasm_bindgen(method)]
    pub(crate) fn settle(this: &Host, promise: &JsValue, number: u32, stamp: u32);

    /// Does the same after a time, with `setTimeout`.
    #[wasm_bindgen(method, js_name = startTimer)]
    pub(crate) fn start_timer(this: &Host, milliseconds: f64, number: u32, stamp: u32) -> JsValue;

    /// Returns a function that does the same when it is called with the numbers, in the request that this one was called in.
    /// Nothing if the runtime cannot do this.
    #[wasm_bindgen(method, js_name = onWake)]
    pub(crate) fn on_wake(this: &Host) -> Option<Function>;
}

thread_local! {
    static HOST: OnceCell<Host> = const { OnceCell::new() };
}

/// Sets the functions, before all else.
#[wasm_bindgen(js_name = setHost)]
pub fn set_host(host: Host) {
    // Called once.
    let _ = HOST.with(|cell| cell.set(host));
}

/// Calls a function of the host.
pub(crate) fn with<T>(call: impl FnOnce(&Host) -> T) -> T {
    HOST.with(|cell| call(cell.get().expect("`setHost` is called first")))
}
