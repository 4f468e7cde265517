//! Properties and bytes of JavaScript objects.

use bytes::Bytes;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// Copies a `Uint8Array` or `ArrayBuffer`.
pub(crate) fn to_bytes(bytes: &JsValue) -> Bytes {
    match bytes.dyn_ref::<Uint8Array>() {
        Some(view) => view.to_vec().into(),
        None => Uint8Array::new(bytes).to_vec().into(),
    }
}

/// Returns a property that is neither null nor undefined.
pub(crate) fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_null() && !value.is_undefined()).then_some(value)
}

/// Returns a property that is a string.
pub(crate) fn text(object: &JsValue, name: &str) -> Option<String> {
    property(object, name)?.as_string()
}
