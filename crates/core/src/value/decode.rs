//! Decodes a [`Value`] into Rust types with serde. Files and exact numbers pass through unchanged.

use std::{cell::Cell, iter::Enumerate, mem};

use serde::{
    Deserialize,
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer,
        MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use super::{DecodeError, Number, Value, json::lossy_string, number::parse_float};

/// The newtype name with which [`Value`] requests a value without conversion.
pub(super) const VALUE: &str = "$replicant::Value";

thread_local! {
    // serde's data model has no files, so whole values pass through this cell. It is set and taken
    // within one call of `deserialize_newtype_struct`.
    static PASSED: Cell<Option<Value>> = const { Cell::new(None) };
}

/// Takes the value that [`ValueDeserializer`] passes without conversion.
pub(super) fn take_passed() -> Option<Value> {
    PASSED.take()
}

/// Decodes `T` from a value.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value, nulls: Nulls) -> Result<T, DecodeError> {
    T::deserialize(ValueDeserializer::new(value, nulls))
}

/// How to decode a member that is `null` although its type is not optional.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// As an error, for values that a user passed.
    Rejected,
    /// As the default, for responses: an unexpected `null` must not make a response unreadable.
    Default,
}

struct ValueDeserializer {
    value: Value,
    nulls: Nulls,
    member: bool,
}

impl ValueDeserializer {
    fn new(value: Value, nulls: Nulls) -> Self {
        Self { value, nulls, member: false }
    }

    /// Returns the value, or `default` for a `null` member if [`Nulls::Default`] applies.
    fn or(self, default: Value) -> Value {
        match self.value {
            Value::Null if self.member && self.nulls == Nulls::Default => default,
            value => value,
        }
    }
}

/// Builds the error for a value of the wrong type. One function for all types: each type that is decoded has its own copy of
/// the functions below, which should therefore be short.
fn mismatch(value: &Value, expected: &dyn Expected) -> DecodeError {
    let text;
    let given = match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(bool) => Unexpected::Bool(*bool),
        Value::Number(Number::Int(int)) => Unexpected::Signed(*int),
        Value::Number(Number::UInt(int)) => Unexpected::Unsigned(*int),
        Value::Number(number @ (Number::Big(_) | Number::Float(_))) => Unexpected::Float(number.as_f64()),
        Value::String(string) => Unexpected::Str(string),
        Value::FileUrl(file) => Unexpected::Str(file),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
        Value::Bytes(bytes) => Unexpected::Bytes(bytes),
        Value::File(_) => return DecodeError::custom("must not be a file"),
        Value::Json(json) => match exact(json) {
            Some(Value::String(string)) => {
                text = string;
                Unexpected::Str(&text)
            }
            Some(Value::Number(number)) => Unexpected::Float(number.as_f64()),
            _ => return DecodeError::custom("is nested too deeply, or has an invalid name"),
        },
    };
    DecodeError::invalid_type(given, expected)
}

/// Decodes a string or number that is kept as JSON text.
fn exact(json: &str) -> Option<Value> {
    let number = || parse_float(json).map(|float| Value::Number(Number::Float(float)));
    lossy_string(json).map(Value::String).or_else(number)
}

macro_rules! by_type {
    ($($method:ident or $default:expr => { $($pattern:pat => $visit:ident($given:expr),)* })*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.or($default) {
                $($pattern => visitor.$visit($given),)*
                value => Err(mismatch(&value, &visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let nulls = self.nulls;
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(bool),
            Value::Number(Number::Int(int)) => visitor.visit_i64(int),
            Value::Number(Number::UInt(int)) => visitor.visit_u64(int),
            Value::Number(number @ (Number::Big(_) | Number::Float(_))) => visitor.visit_f64(number.as_f64()),
            Value::String(string) => visitor.visit_string(string),
            Value::Array(items) => visitor.visit_seq(Items { rest: items.into_iter().enumerate(), nulls }),
            Value::Object(members) => visitor.visit_map(Members::new(members, nulls)),
            Value::FileUrl(file) => visitor.visit_str(&file),
            Value::Bytes(bytes) => visitor.visit_bytes(&bytes),
            Value::Json(ref json) => match exact(json) {
                Some(Value::String(string)) => visitor.visit_string(string),
                Some(Value::Number(number)) => visitor.visit_f64(number.as_f64()),
                _ => Err(mismatch(&self.value, &visitor)),
            },
            Value::File(_) => Err(mismatch(&self.value, &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
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
            PASSED.set(Some(self.value));
            return visitor.visit_unit();
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let nulls = self.nulls;
        match self.value {
            Value::String(string) => visitor.visit_enum(string.into_deserializer()),
            Value::Object(members) if members.len() == 1 => visitor.visit_enum(Variant { members, nulls }),
            other => Err(DecodeError::no_variant(other.kind(), variants)),
        }
    }

    by_type! {
        deserialize_bool or false.into() => {
            Value::Bool(bool) => visit_bool(bool),
        }
        deserialize_i64 or 0.into() => {
            Value::Number(Number::Int(int)) => visit_i64(int),
            Value::Number(Number::UInt(int)) => visit_u64(int),
        }
        deserialize_u64 or 0.into() => {
            Value::Number(Number::Int(int)) => visit_i64(int),
            Value::Number(Number::UInt(int)) => visit_u64(int),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let value = match self.or(0.into()) {
            Value::Json(json) => exact(&json).unwrap_or(Value::Json(json)),
            value => value,
        };
        match value {
            Value::Number(number) => visitor.visit_f64(number.as_f64()),
            value => Err(mismatch(&value, &visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.or("".into()) {
            Value::String(string) => visitor.visit_string(string),
            Value::FileUrl(file) => visitor.visit_str(&file),
            Value::Bytes(bytes) => visitor.visit_bytes(&bytes),
            Value::Json(json) => match exact(&json) {
                Some(Value::String(string)) => visitor.visit_string(string),
                _ => Err(mismatch(&Value::Json(json), &visitor)),
            },
            value => Err(mismatch(&value, &visitor)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let nulls = self.nulls;
        match self.or(Value::Array(Vec::new())) {
            Value::Array(items) => visitor.visit_seq(Items { rest: items.into_iter().enumerate(), nulls }),
            value => Err(mismatch(&value, &visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let nulls = self.nulls;
        match self.or(Value::object()) {
            Value::Object(members) => visitor.visit_map(Members::new(members, nulls)),
            value => Err(mismatch(&value, &visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u128 f32 char str bytes byte_buf
        unit unit_struct tuple tuple_struct identifier
    }
}

struct Items {
    rest: Enumerate<std::vec::IntoIter<Value>>,
    nulls: Nulls,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, item)) = self.rest.next() else { return Ok(None) };
        let item = seed.deserialize(ValueDeserializer::new(item, self.nulls));
        item.map(Some).map_err(|error| error.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Members {
    rest: indexmap::map::IntoIter<String, Value>,
    /// The member whose name was decoded last.
    member: (String, Value),
    nulls: Nulls,
}

impl Members {
    fn new(members: super::Object, nulls: Nulls) -> Self {
        Self { rest: members.into_iter(), member: Default::default(), nulls }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some(member) = self.rest.next() else { return Ok(None) };
        self.member = member;
        seed.deserialize(self.member.0.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        let value = mem::take(&mut self.member.1);
        let value = seed.deserialize(ValueDeserializer { value, nulls: self.nulls, member: true });
        value.map_err(|error| error.in_member(&self.member.0))
    }
}

struct Variant {
    members: super::Object,
    nulls: Nulls,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = DecodeError;
    type Variant = ValueDeserializer;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, ValueDeserializer), DecodeError> {
        let (name, value) =
            self.members.into_iter().next().ok_or_else(|| DecodeError::custom("must not be empty"))?;
        let name = ValueDeserializer::new(Value::String(name), self.nulls);
        Ok((seed.deserialize(name)?, ValueDeserializer::new(value, self.nulls)))
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
