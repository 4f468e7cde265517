//! Reads and writes JSON without loss.

use std::{cell::Cell, fmt};

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::Error as _,
};
use serde_json::value::RawValue;

use super::{DecodeError, Number, Value, decode};

impl Value {
    /// Parses JSON text.
    ///
    /// # Errors
    /// Fails if `text` is not valid JSON.
    pub fn from_json(text: &[u8]) -> Result<Value, DecodeError> {
        BEYOND_64_BITS.set(false);
        // Validating UTF-8 once for the whole text is faster than once per string.
        let Ok(text) = std::str::from_utf8(text) else {
            // serde_json reports the line of the invalid byte.
            return serde_json::from_slice(text).map_err(DecodeError::not_json);
        };
        let value = serde_json::from_str(text).map_err(DecodeError::not_json)?;
        if BEYOND_64_BITS.take() { parse_exact(text).map_err(DecodeError::not_json) } else { Ok(value) }
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

/// Checks that [`Value::from_json`] would accept `text`, without building a value.
pub(crate) fn check_json(text: &str) -> Result<(), DecodeError> {
    serde_json::from_str(text).map(|Checked| ()).map_err(DecodeError::not_json)
}

/// Any valid JSON value, discarded. Unlike serde's `IgnoredAny`, it rejects invalid Unicode escapes.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Checked)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self, A::Error> {
        while access.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self, A::Error> {
        while access.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

thread_local! {
    /// Whether the text contains a number that serde_json may have rounded to a float; see [`parse_exact`].
    static BEYOND_64_BITS: Cell<bool> = const { Cell::new(false) };
}

/// Parses JSON whose integers may exceed 64 bits.
///
/// serde_json rounds such integers to floats unless its feature `arbitrary_precision` is enabled, which
/// would affect every crate in the user's build. These rare documents are parsed again here, level by
/// level.
fn parse_exact(text: &str) -> serde_json::Result<Value> {
    Ok(match text.trim_start().as_bytes().first() {
        Some(b'{') => {
            let members: IndexMap<String, &RawValue> = serde_json::from_str(text)?;
            Value::Object(
                members
                    .into_iter()
                    .map(|(key, raw)| Ok((key, parse_exact(raw.get())?)))
                    .collect::<serde_json::Result<_>>()?,
            )
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Value::Array(
                items.into_iter().map(|raw| parse_exact(raw.get())).collect::<serde_json::Result<_>>()?,
            )
        }
        Some(b'-' | b'0'..=b'9') => match Number::parse(text.trim()) {
            Some(number) => Value::Number(number),
            None => serde_json::from_str(text)?,
        },
        _ => serde_json::from_str(text)?,
    })
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
        if float.abs() >= i64::MAX as f64 && float.fract() == 0.0 {
            BEYOND_64_BITS.set(true);
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
            Value::Bytes(_) | Value::File(_) => {
                Err(S::Error::custom("a file or bytes cannot be written as JSON"))
            }
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Number::Int(int) => serializer.serialize_i64(*int),
            Number::UInt(int) => serializer.serialize_u64(*int),
            Number::Big(digits) => {
                RawValue::from_string(digits.to_string()).map_err(S::Error::custom)?.serialize(serializer)
            }
            Number::Float(float) if float.is_finite() => serializer.serialize_f64(*float),
            Number::Float(float) => Err(S::Error::custom(format!("{float} cannot be written as JSON"))),
        }
    }
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
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        for text in ["", "{", "<html>", "nul", "[1,]", "\"\u{1}", r#""\ud800""#, "1e999", "[1] 2", &deep] {
            for error in [Value::from_json(text.as_bytes()).unwrap_err(), check_json(text).unwrap_err()] {
                let error = crate::Error::from(error);
                assert_eq!(error.kind(), crate::ErrorKind::InvalidResponse, "{text}");
            }
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "-?[1-9][0-9]{20,60}".prop_map(|digits| Value::Number(Number::big(&digits).unwrap())),
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
