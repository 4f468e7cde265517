//! Values on their way across the boundary: JSON text, and beside it the parts that JSON cannot hold, each with its path.
//! `node/src/value.ts` is the other half.

use js_sys::Array;
use replicant::{Result, Value};
use replicant_javascript::{insert, internal, number};
use wasm_bindgen::JsValue;

use crate::{
    object::{property, text, to_bytes},
    source,
};

/// Decodes a value from its JSON and its parts.
pub(crate) fn from_js(json: &str, parts: Option<&Array>) -> Result<Value> {
    let mut value = Value::from_json(json.as_bytes())?;
    for part in parts.into_iter().flat_map(Array::iter) {
        let path = text(&part, "path").unwrap_or_default();
        insert(&mut value, &path, content(&part)?)?;
    }
    Ok(value)
}

fn content(part: &JsValue) -> Result<Value> {
    if let Some(bytes) = property(part, "bytes") {
        return Ok(Value::Bytes(to_bytes(&bytes)));
    }
    if let Some(text) = text(part, "text") {
        return Ok(Value::String(text));
    }
    if let Some(digits) = text(part, "digits") {
        return Ok(number(&digits));
    }
    let source = property(part, "source").ok_or_else(|| internal("a part without content"))?;
    source::file(&source).map(Value::File)
}
