//! Values from JavaScript: JSON text, and beside it the parts that JSON cannot hold, each with its path.
//! `node/src/value.ts` is the other half.

use bytes::Bytes;
use napi::bindgen_prelude::{Object, Uint8ArraySlice};
use replicant::{Error, Result, Value};
use replicant_javascript::{insert, number};

use crate::source;

/// Decodes a value from its JSON and its parts.
pub(crate) fn from_js(json: &str, parts: Option<Vec<Object<'_>>>) -> Result<Value> {
    let mut value = Value::from_json(json.as_bytes())?;
    for part in parts.into_iter().flatten() {
        let (path, content) = read_part(&part).map_err(|error| Error::bug(&error.reason))?;
        insert(&mut value, &path, content)?;
    }
    Ok(value)
}

fn read_part(part: &Object<'_>) -> napi::Result<(String, Value)> {
    let path = part.get::<String>("path")?.unwrap_or_default();
    if let Some(bytes) = part.get::<Uint8ArraySlice<'_>>("bytes")? {
        return Ok((path, Value::Bytes(Bytes::copy_from_slice(&bytes))));
    }
    if let Some(text) = part.get::<String>("text")? {
        return Ok((path, Value::String(text)));
    }
    if let Some(digits) = part.get::<String>("digits")? {
        return Ok((path, number(&digits)));
    }
    let source = part.get("source")?.ok_or_else(|| napi::Error::from_reason("a part without content"))?;
    Ok((path, Value::File(source::file(&source)?)))
}
