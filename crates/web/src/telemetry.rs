//! What a call reports to JavaScript while it runs.

use replicant::{
    bindings::{Following, Wanted},
    telemetry::Level,
};
use wasm_bindgen::JsValue;

use crate::{
    object::{property, text},
    promises::CompletionChannel,
};

/// Returns what reports to the receiver in `wanted`, a `Wanted` of `node/src/native.ts`.
pub(crate) fn follow(wanted: &JsValue, channel: &CompletionChannel) -> Following {
    let is = |name: &str| property(wanted, name).is_some_and(|it| it.is_truthy());
    let number = property(wanted, "number").and_then(|number| number.as_f64()).unwrap_or_default() as u32;
    let wanted = Wanted {
        level: text(wanted, "level").and_then(|name| Level::from_name(&name)).unwrap_or(Level::Off),
        spans: is("spans"),
        on_request: is("onRequest"),
        on_response: is("onResponse"),
        on_retry: is("onRetry"),
    };
    replicant_javascript::follow(wanted, number, channel)
}
