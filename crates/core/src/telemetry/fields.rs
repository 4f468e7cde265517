//! Fields of events and spans as values.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};

use crate::value::{Object, Value};

/// Collects the fields of an event or span.
#[derive(Default)]
pub(super) struct Fields(pub Object);

impl Fields {
    /// Removes a field and returns its text.
    pub fn take(&mut self, name: &str) -> Option<String> {
        match self.0.shift_remove(name)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    /// Returns `message` and all fields in one line: `message name=value name="a value"`.
    pub fn line(&self, message: &str) -> String {
        let mut line = message.to_owned();
        for (name, value) in &self.0 {
            let text = value.to_string();
            let plain = !text.is_empty() && !text.contains([' ', '"', '=', '\n', '\r']);
            let _ = if plain { write!(line, " {name}={text}") } else { write!(line, " {name}={text:?}") };
        }
        line
    }

    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
