//! Values on their way across the boundary: JSON text, and beside it the parts that JSON cannot hold, each with its path.
//! `node/src/value.ts` is the other half.

use js_sys::{Array, Object, Uint8Array};
use replicant::{Error, Result, Value};
use replicant_javascript::{insert, number};
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};

use crate::source;

#[wasm_bindgen]
extern "C" {
    /// A `Part` of `node/src/value.ts`.
    type Part;

    #[wasm_bindgen(method, getter)]
    fn path(this: &Part) -> String;
    #[wasm_bindgen(method, getter)]
    fn bytes(this: &Part) -> Option<Uint8Array>;
    #[wasm_bindgen(method, getter)]
    fn text(this: &Part) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn digits(this: &Part) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn source(this: &Part) -> Option<Object>;
}

/// Decodes a value from its JSON and its parts.
pub(crate) fn from_js(json: &str, parts: Option<&Array>) -> Result<Value> {
    let mut value = Value::from_json(json.as_bytes())?;
    for part in parts.into_iter().flat_map(Array::iter) {
        let part: Part = part.unchecked_into();
        insert(&mut value, &part.path(), content(&part)?)?;
    }
    Ok(value)
}

fn content(part: &Part) -> Result<Value> {
    if let Some(bytes) = part.bytes() {
        return Ok(Value::Bytes(bytes.to_vec().into()));
    }
    if let Some(text) = part.text() {
        return Ok(Value::String(text));
    }
    if let Some(digits) = part.digits() {
        return Ok(number(&digits));
    }
    let source = part.source().ok_or_else(|| Error::bug("a part without content"))?;
    source::file(&source).map(Value::File)
}
