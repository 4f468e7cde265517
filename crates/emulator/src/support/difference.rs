//! The differences between an expected and an actual JSON value.

use serde_json::{Number, Value};

/// Matches any JSON value in an expected one.
const ANY: &str = "{{any}}";

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
                    "unexpected {path}.{name} = {}",
                    excerpt(got[name].to_string().as_bytes())
                ));
            }
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare_json(&format!("{path}[{index}]"), expected, got, found);
            }
        }
        _ if expected == got => {}
        // Languages write the same number as 1 or as 1.0.
        (Value::Number(expected), Value::Number(got)) if is_same(expected, got) => {}
        _ => found.push(format!(
            "expected {path} = {}, got {}",
            excerpt(expected.to_string().as_bytes()),
            excerpt(got.to_string().as_bytes())
        )),
    }
}

fn is_same(expected: &Number, got: &Number) -> bool {
    expected.is_f64() != got.is_f64() && expected.as_f64() == got.as_f64()
}

/// Returns bytes as text, cut to a length for messages.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const MOST: usize = 300;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]);
    if bytes.len() > MOST { format!("{text}... ({} bytes)", bytes.len()) } else { text.into_owned() }
}
