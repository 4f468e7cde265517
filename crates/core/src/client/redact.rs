//! Redacts bodies for logs.

use crate::{http::excerpt::excerpt, value::Value};

/// Length of the longest string that a log shows, in bytes.
const MAX_TEXT: usize = 1000;
/// Length of the longest body that a log shows, in bytes.
const MAX_BODY: usize = 16 * 1024;
/// Words in the names of members whose values are secrets.
const SECRETS: [&str; 7] = ["token", "secret", "password", "authorization", "api_key", "apikey", "cookie"];
const REDACTED: &str = "[redacted]";

/// Returns a JSON body as text, without secrets and long strings. A body that is not JSON is described by its length.
pub(super) fn redacted_body(body: &[u8], token: Option<&str>) -> String {
    let Ok(value) = Value::from_json(body) else { return format!("<{} bytes>", body.len()) };
    let text = redacted(value, "").to_string();
    let text = match token.filter(|token| token.len() >= 8) {
        Some(token) => text.replace(token, REDACTED),
        None => text,
    };
    excerpt(&text, MAX_BODY)
}

/// Redacts the value of the member `name`.
pub(crate) fn redacted(value: Value, name: &str) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = redacted(value, &name);
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| redacted(item, name)).collect()),
        Value::String(text) if is_secret(name, &text) => REDACTED.into(),
        Value::String(text) => redacted_text(text).into(),
        Value::Bytes(bytes) => format!("<{} bytes>", bytes.len()).into(),
        Value::File(_) => "<file>".into(),
        other => other,
    }
}

fn is_secret(name: &str, text: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The names of counts contain `token` too, but they are numbers.
    SECRETS.iter().any(|word| name.contains(word))
        || ["whsec_", "r8_"].iter().any(|start| text.starts_with(start))
}

/// Returns a string without the query of a URL, which may have a signature, and without the content of a `data:` URI.
fn redacted_text(text: String) -> String {
    if text.starts_with("data:") {
        let head = text.split(',').next().unwrap_or_default();
        return format!("{},<{} characters>", excerpt(head, 100), text.len());
    }
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    if let Some((before, _)) =
        text.split_once('?').filter(|(before, _)| is_url && !before.contains(char::is_whitespace))
    {
        return format!("{}?{REDACTED}", excerpt(before, MAX_TEXT));
    }
    excerpt(&text, MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_without_secrets_and_content_of_files() {
        let body =
            br#"{"input": {"prompt": "a heron", "hf_token": "abc", "image": "data:image/png;base64,QUJD",
            "mask": "https://h/f.png?signature=s3cret", "note": "r8_0123456789"}, "webhook_secret": "x",
            "metrics": {"output_token_count": 3}, "echo": "Bearer 0123456789"}"#;
        let shown = redacted_body(body, Some("0123456789"));
        for kept in
            ["a heron", "data:image/png;base64,<", "https://h/f.png?[redacted]", "\"output_token_count\":3"]
        {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
        for hidden in ["abc", "QUJD", "s3cret", "0123456789", "\"x\""] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
        assert_eq!(redacted_body(b"\x89PNG", None), "<4 bytes>");
    }
}
