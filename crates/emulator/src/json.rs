//! JSON that keeps its text: member order and numbers of any size come back as they arrived.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON value as text, shared.
pub(crate) type Raw = Arc<RawValue>;

/// An object whose members keep their order and their text.
pub(crate) type Object = IndexMap<String, Box<RawValue>>;

/// Encodes a value. Only for types whose encoding cannot fail (no maps with odd keys).
pub(crate) fn raw<T: Serialize + ?Sized>(value: &T) -> Raw {
    Arc::from(to_raw_value(value).expect("plain data encodes as JSON"))
}

/// JSON `null`.
pub(crate) fn null() -> Raw {
    raw(&())
}

/// Joins values into a JSON array.
pub(crate) fn array<'a>(items: impl IntoIterator<Item = &'a Raw>) -> Raw {
    let mut text = String::from("[");
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(item.get());
    }
    text.push(']');
    parse_own(text)
}

/// Writes an object member by member, in the order of the calls.
pub(crate) struct Fields(String);

impl Fields {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    pub(crate) fn put<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        let write = |value: serde_json::Result<String>| value.expect("plain data encodes as JSON");
        self.0.push_str(&write(serde_json::to_string(name)));
        self.0.push(':');
        self.0.push_str(&write(serde_json::to_string(value)));
        self
    }

    /// Adds the member only when there is a value.
    pub(crate) fn put_some<T: Serialize>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.put(name, &value),
            None => self,
        }
    }

    pub(crate) fn finish(mut self) -> Raw {
        self.0.push('}');
        parse_own(self.0)
    }
}

fn parse_own(text: String) -> Raw {
    Arc::from(RawValue::from_string(text).expect("text was assembled from encoded parts"))
}
