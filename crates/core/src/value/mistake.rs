//! What is wrong with a value, in words for the user who passed it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::nearest::{list, option_advice};

/// Parameters of the bindings, which no user passes.
const INTERNAL: [&str; 4] = ["clock_rate", "detailed", "poll_output", "report_uploads"];

/// Why a value does not decode. serde's own wording is for those who know serde.
#[derive(Debug)]
pub(super) struct Mistake {
    text: String,
    /// The members and places that lead to it, `input.images[0]`; empty at the top.
    pub path: String,
    /// The text says where it is.
    pub placed: bool,
}

impl Mistake {
    /// Something else than one of these names.
    pub fn no_variant(given: &str, expected: &[&str]) -> Self {
        Self::unplaced(format!("must be {}, not {given}", list(expected, '"', "or")))
    }

    /// The same mistake, seen from the object whose member it is in.
    pub fn in_member(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: [name, dot, &self.path].concat(), ..self }
    }

    /// The same mistake, seen from the array whose item it is in.
    pub fn in_item(self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("[{index}]{dot}{}", self.path), ..self }
    }

    fn unplaced(text: String) -> Self {
        Self { text, path: String::new(), placed: false }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::unplaced(text.to_string())
    }

    fn invalid_type(given: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unplaced(format!("must be {}, not {}", wanted(expected), shown(given)))
    }

    fn invalid_value(given: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(given, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::no_variant(&format!("{variant:?}"), expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let names: Vec<&str> = expected.iter().copied().filter(|name| !INTERNAL.contains(name)).collect();
        let text = format!("unknown option `{field}`; {}", option_advice(field, &names));
        Self { placed: true, ..Self::unplaced(text) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { placed: true, ..Self::unplaced(format!("`{field}` is missing")) }
    }
}

fn wanted(expected: &dyn Expected) -> String {
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
        // Anything longer may be a token in the wrong place.
        Unexpected::Str(text) if text.len() < 30 => format!("{text:?}"),
        Unexpected::Str(_) => "a string".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::decode::{decode, decode_params};
    use crate::{client::Options, json};

    fn told(options: serde_json::Value) -> String {
        decode_params::<Options>("options", options.into()).expect_err("a mistake").to_string()
    }

    #[test]
    fn a_misspelt_option_is_named_with_the_one_that_was_meant() {
        for (given, meant) in [
            ("max_retry", "max_retries"),
            ("baseURL", "base_url"),
            ("Time-Out", "timeout"),
            ("tokn", "token"),
        ] {
            let expected = format!("options: unknown option `{given}`; did you mean `{meant}`?");
            assert_eq!(told(json!({given: 1})), expected);
        }
        let far = told(json!({"flavour": 1}));
        assert!(far.starts_with("options: unknown option `flavour`; expected one of `token`, "), "{far}");
        assert!(far.contains(" and `ca_bundle`") && !far.contains("clock_rate"), "{far}");
    }

    #[test]
    fn a_wrong_value_inside_is_placed() {
        let answer = json!({"next": null, "rows": [[{"id": "a"}], [{"id": "b"}, {"id": 5}]]});
        type Rows = HashMap<String, Option<Vec<Vec<HashMap<String, String>>>>>;
        let told = decode::<Rows>(answer.into()).expect_err("a mistake").to_string();
        assert_eq!(told, "unexpected response: `rows[1][1].id` must be a string, not 5");
    }

    #[test]
    fn a_wrong_value_is_shown_with_what_it_must_be() {
        for (given, expected) in [
            (json!({"timeout": "soon"}), "options: `timeout` must be a number, not \"soon\""),
            (json!({"token": 5}), "options: `token` must be a string, not 5"),
            (json!({"headers": {"x-trace": 5}}), "options: `headers.x-trace` must be a string, not 5"),
            (json!({"headers": [1]}), "options: `headers` must be an object, not an array"),
            (
                json!({"use_file_output": "no"}),
                "options: `use_file_output` must be true or false, not \"no\"",
            ),
            (
                json!({"on_abandon": "kill"}),
                "options: `on_abandon` must be \"cancel\" or \"leave\", not \"kill\"",
            ),
            (
                json!({"headers": "Bearer r8_0123456789012345678901234567890123456"}),
                "options: `headers` must be an object, not a string",
            ),
        ] {
            assert_eq!(told(given), expected);
        }
    }
}
