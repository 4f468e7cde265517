//! Values from JavaScript.

use bytes::Bytes;
use napi::bindgen_prelude::{Object, Uint8ArraySlice};
use replicant::{Number, Result, Value};

use crate::{error::internal, source};

/// Decodes a value from its JSON and its parts.
pub(crate) fn from_js(json: &str, parts: Option<Vec<Object<'_>>>) -> Result<Value> {
    let mut value = Value::from_json(json.as_bytes())?;
    for part in parts.into_iter().flatten() {
        let (path, content) = read_part(&part).map_err(|error| internal(&error.reason))?;
        let path = Value::from_json(path.as_bytes())?;
        *at(&mut value, path.as_array().unwrap_or_default())? = content;
    }
    Ok(value)
}

fn read_part(part: &Object<'_>) -> napi::Result<(String, Value)> {
    let path = part.get("path")?.unwrap_or_default();
    if let Some(bytes) = part.get::<Uint8ArraySlice<'_>>("bytes")? {
        return Ok((path, Value::Bytes(Bytes::copy_from_slice(&bytes))));
    }
    if let Some(text) = part.get::<String>("text")? {
        return Ok((path, Value::String(text)));
    }
    if let Some(digits) = part.get::<String>("digits")? {
        let number = digits.parse().ok().map(Number::Int).or_else(|| Number::big(&digits));
        return Ok((path, number.map_or(Value::Null, Value::Number)));
    }
    let source = part.get("source")?.ok_or_else(|| napi::Error::from_reason("a part without content"))?;
    Ok((path, Value::File(source::file(&source)?)))
}

/// Returns the value at `path`. The path was made from this value, so a missing step is a bug.
fn at<'a>(value: &'a mut Value, path: &[Value]) -> Result<&'a mut Value> {
    let missing = || internal("a part without a path");
    path.iter().try_fold(value, |value, step| match value {
        Value::Object(members) => members.get_mut(step.as_str().unwrap_or_default()).ok_or_else(missing),
        Value::Array(items) => {
            let index = step.as_i64().and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| items.get_mut(index)).ok_or_else(missing)
        }
        _ => Err(missing()),
    })
}
