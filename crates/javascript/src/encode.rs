//! Values of the core as JSON.

use bytes::Bytes;
use replicant::{Error, Event, FileOutput, Item, PathSegment, Reply, Result, Value, operation};

/// Encodes a value as JSON text.
///
/// # Errors
/// If the value contains bytes or a file.
pub fn to_json(value: &Value) -> Result<String> {
    String::from_utf8(value.to_json()?).map_err(|error| Error::bug(&error.to_string()))
}

/// The result of a call.
#[derive(Default)]
pub struct CallResult {
    /// The value as JSON, unless it is bytes.
    pub json: Option<String>,
    /// Paths, as JSON, of the values that are URLs of files.
    pub files: Option<String>,
    /// The value, if it is bytes.
    pub bytes: Option<Bytes>,
    /// Status and headers of the response, as JSON.
    pub meta: Option<String>,
}

impl CallResult {
    /// Encodes the result of an operation.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn new(reply: Reply<operation::Payload>) -> Result<Self> {
        let meta = Some(serde_json::to_string(&(reply.status, &reply.headers)).map_err(encoding_failed)?);
        let value = match reply.value {
            operation::Payload::Json(text) => {
                return Ok(Self { json: Some(text), files: None, bytes: None, meta });
            }
            payload => payload.into_value()?,
        };
        Ok(match value {
            Value::Bytes(bytes) => Self { json: None, files: None, bytes: Some(bytes), meta },
            value => Self { json: Some(to_json(&value)?), files: files(&value)?, bytes: None, meta },
        })
    }
}

/// Writes an item of a stream as JSON: `["value", value, files?]`, `["event", ...]` with the event's fields, or `[0, data, id]` for
/// an `output` event without others, as nearly all are: it takes JavaScript less time to parse.
///
/// # Errors
/// If the item has no JSON form, such as bytes.
pub(crate) fn item(item: &Item, to: &mut Vec<u8>) -> Result<()> {
    match item {
        Item::Value(value) => {
            to.extend_from_slice(br#"["value","#);
            to.extend_from_slice(to_json(value)?.as_bytes());
            if let Some(files) = files(value)? {
                to.push(b',');
                to.extend_from_slice(files.as_bytes());
            }
            to.push(b']');
            Ok(())
        }
        Item::Event(Event { event, data, id, retry: None, file: None, .. }) if event == "output" => {
            serde_json::to_writer(to, &(0, data, id)).map_err(encoding_failed)
        }
        Item::Event(Event { event, data, id, retry, file, .. }) => {
            let file = file.as_ref().map(FileOutput::url);
            serde_json::to_writer(to, &("event", event, data, id, retry, file)).map_err(encoding_failed)
        }
        _ => Err(Error::bug("an item that has no JSON form")),
    }
}

/// Calls a function of the core that needs no client. Returns its result as JSON.
///
/// # Errors
/// Those of the function.
pub fn compute(name: &str, params: Value) -> Result<String> {
    match operation::compute(name, params)? {
        operation::Payload::Json(text) => Ok(text),
        payload => to_json(&payload.into_value()?),
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
    Error::bug(&error.to_string())
}
