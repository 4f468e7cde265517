//! Compares a request with the expected one and describes the differences.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde_json::Value;

use super::Side;
use super::exchange::{Expect, ExpectPart};
use super::request::Request;
use crate::support::difference::{SHOWN_LENGTH, compare_json};
use crate::support::excerpt::excerpt;
use crate::support::multipart;

/// A request to compare.
pub(super) struct Incoming<'a> {
    pub(super) request: &'a Request,
    /// The path below the script's origin, percent-encoded.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) side: Side,
    /// Milliseconds since the previous reply.
    pub(super) since_last: Option<u64>,
}

impl Expect {
    /// Returns the name of the exchange in messages.
    pub(super) fn title(&self) -> String {
        let method = self.method.as_deref().unwrap_or("any method");
        format!("{method} {}", self.path.as_deref().unwrap_or("any path"))
    }

    /// Returns all differences from the expected request.
    pub(super) fn differences(&self, incoming: &Incoming<'_>) -> Vec<String> {
        let mut found = Vec::new();
        let request = incoming.request;
        let mut compare = |what: &str, expected: &str, got: &str| {
            if expected != got {
                found.push(format!("expected {what} {expected:?}, got {:?}", short(got)));
            }
        };
        if let Some(method) = &self.method {
            compare("method", method, &request.method);
        }
        if let Some(path) = &self.path {
            compare("path", path, incoming.path);
        }
        if let Some(origin) = &self.origin {
            compare("origin", origin, incoming.side.name());
        }
        if let Some(text) = self.text.as_ref().filter(|text| text.as_bytes() != request.body) {
            found.push(format!("expected body {text:?}, got {:?}", shown(&request.body)));
        }
        for (name, expected) in &self.headers {
            let got = request.header(name);
            match (expected.as_deref(), got.as_deref()) {
                (None, Some(got)) => found.push(format!("expected no header {name}, got {:?}", short(got))),
                (Some(expected), None) => found.push(format!("expected header {name}: {expected}, got none")),
                (Some(expected), Some(got)) if expected != "*" && expected != got => {
                    found.push(format!("expected header {name}: {expected}, got {}", short(got)));
                }
                _ => {}
            }
        }
        if let Some(query) = &self.query {
            compare_query(query, incoming.query, &mut found);
        }
        if let Some(expected) = &self.json {
            match serde_json::from_slice::<Value>(&request.body) {
                Ok(got) => compare_json("json", expected, &got, &mut found),
                Err(_) => found.push(format!("expected a JSON body, got {}", shown(&request.body))),
            }
        }
        for part in &self.body_contains {
            let mut windows = request.body.windows(part.len().max(1));
            if !windows.any(|window| window == part.as_bytes()) {
                found.push(format!("expected {part:?} in the body, got {}", shown(&request.body)));
            }
        }
        if let Some(parts) = &self.multipart {
            compare_multipart(parts, request, &mut found);
        }
        if let (Some(least), Some(got)) = (self.not_before_ms, incoming.since_last)
            && got < least
        {
            found.push(format!("expected at least {least} ms after the previous reply, came after {got} ms"));
        }
        found
    }
}

/// Returns the beginning of a text for a message.
fn short(text: &str) -> String {
    excerpt(text, SHOWN_LENGTH)
}

/// Returns the beginning of a body for a message. No character has more than four bytes.
fn shown(body: &[u8]) -> String {
    let start = &body[..body.len().min(4 * (SHOWN_LENGTH + 1))];
    short(&String::from_utf8_lossy(start))
}

fn compare_query(expected: &IndexMap<String, Value>, got: &str, found: &mut Vec<String>) {
    let mut all: IndexMap<String, Vec<String>> = IndexMap::new();
    for (name, value) in url::form_urlencoded::parse(got.as_bytes()) {
        all.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    for (name, expected) in expected {
        let values = all.shift_remove(name);
        let expected: Vec<String> = match expected {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().map(plain).collect(),
            other => vec![plain(other)],
        };
        let values = values.unwrap_or_default();
        let any = expected == ["*"] && !values.is_empty();
        if !any && values != expected {
            let got = short(&values.join(","));
            found.push(format!("expected query {name}={}, got {got}", expected.join(",")));
        }
    }
    for (name, values) in all {
        found.push(format!("unexpected query {}={}", short(&name), short(&values.join(","))));
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn compare_multipart(expected: &IndexMap<String, ExpectPart>, request: &Request, found: &mut Vec<String>) {
    let parts = match multipart::parse(request.header("content-type").as_deref(), &request.body) {
        Ok(parts) => parts,
        Err(error) => return found.push(format!("expected a form: {}", short(&error))),
    };
    for part in parts.iter().filter(|part| !expected.contains_key(&part.name)) {
        found.push(format!("unexpected form field {}", short(&part.name)));
    }
    for (name, expected) in expected {
        let Some(part) = parts.iter().find(|part| part.name == *name) else {
            found.push(format!("expected form field {name}, got none"));
            continue;
        };
        let mut compare = |what: &str, expected: Option<&str>, got: Option<&str>| {
            if let Some(expected) = expected
                && Some(expected) != got
            {
                let got = got.map_or_else(|| "none".into(), short);
                found.push(format!("form field {name}: expected {what} {expected:?}, got {got}"));
            }
        };
        compare("filename", expected.filename.as_deref(), part.filename.as_deref());
        compare("content type", expected.content_type.as_deref(), part.content_type.as_deref());
        compare("text", expected.text.as_deref(), std::str::from_utf8(&part.body).ok());
        compare("base64", expected.base64.as_deref(), Some(&STANDARD.encode(&part.body)));
        if let Some(length) = expected.length {
            compare("length", Some(&length.to_string()), Some(&part.body.len().to_string()));
        }
        if let Some(json) = &expected.json {
            let got = serde_json::from_slice(&part.body).unwrap_or(Value::Null);
            compare_json(&format!("form field {name}"), json, &got, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_the_json_path() {
        let mut found = Vec::new();
        let expected = serde_json::json!({"a": 1, "b": [1, "{{any}}"], "c": null});
        let got = serde_json::json!({"a": 1.0, "b": [1, {"x": 2}], "d": true});
        compare_json("json", &expected, &got, &mut found);
        assert_eq!(
            found,
            [
                "expected json.a = 1, got 1.0",
                "expected json.c = null, got nothing",
                "unexpected json.d = true"
            ]
        );
    }

    #[test]
    fn queries_are_compared_as_pairs() {
        let mut found = Vec::new();
        let expected = IndexMap::from([
            ("a".to_owned(), Value::from("x y")),
            ("gone".to_owned(), Value::Null),
            ("many".to_owned(), serde_json::json!(["1", "2"])),
        ]);
        compare_query(&expected, "many=1&a=x+y&many=2", &mut found);
        assert_eq!(found, Vec::<String>::new());
        compare_query(&expected, "a=x&b=1&many=1", &mut found);
        assert_eq!(found.len(), 3);
    }
}
