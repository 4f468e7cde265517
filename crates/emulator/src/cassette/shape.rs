//! Requests in the form in which they are compared.

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::exchange::StoredRequest;
use super::urls::API;
use crate::support::difference::{SHOWN_LENGTH, compare_values};
use crate::support::excerpt::excerpt;

// Similar texts are sought among all requests of a cassette.
const MOST_OF_FIELD: usize = 16 * 1024;
const MOST_TEXT: usize = 4 * MOST_OF_FIELD;

/// What must be the same in a recorded request and a played one. Headers are not compared.
pub(super) struct Shape {
    pub(super) method: String,
    /// With the origin, unless it is that of the API.
    pub(super) path: String,
    query: Vec<(String, String)>,
    body: Body,
}

enum Body {
    Empty,
    Json(Value),
    Form(Vec<Field>),
    Bytes(Bytes),
}

struct Field {
    name: String,
    content: Bytes,
}

impl Shape {
    /// Builds the form of a stored request. `file` reads a file of the cassette.
    pub(super) fn new(
        request: &StoredRequest,
        file: impl Fn(&str) -> Result<Bytes, String>,
    ) -> Result<Self, String> {
        let url =
            Url::parse(&request.url).map_err(|error| format!("{:?} is not a URL: {error}", request.url))?;
        let origin = url.origin().ascii_serialization();
        let mut query: Vec<_> = url.query_pairs().into_owned().collect();
        query.sort();
        let content = |text: &Option<String>, name: &Option<String>| match (text, name) {
            (Some(text), _) => Ok(Bytes::from(text.clone())),
            (None, Some(name)) => file(name),
            (None, None) => Ok(Bytes::new()),
        };
        let body = if let Some(json) = &request.json {
            Body::Json(serde_json::from_str(json.get()).map_err(|error| error.to_string())?)
        } else if let Some(parts) = &request.parts {
            let field = |part: &super::exchange::StoredPart| {
                let content = content(&part.text, &part.file)?;
                Ok(Field { name: part.name.clone(), content })
            };
            Body::Form(parts.iter().map(field).collect::<Result<_, String>>()?)
        } else {
            match content(&request.text, &request.file)? {
                bytes if bytes.is_empty() => Body::Empty,
                bytes => Body::Bytes(bytes),
            }
        };
        let path = if origin == API { url.path().to_owned() } else { format!("{origin}{}", url.path()) };
        Ok(Self { method: request.method.to_ascii_uppercase(), path, query, body })
    }

    /// Returns what is compared, as text: the start of each field, which shows which request it is.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = format!("{} {} {:?} ", self.method, self.path, self.query).into_bytes();
        match &self.body {
            Body::Empty => {}
            Body::Json(json) => add_json(json, &mut text),
            Body::Form(fields) => {
                for field in fields {
                    add(field.name.as_bytes(), &mut text);
                    add(&field.content, &mut text);
                }
            }
            Body::Bytes(bytes) => add(bytes, &mut text),
        }
        text
    }

    /// Returns how another request differs from this one; nothing if it is the same.
    pub(super) fn differences(&self, got: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.method != got.method {
            found.push(format!("expected method {}, got {}", self.method, got.method));
        }
        if self.path != got.path {
            found.push(format!("expected path {}, got {}", self.path, got.path));
        }
        if self.query != got.query {
            let text = |pairs: &[(String, String)]| {
                let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
                if pairs.is_empty() { "no query".into() } else { pairs.join("&") }
            };
            found.push(format!("expected query {}, got {}", text(&self.query), text(&got.query)));
        }
        self.body.compare(&got.body, &mut found);
        found
    }
}

/// Adds the start of a field, unless it is binary or there is enough text already.
fn add(field: &[u8], text: &mut Vec<u8>) {
    let most = MOST_OF_FIELD.min(MOST_TEXT.saturating_sub(text.len()));
    if std::str::from_utf8(field).is_ok() {
        text.extend(&field[..field.len().min(most)]);
        text.push(b' ');
    }
}

fn add_json(value: &Value, text: &mut Vec<u8>) {
    match value {
        _ if text.len() >= MOST_TEXT => {}
        Value::Object(members) => {
            for (name, value) in members {
                add(name.as_bytes(), text);
                add_json(value, text);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_json(item, text)),
        Value::String(string) => add(string.as_bytes(), text),
        value => add(value.to_string().as_bytes(), text),
    }
}

impl Body {
    fn compare(&self, got: &Self, found: &mut Vec<String>) {
        match (self, got) {
            (Self::Empty, Self::Empty) => {}
            (Self::Json(expected), Self::Json(got)) => compare_values("json", expected, got, found),
            (Self::Form(expected), Self::Form(got)) => compare_fields(expected, got, found),
            (Self::Bytes(expected), Self::Bytes(got)) => compare_bytes("body", expected, got, found),
            _ => found.push(format!("expected {}, got {}", self.kind(), got.kind())),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "no body",
            Self::Json(_) => "a JSON body",
            Self::Form(_) => "a form",
            Self::Bytes(_) => "a body that is neither JSON nor a form",
        }
    }
}

/// Compares the fields of two forms, whose order may differ. File names may differ too: npm `replicate` puts the time into
/// them.
fn compare_fields(expected: &[Field], got: &[Field], found: &mut Vec<String>) {
    let mut left: Vec<&Field> = got.iter().collect();
    for field in expected {
        let name = &field.name;
        let Some(at) = left.iter().position(|other| other.name == *name) else {
            found.push(format!("expected a form field {name}, got none"));
            continue;
        };
        let other = left.remove(at);
        let json = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes).ok();
        match (json(&field.content), json(&other.content)) {
            (Some(expected), Some(got)) => compare_values(name, &expected, &got, found),
            _ => compare_bytes(&format!("form field {name}"), &field.content, &other.content, found),
        }
    }
    found.extend(left.iter().map(|field| format!("unexpected form field {}", field.name)));
}

fn compare_bytes(what: &str, expected: &Bytes, got: &Bytes, found: &mut Vec<String>) {
    if expected == got {
        return;
    }
    let show = |bytes: &Bytes| match std::str::from_utf8(bytes) {
        Ok(text) => format!("{:?}", excerpt(text, SHOWN_LENGTH)),
        Err(_) => format!("{} bytes", bytes.len()),
    };
    let (before, after) = (show(expected), show(got));
    let other = if before == after { "other " } else { "" };
    found.push(format!("expected {what} to be {before}, got {other}{after}"));
}

#[cfg(test)]
mod tests {
    use super::super::exchange::StoredPart;
    use super::*;

    fn request() -> StoredRequest {
        let url = "https://api.replicate.com/v1/a".into();
        StoredRequest { method: "POST".into(), url, json: None, parts: None, text: None, file: None }
    }

    #[test]
    fn the_text_has_the_start_of_each_field_and_nothing_binary() {
        let long = "x".repeat(200_000);
        let json = serde_json::json!({"a": long, "prompt": "a heron", "z": vec![long.clone(); 10]});
        let json = serde_json::value::to_raw_value(&json).expect("JSON");
        let part = |name: &str, text: Option<&str>| StoredPart {
            name: name.into(),
            filename: None,
            content_type: None,
            text: text.map(Into::into),
            file: text.is_none().then(|| "file".into()),
        };
        let parts = vec![part("a", Some(&long)), part("binary", None), part("prompt", Some("a heron"))];
        for request in [
            StoredRequest { json: Some(json), ..request() },
            StoredRequest { parts: Some(parts), ..request() },
        ] {
            let shape = Shape::new(&request, |_| Ok(Bytes::from_static(b"\xff###"))).expect("a request");
            let text = shape.text();
            assert!(text.len() < 100_000, "{}", text.len());
            assert!(text.windows(7).any(|part| part == b"a heron") && !text.contains(&b'#'));
        }
    }
}
