//! Conversions of Rust types into [`Value`].

use bytes::Bytes;

use super::{File, Number, Object, Value};

macro_rules! into_value {
    ($($from:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $make
            }
        })*
    };
}

into_value! {
    bool => |bool| Value::Bool(bool);
    i32 => |int| Value::Number(Number::Int(int.into()));
    i64 => |int| Value::Number(Number::Int(int));
    u32 => |int| Value::Number(Number::Int(int.into()));
    u64 => |int| Value::Number(i64::try_from(int).map_or(Number::UInt(int), Number::Int));
    usize => |int| Value::from(int as u64);
    f64 => |float| Value::Number(Number::Float(float));
    &str => |string| Value::String(string.to_owned());
    String => |string| Value::String(string);
    Bytes => |bytes| Value::Bytes(bytes);
    Vec<u8> => |bytes| Value::Bytes(bytes.into());
    File => |file| Value::File(file);
    Object => |members| Value::Object(members);
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Value::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::Null,
            Json::Bool(bool) => Value::Bool(bool),
            // Parsed from its text, because the user's build may enable `arbitrary_precision`.
            Json::Number(number) => Number::parse(&number.to_string()).map_or(Value::Null, Value::Number),
            Json::String(string) => Value::String(string),
            Json::Array(items) => items.into(),
            Json::Object(members) => {
                Value::Object(members.into_iter().map(|(key, member)| (key, member.into())).collect())
            }
        }
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(*other)
    }
}
