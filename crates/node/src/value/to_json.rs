//! Values of the core as JSON.

use bytes::Bytes;
use replicant::{Error, Event, FileOutput, Item, PathSegment, Reply, Result, Value, operation};

use crate::error::internal;

/// Encodes a value as JSON text.
pub(crate) fn to_json(value: &Value) -> Result<String> {
    String::from_utf8(value.to_json()?).map_err(|error| internal(&error.to_string()))
}

/// The result of a call, encoded on a thread that does not block JavaScript.
pub(crate) struct Answer {
    pub json: Option<String>,
    /// Paths, as JSON, of the values that are URLs of files.
    pub files: Option<String>,
    pub bytes: Option<Bytes>,
    /// Status and headers of the response, as JSON.
    pub meta: String,
}

impl Answer {
    pub(crate) fn new(reply: Reply<operation::Payload>) -> Result<Self> {
        let meta = serde_json::to_string(&(reply.status, &reply.headers)).map_err(encoding_failed)?;
        let value = match reply.value {
            operation::Payload::Json(text) => {
                return Ok(Self { json: Some(text), files: None, bytes: None, meta });
            }
            answer => answer.into_value()?,
        };
        Ok(match value {
            Value::Bytes(bytes) => Self { json: None, files: None, bytes: Some(bytes), meta },
            value => Self { json: Some(to_json(&value)?), files: files(&value)?, bytes: None, meta },
        })
    }
}

/// Encodes an item of a stream as JSON: `["value", value, files?]`, or `["event", ...]` with the event's fields.
pub(crate) fn item(item: &Item) -> Result<String> {
    match item {
        Item::Value(value) => Ok(match files(value)? {
            None => format!(r#"["value",{}]"#, to_json(value)?),
            Some(files) => format!(r#"["value",{},{files}]"#, to_json(value)?),
        }),
        Item::Event(Event { event, data, id, retry, file, .. }) => {
            let file = file.as_ref().map(FileOutput::url);
            serde_json::to_string(&("event", event, data, id, retry, file)).map_err(encoding_failed)
        }
        _ => Err(internal("an item that has no JSON form")),
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
    to_json(&Value::Array(paths.collect())).map(Some)
}

fn encoding_failed(error: serde_json::Error) -> Error {
    internal(&error.to_string())
}
