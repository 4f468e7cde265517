//! Why a value cannot be decoded.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::{
    Value,
    nearest::{list, option_advice},
};

/// Parameters that only the bindings pass; messages do not suggest them.
pub(crate) const INTERNAL: [&str; 4] = ["clock_rate", "detailed", "poll_output", "report_uploads"];

/// A value that does not have the expected form, or text that is not JSON.
///
/// The message is written for the person who passed the value; serde's own assumes knowledge of serde.
#[derive(Debug)]
pub struct DecodeError {
    text: String,
    /// The path to the offending value, such as `input.images[0]`; empty at the top.
    pub(crate) path: String,
    /// The member that `text` names, if the error is about its name rather than its value.
    pub(crate) member: Option<String>,
    source: Option<serde_json::Error>,
}

impl DecodeError {
    pub(super) fn not_json(error: serde_json::Error) -> Self {
        Self { source: Some(error), ..Self::at_top(String::new()) }
    }

    /// Builds the error for a word that is none of those expected.
    pub(super) fn no_variant(given: &str, expected: &[&str]) -> Self {
        Self::at_top(format!("must be {}, not {given}", list(expected, '"', "or")))
    }

    /// Adds the object member that holds the offending value to the path.
    pub(super) fn in_member(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: [name, dot, &self.path].concat(), ..self }
    }

    /// Adds the array item that holds the offending value to the path.
    pub(super) fn in_item(self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("[{index}]{dot}{}", self.path), ..self }
    }

    pub(super) fn not_an_object(given: &Value) -> Self {
        Self::at_top(format!("must be an object, not {}", given.kind()))
    }

    /// Builds the error for a member that is none of `known`, with the one that was probably meant.
    pub(super) fn unknown_member<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.filter(|name| !INTERNAL.contains(name)).collect();
        Self::about_member(name, format!("unknown option `{name}`; {}", option_advice(name, &known)))
    }

    fn at_top(text: String) -> Self {
        Self { text, path: String::new(), member: None, source: None }
    }

    fn about_member(name: &str, text: String) -> Self {
        Self { member: Some(name.to_owned()), ..Self::at_top(text) }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "not valid JSON: {source}"),
            None => f.write_str(&self.text),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::at_top(text.to_string())
    }

    fn invalid_type(given: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::at_top(format!("must be {}, not {}", expectation(expected), shown(given)))
    }

    fn invalid_value(given: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(given, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::no_variant(&format!("{variant:?}"), expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown_member(field, expected.iter().copied())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::about_member(field, format!("`{field}` is missing"))
    }
}

fn expectation(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "f64" | "f32" => "a number".to_owned(),
        "i64" | "i32" | "u64" | "u32" | "u16" | "u8" | "usize" => "a non-negative integer".to_owned(),
        "a map" => "an object".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a boolean" => "true or false".to_owned(),
        other if other.starts_with("struct ") => "an object".to_owned(),
        other => other.to_owned(),
    }
}

fn shown(given: Unexpected<'_>) -> String {
    match given {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        // A longer text may be a token in the wrong place.
        Unexpected::Str(text) if text.len() < 30 => format!("{text:?}"),
        Unexpected::Str(_) => "a string".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}
