//! Decodes a [`Value`] into Rust types with serde. Files and exact numbers pass through unchanged.

use std::{cell::Cell, iter::Enumerate, mem};

use serde::{
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

/// The conversions behind [`Deserializer`]. They exist once, whereas each type that is decoded has its own copy of the methods
/// of that trait.
impl ValueDeserializer {
    fn bool(self, expected: &dyn Expected) -> Result<bool, DecodeError> {
        match self.or(false.into()) {
            Value::Bool(bool) => Ok(bool),
            value => Err(mismatch(&value, expected)),
        }
    }

    fn integer(self, expected: &dyn Expected) -> Result<Integer, DecodeError> {
        match self.or(0.into()) {
            Value::Number(Number::Int(int)) => Ok(Integer::Signed(int)),
            Value::Number(Number::UInt(int)) => Ok(Integer::Unsigned(int)),
            value => Err(mismatch(&value, expected)),
        }
    }

    fn float(self, expected: &dyn Expected) -> Result<f64, DecodeError> {
        let value = match self.or(0.into()) {
            Value::Json(json) => exact(&json).unwrap_or(Value::Json(json)),
            value => value,
        };
        match value {
            Value::Number(number) => Ok(number.as_f64()),
            value => Err(mismatch(&value, expected)),
        }
    }

    fn string(self, expected: &dyn Expected) -> Result<String, DecodeError> {
        match self.or("".into()) {
            Value::String(string) => Ok(string),
            Value::FileUrl(file) => Ok((*file).to_owned()),
            Value::Bytes(bytes) => String::from_utf8(bytes.into())
                .map_err(|error| mismatch(&Value::Bytes(error.into_bytes().into()), expected)),
            Value::Json(json) => match exact(&json) {
                Some(Value::String(string)) => Ok(string),
                _ => Err(mismatch(&Value::Json(json), expected)),
            },
            value => Err(mismatch(&value, expected)),
        }
    }

    fn items(self, expected: &dyn Expected) -> Result<Items, DecodeError> {
        let nulls = self.nulls;
        match self.or(Value::Array(Vec::new())) {
            Value::Array(items) => Ok(Items { rest: items.into_iter().enumerate(), nulls }),
            value => Err(mismatch(&value, expected)),
        }
    }

    fn members(self, expected: &dyn Expected) -> Result<Members, DecodeError> {
        let nulls = self.nulls;
        match self.or(Value::object()) {
            Value::Object(members) => Ok(Members::new(members, nulls)),
            value => Err(mismatch(&value, expected)),
        }
    }

    fn variant(self, variants: &[&str]) -> Result<Variant, DecodeError> {
        let nulls = self.nulls;
        match self.value {
            Value::String(name) => Ok(Variant { name, content: None, nulls }),
            Value::Object(mut members) if members.len() == 1 => match members.pop() {
                Some((name, content)) => Ok(Variant { name, content: Some(content), nulls }),
                None => Err(DecodeError::no_variant("an empty object", variants)),
            },
            other => Err(DecodeError::no_variant(other.kind(), variants)),
        }
    }
}

enum Integer {
    Signed(i64),
    Unsigned(u64),
}

impl Integer {
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Signed(int) => visitor.visit_i64(int),
            Self::Unsigned(int) => visitor.visit_u64(int),
        }
    }
}

/// Builds the error for a value of the wrong type.
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

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes.into()),
            _ => self.deserialize_any(visitor),
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
        visitor.visit_enum(self.variant(variants)?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let bool = self.bool(&visitor)?;
        visitor.visit_bool(bool)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.integer(&visitor)?.visit(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.integer(&visitor)?.visit(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let float = self.float(&visitor)?;
        visitor.visit_f64(float)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let string = self.string(&visitor)?;
        visitor.visit_string(string)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let items = self.items(&visitor)?;
        visitor.visit_seq(items)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let members = self.members(&visitor)?;
        visitor.visit_map(members)
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
        i8 i16 i32 i128 u8 u16 u32 u128 f32 char str bytes
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

    /// Moves to the next member and returns its name.
    fn advance(&mut self) -> Option<&str> {
        self.member = self.rest.next()?;
        Some(&self.member.0)
    }

    fn value(&mut self) -> ValueDeserializer {
        ValueDeserializer { value: mem::take(&mut self.member.1), nulls: self.nulls, member: true }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some(name) = self.advance() else { return Ok(None) };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.value()).map_err(|error| error.in_member(&self.member.0))
    }
}

/// A variant: its name, or an object with its name and its content.
struct Variant {
    name: String,
    content: Option<Value>,
    nulls: Nulls,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), DecodeError> {
        Ok((seed.deserialize(self.name.as_str().into_deserializer())?, self))
    }
}

impl Variant {
    fn content(self) -> ValueDeserializer {
        ValueDeserializer::new(self.content.unwrap_or_default(), self.nulls)
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.content {
            None | Some(Value::Null) => Ok(()),
            Some(value) => Err(mismatch(&value, &"unit")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.content())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.content().deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content().deserialize_any(visitor)
    }
}
