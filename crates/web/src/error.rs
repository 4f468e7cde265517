//! Errors as JavaScript objects.

use js_sys::Reflect;
use replicant::Error;
use replicant_javascript::fields;
use wasm_bindgen::JsValue;

/// Converts an error of the core for a function to throw. TypeScript makes the error of the right class from `failure`.
pub(crate) fn to_js(error: &Error) -> JsValue {
    let object = js_sys::Error::new(error.message());
    // Setting a property of an object that was just created cannot fail.
    let _ = Reflect::set(&object, &"code".into(), &error.code().into());
    let _ = Reflect::set(&object, &"failure".into(), &fields(error).into());
    object.into()
}

/// Returns the reason to reject a promise with, from the fields of an error.
pub(crate) fn failure(fields: &str) -> JsValue {
    let object = js_sys::Error::new("the call failed");
    let _ = Reflect::set(&object, &"failure".into(), &fields.into());
    object.into()
}

/// Returns the text of a JavaScript exception.
pub(crate) fn reason(thrown: &JsValue) -> String {
    let message = Reflect::get(thrown, &"message".into()).ok().and_then(|message| message.as_string());
    message.or_else(|| thrown.as_string()).unwrap_or_else(|| format!("{thrown:?}"))
}
