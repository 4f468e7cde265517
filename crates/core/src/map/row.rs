//! The rows of a batch.

use std::collections::HashSet;

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
    /// Why a binding could not pass the row on: a message that begins with the argument.
    pub(super) refusal: Option<String>,
}

impl Row {
    /// Builds a row. Without a key, its position identifies it.
    pub fn new(input: impl Into<Value>) -> Self {
        Self { input: input.into(), ..Self::default() }
    }

    /// Sets the key: a string or an integer that no other row has. Give one to all rows or to none. `1` and `"1"` are one
    /// key, because files are named by keys.
    pub fn key(mut self, key: impl Into<Value>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(super) fn check(&self, index: u64) -> Result<()> {
        if let Some(message) = &self.refusal {
            let argument = message.split('`').nth(1).unwrap_or("input");
            return Err(Error::invalid(message.as_str()).about(argument));
        }
        if let Some(key) = self.key.as_ref().filter(|key| !is_key(key)) {
            let given = match key {
                Value::Number(number) => number.to_string(),
                other => other.kind().to_owned(),
            };
            let problem = format!("of row {index} must be a string or an integer of 64 bits, not {given}");
            return Err(Error::invalid_argument("key", problem));
        }
        if self.input.as_object().is_none() {
            let problem = format!(
                "of row {index} must be an object with the model's inputs by name, not {}",
                self.input.kind()
            );
            return Err(Error::invalid_argument("input", problem));
        }
        Ok(())
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
    /// Numbers a row that was checked.
    pub fn new(row: Row, index: u64, hash: Hash) -> Self {
        let Row { key, input, .. } = row;
        let keyed = key.is_some();
        let key = key.unwrap_or_else(|| index.into());
        Self { index, name: serde_json::to_string(&key).unwrap_or_default(), keyed, hash, key, input }
    }

    /// Returns the key as text.
    pub fn label(&self) -> &str {
        self.key.as_str().unwrap_or(&self.name)
    }
}

/// Returns `true` if a value can be a key.
pub(super) fn is_key(key: &Value) -> bool {
    matches!(key, Value::String(_)) || key.as_i64().is_some()
}

/// The keys of the rows that were read.
#[derive(Default)]
pub(super) struct Keys {
    /// Whether the rows have keys of their own.
    keyed: Option<bool>,
    taken: HashSet<Hash>,
}

impl Keys {
    /// Takes the key of a row.
    ///
    /// # Errors
    /// If another row has it, or only some rows have keys of their own.
    pub fn take(&mut self, row: &Numbered) -> Result<()> {
        let index = row.index;
        let problem = if *self.keyed.get_or_insert(row.keyed) != row.keyed {
            let found = if row.keyed { "has a key, unlike earlier rows" } else { "has no key" };
            format!("must be given for all rows or for none, and row {index} {found}")
        } else if row.keyed && !self.taken.insert(Hash::of_text(row.label())) {
            format!("of row {index} is {}, which an earlier row has; give each row its own key", row.name)
        } else {
            return Ok(());
        };
        Err(Error::invalid_argument("key", problem))
    }
}
