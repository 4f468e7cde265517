//! The error for a value that cannot be decoded.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::{
    Value, float_text,
    nearest::{OF_REQUESTS, list, option_advice},
};

/// Parameters and options that only bindings and tests pass. Messages do not suggest them.
pub(crate) const INTERNAL: [&str; 11] = [
    "clock_rate",
    "detailed",
    "keyed",
    "live",
    "poll_output",
    "prediction",
    "raise",
    "raise_failed",
    "report_uploads",
    "reports",
    "total",
];

/// A value that does not have the expected form, or text that is not JSON.
///
/// Messages name types as users know them; serde's messages use names of Rust types.
///
/// Boxed, because code that decodes moves it in many places.
#[derive(Debug)]
pub struct DecodeError(Box<Inner>);

#[derive(Debug, Default)]
struct Inner {
    text: String,
    path: String,
    member: Option<String>,
    source: Option<serde_json::Error>,
}

impl DecodeError {
    /// Returns the path to the invalid value, such as `input.images[0]`; empty at the root.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns `true` if the text names an unknown or missing member.
    pub(crate) fn names_member(&self) -> bool {
        self.0.member.is_some()
    }

    /// Returns the path of the value or member that the error is about.
    pub(crate) fn argument(&self) -> Option<String> {
        match (self.path(), self.0.member.as_deref()) {
            ("", None) => None,
            (path, None) => Some(path.to_owned()),
            ("", Some(member)) => Some(member.to_owned()),
            (path, Some(member)) => Some(format!("{path}.{member}")),
        }
    }

    pub(super) fn not_json(error: serde_json::Error) -> Self {
        Self(Box::new(Inner { source: Some(error), ..Inner::default() }))
    }

    /// Builds the error for a word that is not in `expected`.
    pub(super) fn no_variant(given: &str, expected: &[&str]) -> Self {
        Self::at_root(format!("must be {}, not {given}", list(expected, '"', "or")))
    }

    /// Prepends an object member to the path.
    pub(super) fn in_member(self, name: &str) -> Self {
        self.inside(name.to_owned())
    }

    /// Prepends an array item to the path.
    pub(super) fn in_item(self, index: usize) -> Self {
        self.inside(format!("[{index}]"))
    }

    fn inside(mut self, mut path: String) -> Self {
        if !self.0.path.is_empty() && !self.0.path.starts_with('[') {
            path.push('.');
        }
        path.push_str(&self.0.path);
        self.0.path = path;
        self
    }

    pub(super) fn not_an_object(given: &Value) -> Self {
        Self::at_root(format!("must be an object, not {}", given.kind()))
    }

    /// Builds the error for an unknown member, with a suggestion from `known`.
    pub(super) fn unknown_member<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let mut known: Vec<&str> = known.filter(|name| !INTERNAL.contains(name)).collect();
        // Members of a body arrive as JavaScript spells them.
        let advice = if OF_REQUESTS.contains(&name) || name == "maxRetries" {
            "pass it in `request_options`".to_owned()
        } else {
            for name in OF_REQUESTS {
                if !known.contains(name) {
                    known.push(name);
                }
            }
            option_advice(name, &known)
        };
        Self::about_member(name, format!("unknown option `{name}`; {advice}"))
    }

    fn at_root(text: String) -> Self {
        Self(Box::new(Inner { text, ..Inner::default() }))
    }

    fn about_member(name: &str, text: String) -> Self {
        Self(Box::new(Inner { text, member: Some(name.to_owned()), ..Inner::default() }))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.source {
            Some(source) => write!(f, "not valid JSON: {source}"),
            None => f.write_str(&self.0.text),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
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
        "i64" | "i32" => "an integer".to_owned(),
        "u64" | "u32" | "u16" | "u8" | "usize" => "a non-negative integer".to_owned(),
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
        Unexpected::Float(value) => float_text(value),
        // A longer string may be a misplaced token.
        Unexpected::Str(text) if text.len() < 30 => format!("{text:?}"),
        Unexpected::Str(_) => "a string".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        Unexpected::Char(char) => format!("{char:?}"),
        Unexpected::Other(other) => other.to_owned(),
        _ => "another type".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::decode::{Nulls, from_value};

    #[test]
    fn messages_name_types_as_users_know_them() {
        let given = || Value::from("big");
        let error = from_value::<i64>(given(), Nulls::Rejected).unwrap_err();
        assert_eq!(error.to_string(), "must be an integer, not \"big\"");
        let error = from_value::<u32>(given(), Nulls::Rejected).unwrap_err();
        assert_eq!(error.to_string(), "must be a non-negative integer, not \"big\"");
    }
}
