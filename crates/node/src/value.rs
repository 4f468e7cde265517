//! Values on their way between JavaScript and the core: JSON text, and beside it what JSON cannot
//! hold, with the places it belongs to. `node/src/value.ts` is the other half.

use bytes::Bytes;
use napi::bindgen_prelude::{Object, Uint8ArraySlice};
use replicant::{
    Error, ErrorKind, Event, FileOutput, Item, Number, PathSegment, Reply, Result, Value, operation,
};

use crate::source;

/// A value from JavaScript.
pub(crate) fn read(json: &str, parts: Option<Vec<Object<'_>>>) -> Result<Value> {
    let mut value = Value::from_json(json.as_bytes())?;
    for part in parts.into_iter().flatten() {
        let (path, content) = read_part(&part).map_err(|error| internal(&error.reason))?;
        let path = Value::from_json(path.as_bytes())?;
        *place(&mut value, path.as_array().unwrap_or_default())? = content;
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

/// The place inside `value` that `path` leads to. The path was made from this very value, so a step
/// that is not there is a defect.
fn place<'a>(value: &'a mut Value, path: &[Value]) -> Result<&'a mut Value> {
    let missing = || internal("a part without a place");
    path.iter().try_fold(value, |value, step| match value {
        Value::Object(members) => members.get_mut(step.as_str().unwrap_or_default()).ok_or_else(missing),
        Value::Array(items) => {
            let index = step.as_i64().and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| items.get_mut(index)).ok_or_else(missing)
        }
        _ => Err(missing()),
    })
}

fn internal(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("this is a bug in replicant, please report it: {what}"))
}

/// A value of the core as JSON text.
pub(crate) fn text(value: &Value) -> Result<String> {
    String::from_utf8(value.to_json()?).map_err(|error| internal(&error.to_string()))
}

/// The answer of a call, written out where that does not hold up JavaScript.
pub(crate) struct Answer {
    pub json: Option<String>,
    /// Places in it that hold the URL of a file.
    pub files: Option<String>,
    pub bytes: Option<Bytes>,
    /// Status and headers.
    pub meta: String,
}

impl Answer {
    pub(crate) fn of(reply: Reply<operation::Answer>) -> Result<Self> {
        let meta = serde_json::to_string(&(reply.status, &reply.headers)).map_err(unwritten)?;
        let value = match reply.value {
            operation::Answer::Json(text) => {
                return Ok(Self { json: Some(text), files: None, bytes: None, meta });
            }
            answer => answer.into_value()?,
        };
        Ok(match value {
            Value::Bytes(bytes) => Self { json: None, files: None, bytes: Some(bytes), meta },
            value => Self { json: Some(text(&value)?), files: files(&value)?, bytes: None, meta },
        })
    }
}

/// An item of a stream as JSON: `["value", value, files?]`, or an event's members in a row.
pub(crate) fn item(item: &Item) -> Result<String> {
    match item {
        Item::Value(value) => Ok(match files(value)? {
            None => format!(r#"["value",{}]"#, text(value)?),
            Some(files) => format!(r#"["value",{},{files}]"#, text(value)?),
        }),
        Item::Event(Event { event, data, id, retry, file, .. }) => {
            let file = file.as_ref().map(FileOutput::url);
            serde_json::to_string(&("event", event, data, id, retry, file)).map_err(unwritten)
        }
        _ => Err(internal("an item of a kind that has no form in JSON")),
    }
}

fn files(value: &Value) -> Result<Option<String>> {
    let paths = value.file_paths();
    if paths.is_empty() {
        return Ok(None);
    }
    let step = |segment| match segment {
        PathSegment::Key(key) => Value::from(key),
        PathSegment::Index(index) => Value::from(index as u64),
    };
    let paths = paths.into_iter().map(|path| Value::Array(path.into_iter().map(step).collect()));
    text(&Value::Array(paths.collect())).map(Some)
}

fn unwritten(error: serde_json::Error) -> Error {
    internal(&error.to_string())
}
