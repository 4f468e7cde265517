//! Decodes a [`Value`] into Rust types with serde. Files and exact numbers pass through unchanged.

use std::{cell::Cell, iter::Enumerate, mem};

use serde::{
    Deserialize,
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
        SeqAccess, VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use super::{DecodeError, Number, Value, json::lossy_string};

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

    fn any<'de, V: Visitor<'de>>(self, default: Value, visitor: V) -> Result<V::Value, DecodeError> {
        let nulls = self.nulls;
        Self::new(self.or(default), nulls).deserialize_any(visitor)
    }
}

macro_rules! with_default {
    ($($method:ident => $default:expr,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.any($default, visitor)
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
            Value::Object(members) => {
                visitor.visit_map(Members { rest: members.into_iter(), member: Default::default(), nulls })
            }
            Value::FileUrl(file) => visitor.visit_str(&file),
            Value::Bytes(bytes) => visitor.visit_bytes(&bytes),
            Value::File(_) => Err(DecodeError::custom("must not be a file")),
            Value::Json(text) => match (lossy_string(&text), text.parse()) {
                (Some(string), _) => visitor.visit_string(string),
                (None, Ok(float)) => visitor.visit_f64(float),
                (None, Err(_)) => Err(DecodeError::custom("is nested too deeply, or has an invalid name")),
            },
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

    with_default! {
        deserialize_bool => false.into(),
        deserialize_i64 => 0.into(),
        deserialize_u64 => 0.into(),
        deserialize_f64 => 0.into(),
        deserialize_string => "".into(),
        deserialize_seq => Value::Array(Vec::new()),
        deserialize_map => Value::object(),
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u128 f32 char str bytes byte_buf
        unit unit_struct tuple tuple_struct identifier ignored_any
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
