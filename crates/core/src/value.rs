//! [`Value`]: JSON, bytes and files, the data that the bindings exchange with the core.

mod convert;
pub(crate) mod decode;
pub(crate) mod decode_error;
mod display;
mod file;
mod json;
pub(crate) mod nearest;
mod number;
mod observer;
pub(crate) mod options;
pub(crate) mod seconds;
mod secret;
pub(crate) mod text;
mod walk;

use std::{ops, sync::Arc};

use bytes::Bytes;
use serde::de::DeserializeOwned;

pub use self::{
    decode_error::DecodeError,
    file::{ByteSource, File},
    json::EncodeError,
    number::Number,
    observer::Observer,
    secret::{Password, Token},
    walk::PathSegment,
};
pub(crate) use self::{
    json::check_json,
    number::{float_text, parse_float},
    walk::format_path,
};

/// The members of a JSON object, in insertion order.
pub type Object = indexmap::IndexMap<String, Value>;

/// A JSON value, extended by raw bytes and files.
///
/// Inputs may hold [`Value::Bytes`] and [`Value::File`] at any depth; they are uploaded or inlined when
/// the request is sent. Outputs hold a [`Value::FileUrl`] wherever the model wrote a file.
///
/// [`json!`](crate::json) panics if an expression in it holds bytes or a file, which JSON cannot: assign them instead.
///
/// Indexing with a missing key or position returns `null`, so `value["a"][0]["b"]` never panics. Assigning
/// to a missing member adds it.
///
/// ```
/// use replicant::{json, File, Value};
///
/// let mut input: Value = json!({"scale": 2}).into();
/// input["image"] = File::path("photo.png").into();
/// assert_eq!(input["scale"].as_i64(), Some(2));
/// assert!(input["mask"].is_null());
/// ```
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number. Integers of any size are exact.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, in insertion order.
    Object(Object),
    /// Bytes to send as a file.
    Bytes(Bytes),
    /// A file to send.
    File(File),
    /// The URL of a file that a model wrote. See [`Output::files`](crate::Output::files).
    FileUrl(Arc<str>),
    /// The JSON text of a value that the other variants cannot express: a string with half a surrogate pair, a number
    /// beyond the range of floats, or an array or object nested more than 128 levels deep. Written as it was read.
    Json(Box<str>),
}

impl Value {
    /// Returns an empty object.
    pub fn object() -> Self {
        Self::Object(Object::new())
    }

    /// Builds an object from its members.
    #[doc(hidden)]
    pub fn from_members<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Returns the string, or the URL of a file output. `None` for a string with half a surrogate pair.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(string) => Some(string),
            Self::FileUrl(url) => Some(url),
            _ => None,
        }
    }

    /// Returns the number if it is an integer that fits `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Returns the number if it is an integer that fits `u64`.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// Returns the number as a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_f64()),
            Self::Json(text) => parse_float(text),
            _ => None,
        }
    }

    /// Returns the boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// Returns the items of an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Returns the URL of a file output; `None` for an ordinary string.
    pub fn as_file_url(&self) -> Option<&str> {
        match self {
            Self::FileUrl(url) => Some(url),
            _ => None,
        }
    }

    /// Returns `true` if this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns a member of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// Decodes a type. A `null` member becomes the default of its type, as in the responses of the API.
    ///
    /// ```
    /// use replicant::{Prediction, json};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Size {
    ///     width: u32,
    /// }
    /// let value = replicant::Value::from(json!({"id": "4b2q8m", "output": {"width": 512}}));
    /// assert_eq!(value["output"].clone().decode::<Size>()?.width, 512);
    /// assert_eq!(value.decode::<Prediction>()?.id, "4b2q8m");
    /// # Ok::<(), replicant::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the value does not have the form of the type. The message names the invalid member.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, DecodeError> {
        decode::from_value(self, decode::Nulls::Default)
    }

    /// Returns the name of the type, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::Bytes(_) => "bytes",
            Self::File(_) | Self::FileUrl(_) => "a file",
            Self::Json(text) => match text.as_bytes().first() {
                Some(b'{') => "an object",
                Some(b'[') => "an array",
                Some(b'"') => "a string",
                _ => "a number",
            },
        }
    }
}

impl ops::Index<&str> for Value {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

impl ops::IndexMut<&str> for Value {
    /// Turns `null` into an object, and adds the member if it is missing.
    ///
    /// # Panics
    /// Panics if this is neither an object nor `null`.
    fn index_mut(&mut self, key: &str) -> &mut Value {
        if self.is_null() {
            *self = Value::object();
        }
        match self {
            Value::Object(members) => members.entry(key.to_owned()).or_default(),
            other => panic!("cannot set `{key}` in {}", other.kind()),
        }
    }
}

impl ops::Index<usize> for Value {
    type Output = Value;

    fn index(&self, index: usize) -> &Value {
        self.as_array().and_then(|items| items.get(index)).unwrap_or(&Value::Null)
    }
}

impl ops::IndexMut<usize> for Value {
    /// # Panics
    /// Panics if this is no array, or has no such item.
    fn index_mut(&mut self, index: usize) -> &mut Value {
        match self {
            Value::Array(items) => &mut items[index],
            other => panic!("cannot set item {index} of {}", other.kind()),
        }
    }
}
