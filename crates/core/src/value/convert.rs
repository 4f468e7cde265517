//! Conversions of Rust types into [`Value`].

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

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
    i8 => |int| Value::Number(Number::Int(int.into()));
    i16 => |int| Value::Number(Number::Int(int.into()));
    i32 => |int| Value::Number(Number::Int(int.into()));
    i64 => |int| Value::Number(Number::Int(int));
    isize => |int| Value::Number(Number::Int(int as i64));
    u16 => |int| Value::Number(Number::Int(int.into()));
    u32 => |int| Value::Number(Number::Int(int.into()));
    u64 => |int| Value::Number(i64::try_from(int).map_or(Number::UInt(int), Number::Int));
    usize => |int| Value::from(int as u64);
    f32 => |float| Value::Number(Number::Float(float.into()));
    f64 => |float| Value::Number(Number::Float(float));
    &str => |string| Value::String(string.to_owned());
    &String => |string| Value::String(string.to_owned());
    Cow<'_, str> => |string| Value::String(string.into_owned());
    String => |string| Value::String(string);
    Bytes => |bytes| Value::Bytes(bytes);
    Vec<u8> => |bytes| Value::Bytes(bytes.into());
    &[u8] => |bytes| Value::Bytes(Bytes::copy_from_slice(bytes));
    File => |file| Value::File(file);
    Object => |members| Value::Object(members);
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Value::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>> From<HashMap<K, V>> for Value {
    fn from(members: HashMap<K, V>) -> Self {
        members.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>> From<BTreeMap<K, V>> for Value {
    fn from(members: BTreeMap<K, V>) -> Self {
        members.into_iter().collect()
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    /// Collects the items of an array.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Value::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Value {
    /// Collects the members of an object.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        Value::Object(members.into_iter().map(|(key, member)| (key.into(), member.into())).collect())
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

/// Numbers are equal to those of any type with the same value, strings also to the URL of a file output.
macro_rules! equals {
    ($($other:ty => |$value:ident, $given:ident| $equal:expr;)*) => {
        $(
            impl PartialEq<$other> for Value {
                fn eq(&self, $given: &$other) -> bool {
                    let $value = self;
                    $equal
                }
            }

            impl PartialEq<Value> for $other {
                fn eq(&self, value: &Value) -> bool {
                    value == self
                }
            }
        )*
    };
}

equals! {
    str => |value, text| value.as_str() == Some(text);
    &str => |value, text| value.as_str() == Some(*text);
    String => |value, text| value.as_str() == Some(text);
    bool => |value, bool| value.as_bool() == Some(*bool);
    i32 => |value, int| value.as_i64() == Some((*int).into());
    i64 => |value, int| value.as_i64() == Some(*int);
    u32 => |value, int| value.as_i64() == Some((*int).into());
    u64 => |value, int| value.as_u64() == Some(*int);
    usize => |value, int| value.as_u64() == Some(*int as u64);
    f64 => |value, float| value.as_f64() == Some(*float);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn values_are_built_from_what_rust_has() {
        let of_map = Value::from(BTreeMap::from([("a", 1.5_f32), ("b", 2.0)]));
        assert_eq!(of_map, Value::from(json!({"a": 1.5, "b": 2.0})));
        assert_eq!(
            Value::from(HashMap::from([("a".to_owned(), [1_u16, 2])])),
            Value::from(json!({"a": [1, 2]}))
        );
        assert_eq!(["a", "b"].into_iter().collect::<Value>(), Value::from(json!(["a", "b"])));
        assert_eq!([("a", true)].into_iter().collect::<Value>(), Value::from(json!({"a": true})));
        assert_eq!(Value::from(Cow::Borrowed("a")), Value::from(&"a".to_owned()));
        assert_eq!(Value::from(&b"png"[..]), Value::Bytes(Bytes::from_static(b"png")));
    }

    #[test]
    fn values_are_compared_with_what_rust_has() {
        let value: Value =
            json!({"text": "a", "yes": true, "count": 2, "half": 0.5, "large": u64::MAX}).into();
        let owned = "a".to_owned();
        assert!(value["text"] == *"a" && value["text"] == "a" && value["text"] == owned);
        assert!(
            value["yes"] == true && value["count"] == 2 && value["count"] == 2_usize && 2.0 == value["count"]
        );
        assert!(value["half"] == 0.5 && value["large"] == u64::MAX && value["large"] != -1);
        assert!(value["missing"] != 0 && value["text"] != 0 && value["yes"] != "true");
    }
}
