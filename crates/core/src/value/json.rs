//! Reads and writes JSON without loss.

use std::{cell::Cell, fmt};

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
    ser,
};
use serde_json::value::RawValue;

use super::{DecodeError, Number, Value, decode, float_text};

impl Value {
    /// Parses JSON text.
    ///
    /// # Errors
    /// Fails if `text` is not valid JSON.
    pub fn from_json(text: &[u8]) -> Result<Value, DecodeError> {
        ROUNDED.set(false);
        // Validating UTF-8 once for the whole text is faster than once per string.
        let text = std::str::from_utf8(text).map_err(|error| not_utf8(text, error.valid_up_to()))?;
        match serde_json::from_str(text) {
            Ok(value) if !ROUNDED.take() || !may_round(text) => Ok(value),
            _ => check_json(text).map(|()| parse_exact(text.trim_matches(SPACE), MAX_DEPTH)),
        }
    }

    /// Returns the value as JSON text. A file output is written as its URL.
    ///
    /// # Errors
    /// Fails if the value holds bytes, a file, or a float that is not finite.
    pub fn to_json(&self) -> Result<Vec<u8>, EncodeError> {
        serde_json::to_vec(self).map_err(EncodeError)
    }
}

/// A value that JSON cannot express: bytes, a file, or a float that is not finite.
#[derive(Debug)]
pub struct EncodeError(serde_json::Error);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for EncodeError {}

/// Checks that [`Value::from_json`] would accept `text`, without building a value. Uses no stack for nested values.
pub(crate) fn check_json(text: &str) -> Result<(), DecodeError> {
    serde_json::from_str(text).map(|IgnoredAny| ()).map_err(DecodeError::not_json)
}

/// Builds the error for text that is not UTF-8 from `valid` on.
fn not_utf8(text: &[u8], valid: usize) -> DecodeError {
    let text = std::str::from_utf8(&text[..valid]).unwrap_or_default();
    let (line, column) =
        text.lines().enumerate().last().map_or((1, 1), |(line, last)| (line + 1, last.len() + 1));
    DecodeError::not_json(match serde_json::from_str(text) {
        // The text was already invalid.
        Err(error) if !error.is_eof() => error,
        Ok(IgnoredAny) | Err(_) => {
            serde_json::Error::custom(format!("invalid unicode code point at line {line} column {column}"))
        }
    })
}

thread_local! {
    /// Whether the text contains a number that serde_json may have rounded to a float; see [`parse_exact`].
    static ROUNDED: Cell<bool> = const { Cell::new(false) };
}

/// Returns `false` if serde_json rounds no number in `text`. On the web it parses floats without its tables, which are a
/// thirtieth of the module: exactly those of at most 15 digits without an exponent.
fn may_round(text: &str) -> bool {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let has_exponent = |run: &[u8]| {
        run.windows(2).any(|pair| pair[0].is_ascii_digit() && pair[1].eq_ignore_ascii_case(&b'e'))
    };
    let mut runs = text.as_bytes().split(|byte| !is_part(byte));
    !cfg!(target_arch = "wasm32") || runs.any(|run| run.len() > 16 || has_exponent(run))
}

/// Nested arrays and objects beyond this depth stay text, so that no recursion over a [`Value`] exhausts the stack.
/// serde_json has the same limit.
const MAX_DEPTH: usize = 128;
/// The white space of JSON.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Parses valid JSON that serde_json rejects or would round: integers beyond 64 bits, floats out of range, strings with
/// half a surrogate pair, and deeply nested values. What a [`Value`] cannot express becomes [`Value::Json`].
///
/// These rare documents are parsed level by level. The feature `arbitrary_precision` of serde_json would affect every
/// crate in the user's build.
fn parse_exact(text: &str, depth: usize) -> Value {
    let parsed = match text.as_bytes().first() {
        Some(b'{' | b'[') if depth == 0 => None,
        Some(b'{') => serde_json::from_str::<IndexMap<String, &RawValue>>(text).ok().map(|members| {
            let members = members.into_iter();
            Value::Object(members.map(|(key, raw)| (key, parse_exact(raw.get(), depth - 1))).collect())
        }),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text).ok().map(|items| {
            Value::Array(items.into_iter().map(|raw| parse_exact(raw.get(), depth - 1)).collect())
        }),
        Some(b'-' | b'0'..=b'9') => Number::parse(text).map(Value::Number),
        _ => serde_json::from_str(text).ok(),
    };
    parsed.unwrap_or_else(|| Value::Json(text.into()))
}

/// Replaces the halves of surrogate pairs in the JSON text of a string, and returns the string; `None` for other values.
pub(super) fn lossy_string(json: &str) -> Option<String> {
    if !json.starts_with('"') {
        return None;
    }
    let mut fixed = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        fixed.push_str(before);
        let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                fixed.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            _ => 2,
        };
        fixed.push_str(escape.get(..length)?);
        rest = &escape[length..];
    }
    fixed.push_str(rest);
    serde_json::from_str(&fixed).ok()
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // This name makes `ValueDeserializer` pass the value without conversion, files included.
        deserializer.deserialize_newtype_struct(decode::VALUE, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(decode::take_passed().unwrap_or_default())
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Number(Number::Int(int)))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Value, E> {
        Ok(Value::from(int))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        if cfg!(target_arch = "wasm32") || float.abs() >= i64::MAX as f64 && float.fract() == 0.0 {
            ROUNDED.set(true);
        }
        Ok(Value::Number(Number::Float(float)))
    }

    fn visit_str<E>(self, string: &str) -> Result<Value, E> {
        Ok(Value::String(string.to_owned()))
    }

    fn visit_string<E>(self, string: String) -> Result<Value, E> {
        Ok(Value::String(string))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(access.size_hint().unwrap_or(0).min(4096));
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        // Collected first: growing a map costs more than building it at its final size.
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Value::Object(members.into_iter().collect()))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(bool) => serializer.serialize_bool(*bool),
            Value::Number(number) => number.serialize(serializer),
            Value::String(string) => serializer.serialize_str(string),
            Value::Array(items) => items.serialize(serializer),
            Value::Object(members) => members.serialize(serializer),
            Value::FileUrl(url) => serializer.serialize_str(url),
            Value::Json(text) => serialize_raw(text, serializer),
            Value::Bytes(_) | Value::File(_) => {
                Err(ser::Error::custom("a file or bytes cannot be written as JSON"))
            }
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Number::Int(int) => serializer.serialize_i64(*int),
            Number::UInt(int) => serializer.serialize_u64(*int),
            Number::Big(digits) => serialize_raw(digits, serializer),
            Number::Float(float) if float.is_finite() => serializer.serialize_f64(*float),
            Number::Float(float) => {
                Err(ser::Error::custom(format!("{} cannot be written as JSON", float_text(*float))))
            }
        }
    }
}

fn serialize_raw<S: Serializer>(json: &str, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(json.to_owned()).map_err(ser::Error::custom)?.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn large_integers_and_member_order_are_preserved() {
        let text = r#"{"z":123456789012345678901234567890,"a":[18446744073709551615,-9223372036854775808,1e20,1.0],"m":{"b":null,"a":"\u0000é"}}"#;
        let value = Value::from_json(text.as_bytes()).unwrap();
        assert_eq!(value["z"], Value::Number(Number::Big("123456789012345678901234567890".into())));
        assert_eq!(value["a"][2], Value::from(1e20));
        assert_eq!(String::from_utf8(value.to_json().unwrap()).unwrap(), text.replace("1e20", "1e+20"),);
    }

    #[test]
    fn invalid_json_is_an_error() {
        let deep = "[".repeat(1000) + &"]".repeat(999);
        for text in
            ["", "{", "<html>", "nul", "[1,]", "\"\u{1}", r#""\ud80""#, "1e", "[1] 2", "\u{a0}1", &deep]
        {
            for error in [Value::from_json(text.as_bytes()).unwrap_err(), check_json(text).unwrap_err()] {
                let error = crate::Error::from(error);
                assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument, "{text}");
            }
        }
    }

    #[test]
    fn json_that_a_value_cannot_express_is_kept_as_text() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        for (text, kind) in [
            (r#""\ud83d""#, "a string"),
            (r#"{"\udc00":1}"#, "an object"),
            ("1e400", "a number"),
            ("-1e400", "a number"),
            (&deep, "an array"),
        ] {
            let document = format!("{{\"a\":[{text}],\"b\":\"\u{e9}\"}}");
            check_json(&document).unwrap();
            let value = Value::from_json(document.as_bytes()).unwrap();
            assert_eq!(value["b"], Value::from("\u{e9}"));
            assert_eq!(value["a"][0].kind(), kind);
            assert_eq!(String::from_utf8(value.to_json().unwrap()).unwrap(), document);
        }
        assert_eq!(Value::from_json(b"-1e400").unwrap().as_f64(), Some(f64::NEG_INFINITY));
        assert_eq!(Value::from_json(b"[1e-400, -0.0]").unwrap()[0], Value::from(0.0));
    }

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_in_text() {
        let value =
            Value::from_json(br#"["a\\\ud83d\ude00", "\ud83d\n", "\ude00\ud83d", "\\ud83d"]"#).unwrap();
        assert_eq!(value.text(), "a\\\u{1f600}\u{fffd}\n\u{fffd}\u{fffd}\\ud83d");
    }

    #[test]
    fn text_that_is_no_json_is_omitted() {
        for json in [r#""a\"#, r#""a\é""#, r#""\ud83d"#, r#""\ud83d\"#, "\"", ""] {
            assert_eq!(Value::Json(json.into()).text(), "", "{json}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "-?[1-9][0-9]{20,60}".prop_map(|digits| Value::Number(Number::integer(&digits).unwrap())),
            any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_survives_a_round_trip(value in any_json()) {
            let text = value.to_json().unwrap();
            prop_assert!(check_json(std::str::from_utf8(&text).unwrap()).is_ok());
            prop_assert_eq!(Value::from_json(&text).unwrap(), value);
        }
    }
}
