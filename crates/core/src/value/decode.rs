//! [`Value`] to Rust structs, by serde; files and exact numbers pass through as they are.

use std::cell::Cell;

use serde::{
    Deserialize,
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
        SeqAccess, VariantAccess, Visitor, value::Error as DecodeError,
    },
    forward_to_deserialize_any,
};

use super::{Number, Value};
use crate::error::{Error, ErrorKind, Result};

/// The name by which [`Value`] asks for a value as it is.
pub(super) const VALUE: &str = "$replicant::Value";

thread_local! {
    // serde's data model has no files, so they take this side door. It is filled and emptied
    // within one call of `deserialize_newtype_struct` and never seen otherwise.
    static HANDED_OVER: Cell<Option<Value>> = const { Cell::new(None) };
}

pub(super) fn handed_over() -> Option<Value> {
    HANDED_OVER.take()
}

/// Decodes an answer of the API.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(ValueDeserializer(value)).map_err(|error| {
        let path = error.path().to_string();
        Error::new(
            ErrorKind::InvalidResponse,
            format!("the answer has an unexpected form at `{path}`: {error}"),
        )
    })
}

/// Decodes the parameters of an operation; what does not fit is named.
pub(crate) fn decode_params<T: DeserializeOwned>(operation: &str, params: Value) -> Result<T> {
    serde_path_to_error::deserialize(ValueDeserializer(params)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!(" `{path}`") };
        Error::invalid(format!("{operation}:{place} {}", error.into_inner()))
    })
}

struct ValueDeserializer(Value);

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(bool),
            Value::Number(Number::Int(int)) => visitor.visit_i64(int),
            Value::Number(Number::UInt(int)) => visitor.visit_u64(int),
            Value::Number(number @ (Number::Big(_) | Number::Float(_))) => visitor.visit_f64(number.as_f64()),
            Value::String(string) => visitor.visit_string(string),
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(members) => visitor.visit_map(Members { rest: members.into_iter(), value: None }),
            Value::Output(file) => visitor.visit_str(file.url()),
            Value::Bytes(bytes) => visitor.visit_bytes(&bytes),
            Value::File(_) => Err(DecodeError::custom("a file is not expected here")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == VALUE {
            HANDED_OVER.set(Some(self.0));
            return visitor.visit_unit();
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::String(string) => visitor.visit_enum(string.into_deserializer()),
            Value::Object(members) if members.len() == 1 => visitor.visit_enum(Variant(members)),
            other => Err(DecodeError::custom(format!(
                "expected one of {variants:?} as {name}, got {}",
                other.kind()
            ))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.0.next().map(|item| seed.deserialize(ValueDeserializer(item))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Members {
    rest: indexmap::map::IntoIter<String, Value>,
    value: Option<Value>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(ValueDeserializer(Value::String(key))).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(ValueDeserializer(self.value.take().unwrap_or_default()))
    }
}

struct Variant(super::Object);

impl<'de> EnumAccess<'de> for Variant {
    type Error = DecodeError;
    type Variant = ValueDeserializer;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, ValueDeserializer), DecodeError> {
        let (name, value) =
            self.0.into_iter().next().ok_or_else(|| DecodeError::custom("an empty object"))?;
        Ok((seed.deserialize(ValueDeserializer(Value::String(name)))?, ValueDeserializer(value)))
    }
}

impl<'de> VariantAccess<'de> for ValueDeserializer {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }
}
