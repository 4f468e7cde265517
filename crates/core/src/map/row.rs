//! The rows of a batch.

use super::hash::Hash;
use crate::{
    error::{Error, Result},
    value::Value,
};

/// A row of a batch: the input of one prediction, and a key that identifies it.
///
/// ```
/// use replicant::{json, map::Row};
///
/// let row = Row::new(json!({"prompt": "a heron"})).key("heron-1");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub(super) key: Option<Value>,
    pub(super) input: Value,
}

impl Row {
    /// Builds a row. Without a key, its position identifies it.
    pub fn new(input: impl Into<Value>) -> Self {
        Self { key: None, input: input.into() }
    }

    /// Sets the key: a string or an integer that no other row has.
    pub fn key(mut self, key: impl Into<Value>) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl<T: Into<Value>> From<T> for Row {
    fn from(input: T) -> Self {
        Self::new(input)
    }
}

/// A row that was read.
pub(super) struct Numbered {
    pub index: u64,
    pub key: Value,
    /// The key as JSON, as in the checkpoint.
    pub name: String,
    /// Whether the row has a key of its own.
    pub keyed: bool,
    pub input: Value,
    pub hash: Hash,
}

impl Numbered {
    pub fn new(row: Row, index: u64) -> Result<Self> {
        let Row { key, input } = row;
        let keyed = key.is_some();
        let key = key.unwrap_or_else(|| index.into());
        if !(matches!(key, Value::String(_)) || key.as_i64().is_some()) {
            let problem = format!("of row {index} must be a string or an integer, not {}", key.kind());
            return Err(Error::invalid_argument("key", problem));
        }
        if input.as_object().is_none() {
            let problem = format!(
                "of row {index} must be an object with the model's inputs by name, not {}",
                input.kind()
            );
            return Err(Error::invalid_argument("input", problem));
        }
        Ok(Self {
            index,
            name: serde_json::to_string(&key).unwrap_or_default(),
            keyed,
            hash: Hash::of(&input),
            key,
            input,
        })
    }
}
