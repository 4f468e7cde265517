//! JSON that keeps its text, so that member order and large numbers survive a round trip.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON value as shared text.
pub(crate) type Raw = Arc<RawValue>;

/// An object whose members keep their order and their text.
pub(crate) type Object = IndexMap<String, Box<RawValue>>;

/// Encodes a value whose encoding cannot fail: it has no maps with keys other than strings.
pub(crate) fn raw<T: Serialize + ?Sized>(value: &T) -> Raw {
    Arc::from(to_raw_value(value).expect("plain data encodes as JSON"))
}

/// Returns the message of an error without the position in the JSON, which a test that uses the kit does not see.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// Returns JSON `null`.
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

/// Builds a JSON object member by member, in the order of the calls.
pub(crate) struct Fields(String);

impl Fields {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    /// Adds a member.
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

    /// Adds a member if there is a value.
    pub(crate) fn put_some<T: Serialize>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.put(name, &value),
            None => self,
        }
    }

    /// Returns the object.
    pub(crate) fn finish(mut self) -> Raw {
        self.0.push('}');
        parse_own(self.0)
    }
}

/// Wraps text that was assembled from encoded values.
fn parse_own(text: String) -> Raw {
    Arc::from(RawValue::from_string(text).expect("text was assembled from encoded parts"))
}

/// Joins header values of the same name with commas, as HTTP allows. Names keep the order of their first occurrence.
pub(crate) fn headers<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> IndexMap<&'a str, String> {
    let mut joined: IndexMap<&str, String> = IndexMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value);
        joined
            .entry(name)
            .and_modify(|values| *values = format!("{values}, {value}"))
            .or_insert_with(|| value.to_string());
    }
    joined
}
