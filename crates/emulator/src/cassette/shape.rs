//! Requests in the form in which they are compared.

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::exchange::StoredRequest;
use super::urls::API;
use crate::support::difference::{compare_values, excerpt};

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

    /// Returns everything that is compared, as text.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = format!("{} {} {:?} ", self.method, self.path, self.query).into_bytes();
        match &self.body {
            Body::Empty => {}
            Body::Json(json) => text.extend(json.to_string().into_bytes()),
            Body::Form(fields) => {
                for field in fields {
                    text.extend([field.name.as_bytes(), b"=", &field.content, b"&"].concat());
                }
            }
            Body::Bytes(bytes) => text.extend(bytes),
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
        Ok(text) => format!("{:?}", excerpt(text.as_bytes())),
        Err(_) => format!("{} bytes", bytes.len()),
    };
    let (before, after) = (show(expected), show(got));
    let other = if before == after { "other " } else { "" };
    found.push(format!("expected {what} to be {before}, got {other}{after}"));
}
