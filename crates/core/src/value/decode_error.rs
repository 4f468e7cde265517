//! The error for a value that cannot be decoded.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::{
    Value,
    nearest::{list, option_advice},
};

/// Parameters that only the bindings pass. Messages do not suggest them.
pub(crate) const INTERNAL: [&str; 4] = ["clock_rate", "detailed", "poll_output", "report_uploads"];

/// A value that does not have the expected form, or text that is not JSON.
///
/// Messages name types as users know them; serde's messages use names of Rust types.
#[derive(Debug)]
pub struct DecodeError {
    text: String,
    /// The path to the invalid value, such as `input.images[0]`; empty at the root.
    pub(crate) path: String,
    /// The unknown or missing member that `text` names, if any.
    pub(crate) member: Option<String>,
    source: Option<serde_json::Error>,
}

impl DecodeError {
    /// Returns the path of the value or member that the error is about.
    pub(crate) fn argument(&self) -> Option<String> {
        match (self.path.as_str(), self.member.as_deref()) {
            ("", None) => None,
            (path, None) => Some(path.to_owned()),
            ("", Some(member)) => Some(member.to_owned()),
            (path, Some(member)) => Some(format!("{path}.{member}")),
        }
    }

    pub(super) fn not_json(error: serde_json::Error) -> Self {
        Self { source: Some(error), ..Self::at_root(String::new()) }
    }

    /// Builds the error for a word that is not in `expected`.
    pub(super) fn no_variant(given: &str, expected: &[&str]) -> Self {
        Self::at_root(format!("must be {}, not {given}", list(expected, '"', "or")))
    }

    /// Prepends an object member to the path.
    pub(super) fn in_member(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: [name, dot, &self.path].concat(), ..self }
    }

    /// Prepends an array item to the path.
    pub(super) fn in_item(self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("[{index}]{dot}{}", self.path), ..self }
    }

    pub(super) fn not_an_object(given: &Value) -> Self {
        Self::at_root(format!("must be an object, not {}", given.kind()))
    }

    /// Builds the error for an unknown member, with a suggestion from `known`.
    pub(super) fn unknown_member<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.filter(|name| !INTERNAL.contains(name)).collect();
        Self::about_member(name, format!("unknown option `{name}`; {}", option_advice(name, &known)))
    }

    fn at_root(text: String) -> Self {
        Self { text, path: String::new(), member: None, source: None }
    }

    fn about_member(name: &str, text: String) -> Self {
        Self { member: Some(name.to_owned()), ..Self::at_root(text) }
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
        Self::at_root(text.to_string())
    }

    fn invalid_type(given: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::at_root(format!("must be {}, not {}", expectation(expected), describe(given)))
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

fn describe(given: Unexpected<'_>) -> String {
    match given {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        // A longer string may be a misplaced token.
        Unexpected::Str(text) if text.len() < 30 => format!("{text:?}"),
        Unexpected::Str(_) => "a string".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}
