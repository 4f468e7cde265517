//! The differences between an expected and an actual JSON value.

use serde_json::{Number, Value};

use super::excerpt::excerpt;

/// Matches any JSON value in an expected one.
const ANY: &str = "{{any}}";
/// How much of a value a message shows, in characters.
pub(crate) const SHOWN_LENGTH: usize = 300;

/// Adds the paths at which two JSON values differ.
pub(crate) fn compare_json(path: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::String(any), _) if any == ANY => {}
        (Value::Object(expected), Value::Object(got)) => {
            for (name, value) in expected {
                match got.get(name) {
                    Some(got) => compare_json(&format!("{path}.{name}"), value, got, found),
                    None => found.push(format!("expected {path}.{name} = {value}, got nothing")),
                }
            }
            for name in got.keys().filter(|name| !expected.contains_key(*name)) {
                found.push(format!(
                    "unexpected {path}.{} = {}",
                    excerpt(name, SHOWN_LENGTH),
                    excerpt(&got[name].to_string(), SHOWN_LENGTH)
                ));
            }
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare_json(&format!("{path}[{index}]"), expected, got, found);
            }
        }
        _ if expected == got => {}
        _ => found.push(format!(
            "expected {path} = {}, got {}",
            excerpt(&expected.to_string(), SHOWN_LENGTH),
            excerpt(&got.to_string(), SHOWN_LENGTH)
        )),
    }
}

/// Does the same for values of programs in different languages, which write the same number as 1 or as 1.0.
pub(crate) fn compare_values(path: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    let (mut expected, mut got) = (expected.clone(), got.clone());
    write_whole_numbers_alike(&mut expected);
    write_whole_numbers_alike(&mut got);
    compare_json(path, &expected, &got, found);
}

fn write_whole_numbers_alike(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < MAX_EXACT);
            if let Some(float) = whole {
                *number = Number::from(float as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_alike),
        Value::Object(members) => members.values_mut().for_each(write_whole_numbers_alike),
        _ => {}
    }
}

/// 2^53: up to here, floats are exact.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
