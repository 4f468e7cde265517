//! [`Value`]: JSON, bytes and files. The only kind of data that crosses into another language.

mod convert;
mod decode;
mod json;
mod mistake;
pub(crate) mod nearest;
mod number;

use std::{fmt, ops};

use bytes::Bytes;

pub use self::number::Number;
pub(crate) use self::{
    decode::{decode, decode_params},
    json::check_json,
};
use crate::{output::FileOutput, upload::File};

/// The members of a JSON object, in the order they came.
///
/// ```
/// use replicant::{Object, Value};
///
/// let mut input = Object::new();
/// input.insert("prompt".into(), "a heron".into());
/// assert_eq!(Value::from(input)["prompt"], "a heron");
/// ```
pub type Object = indexmap::IndexMap<String, Value>;

/// Any JSON value, and beside it what JSON cannot say: raw bytes and files.
///
/// Inputs take [`Value::Bytes`] and [`Value::File`] anywhere inside; they are uploaded or inlined
/// when the request is made. Outputs hold a [`Value::Output`] where the model wrote a file.
///
/// ```
/// use replicant::{json, File, Value};
///
/// let mut input: Value = json!({"scale": 2}).into();
/// input["image"] = File::path("photo.png").into();
/// assert_eq!(input["scale"].as_i64(), Some(2));
/// ```
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number; integers of any size stay integers.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, its members in order.
    Object(Object),
    /// Raw bytes, on their way up.
    Bytes(Bytes),
    /// A file on its way up.
    File(File),
    /// A file that a model wrote.
    Output(FileOutput),
}

/// One step of a place inside a [`Value`].
///
/// ```
/// use replicant::PathSegment;
///
/// // images[0]
/// let place = [PathSegment::Key("images".into()), PathSegment::Index(0)];
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSegment {
    /// A member of an object.
    Key(String),
    /// An item of an array.
    Index(usize),
}

impl Value {
    /// An empty object.
    ///
    /// ```
    /// let mut input = replicant::Value::object();
    /// input["prompt"] = "a heron".into();
    /// ```
    pub fn object() -> Self {
        Self::Object(Object::new())
    }

    /// The string, if this is one. A file output gives its URL.
    ///
    /// ```
    /// assert_eq!(replicant::Value::from("a").as_str(), Some("a"));
    /// assert_eq!(replicant::Value::from(1).as_str(), None);
    /// ```
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(string) => Some(string),
            Self::Output(file) => Some(file.url()),
            _ => None,
        }
    }

    /// The integer, if this is one that fits.
    ///
    /// ```
    /// assert_eq!(replicant::Value::from(7).as_i64(), Some(7));
    /// assert_eq!(replicant::Value::from(7.0).as_i64(), None);
    /// ```
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The number as a float, if this is a number.
    ///
    /// ```
    /// assert_eq!(replicant::Value::from(7).as_f64(), Some(7.0));
    /// ```
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    ///
    /// ```
    /// assert_eq!(replicant::Value::from(true).as_bool(), Some(true));
    /// ```
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// The items, if this is an array.
    ///
    /// ```
    /// use replicant::{Value, json};
    ///
    ///
    /// let value: Value = json!([1, 2]).into();
    /// assert_eq!(value.as_array().map(<[_]>::len), Some(2));
    /// ```
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if this is an object.
    ///
    /// ```
    /// use replicant::{Value, json};
    ///
    ///
    /// let value: Value = json!({"a": 1, "b": 2}).into();
    /// assert!(value.as_object().is_some_and(|members| members.keys().eq(["a", "b"])));
    /// ```
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The file, if a model wrote one here.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// if let Some(file) = output.as_file() {
    ///     file.save("heron.png").await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn as_file(&self) -> Option<&FileOutput> {
        match self {
            Self::Output(file) => Some(file),
            _ => None,
        }
    }

    /// Whether this is `null`.
    ///
    /// ```
    /// use replicant::{Value, json};
    ///
    ///
    /// assert!(Value::from(json!({"a": 1}))["b"].is_null());
    /// ```
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The member of that name, if this is an object that has it.
    ///
    /// ```
    /// use replicant::{Value, json};
    ///
    ///
    /// let value: Value = json!({"a": null}).into();
    /// assert_eq!(value.get("a"), Some(&Value::Null));
    /// assert_eq!(value.get("b"), None);
    /// ```
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// All file outputs in here, in order.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("stability-ai/sdxl", replicant::json!({"prompt": "a heron"})).await?;
    /// for (n, file) in output.files().into_iter().enumerate() {
    ///     file.save(format!("heron-{n}.png")).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn files(&self) -> Vec<&FileOutput> {
        let mut found = Vec::new();
        self.walk(&mut Vec::new(), &mut |value, _| {
            if let Value::Output(file) = value {
                found.push(file);
            }
        });
        found
    }

    /// Where the file outputs are; for a language that takes the rest as JSON text.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
    /// for path in output.file_paths() {
    ///     println!("a file at {path:?}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn file_paths(&self) -> Vec<Vec<PathSegment>> {
        let mut paths = Vec::new();
        self.walk(&mut Vec::new(), &mut |value, path| {
            if matches!(value, Value::Output(_)) {
                paths.push(path.to_vec());
            }
        });
        paths
    }

    /// All text in here, joined: what a language model wrote, whether its output is a string or a
    /// list of pieces.
    ///
    /// ```
    /// use replicant::{Value, json};
    ///
    ///
    /// assert_eq!(Value::from(json!(["Once", " upon"])).text(), "Once upon");
    /// ```
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.walk(&mut Vec::new(), &mut |value, _| {
            if let Value::String(string) = value {
                text.push_str(string);
            }
        });
        text
    }

    /// Calls `visit` with every leaf and its place.
    pub(crate) fn walk<'a>(
        &'a self,
        path: &mut Vec<PathSegment>,
        visit: &mut impl FnMut(&'a Value, &[PathSegment]),
    ) {
        match self {
            Self::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(PathSegment::Index(index));
                    item.walk(path, visit);
                    path.pop();
                }
            }
            Self::Object(members) => {
                for (key, member) in members {
                    path.push(PathSegment::Key(key.clone()));
                    member.walk(path, visit);
                    path.pop();
                }
            }
            leaf => visit(leaf, path),
        }
    }

    /// Replaces every leaf by what `replace` makes of it.
    pub(crate) fn map_leaves(self, replace: &mut impl FnMut(Value) -> Value) -> Value {
        match self {
            Self::Array(items) => {
                Self::Array(items.into_iter().map(|item| item.map_leaves(replace)).collect())
            }
            Self::Object(members) => Self::Object(
                members.into_iter().map(|(key, member)| (key, member.map_leaves(replace))).collect(),
            ),
            leaf => replace(leaf),
        }
    }

    /// What kind of value this is, in words of JSON.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::Bytes(_) => "bytes",
            Self::File(_) | Self::Output(_) => "a file",
        }
    }
}

/// A place written as a user would write it: `input.image[0]`.
pub(crate) fn place(root: &str, path: &[PathSegment]) -> String {
    let mut text = root.to_owned();
    for segment in path {
        match segment {
            PathSegment::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            PathSegment::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl ops::Index<&str> for Value {
    type Output = Value;

    /// The member of that name; `null` where there is none.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

impl ops::IndexMut<&str> for Value {
    /// The member of that name, made if need be.
    ///
    /// # Panics
    /// If this is neither an object nor `null`.
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

    /// The item at that place; `null` where there is none.
    fn index(&self, index: usize) -> &Value {
        self.as_array().and_then(|items| items.get(index)).unwrap_or(&Value::Null)
    }
}

impl fmt::Display for Value {
    /// A string as it is, anything else as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(string) = self.as_str() {
            return f.write_str(string);
        }
        match serde_json::to_string(self) {
            Ok(json) => f.write_str(&json),
            // Files and bytes are no JSON.
            Err(_) => write!(f, "{self:?}"),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Self::File(file) => write!(f, "{file:?}"),
            Self::Array(items) => f.debug_list().entries(items).finish(),
            Self::Object(members) => f.debug_map().entries(members).finish(),
            Self::Null => f.write_str("null"),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(string) => write!(f, "{string:?}"),
            Self::Output(file) => write!(f, "{:?}", file.url()),
        }
    }
}
