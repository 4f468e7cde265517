//! Redacts bodies for logs.

use url::Url;

use super::Client;
use crate::{
    http::{excerpt::excerpt, secrets::is_secret_member, url::redacted_url},
    value::Value,
};

/// Length of the longest string that a log shows, in bytes.
const MAX_TEXT: usize = 1000;
/// Length of the longest body that a log shows, in bytes.
const MAX_BODY: usize = 16 * 1024;
const REDACTED: &str = "[redacted]";

impl Client {
    /// Returns a JSON body as text, without secrets and long strings. A body that is not JSON is described by its length.
    pub(super) fn redacted_body(&self, body: &[u8]) -> String {
        let Ok(value) = Value::from_json(body) else { return format!("<{} bytes>", body.len()) };
        excerpt(&self.redact_token(redacted(value, "").to_string()), MAX_BODY)
    }

    /// Returns a text without the token.
    pub(crate) fn redact_token(&self, text: String) -> String {
        match self.redactable_token() {
            Some(token) if text.contains(token) => text.replace(token, REDACTED),
            _ => text,
        }
    }
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
        Value::String(text) if is_secret_member(name, &text) => REDACTED.into(),
        Value::String(text) => redacted_text(text).into(),
        Value::Bytes(bytes) => format!("<{} bytes>", bytes.len()).into(),
        Value::File(_) => "<file>".into(),
        other => other,
    }
}

/// Returns a string without the credentials and the query of a URL, which may have a signature, without the content of a
/// `data:` URI, and without the secrets of JSON.
fn redacted_text(text: String) -> String {
    if text.starts_with("data:") {
        let head = text.split(',').next().unwrap_or_default();
        return format!("{},<{} characters>", excerpt(head, 100), text.len());
    }
    if text.starts_with(['{', '['])
        && let Ok(value) = Value::from_json(text.as_bytes())
    {
        return excerpt(&redacted(value, "").to_string(), MAX_TEXT);
    }
    match Url::parse(&text).ok().filter(Url::has_host) {
        Some(url) => {
            let shown = excerpt(&redacted_url(&url), MAX_TEXT);
            if url.query().is_some() { format!("{shown}?{REDACTED}") } else { shown }
        }
        None => excerpt(&text, MAX_TEXT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::options::Options;

    #[test]
    fn a_body_is_shown_without_secrets_and_content_of_files() {
        let body =
            br#"{"input": {"prompt": "a heron", "hf_token": "abc", "image": "data:image/png;base64,QUJD",
            "mask": "https://h/f.png?signature=s3cret", "note": "r8_0123456789"}, "webhook_secret": "x",
            "metrics": {"output_token_count": 3}, "echo": "Bearer 0123456789", "tokenizer": "gpt2", "passphrase": "abc",
            "privateKey": "abc", "x-api-key": "abc", "any": "hf_abc", "db": "postgres://me:abc@db/x?y=s3cret",
            "config": "{\"password\": \"abc\", \"steps\": 7}", "text": "see https://h/?a=b and c://d",
            "line": "https://h/f?signature=s3cret\n", "prompt": "Bearer of bad news"}"#;
        let client = Client::new(Options { token: Some("0123456789".into()), ..Options::default() }).unwrap();
        let shown = client.redacted_body(body);
        for kept in [
            "a heron",
            "data:image/png;base64,<",
            "https://h/f.png?[redacted]",
            "\"output_token_count\":3",
            "gpt2",
            "postgres://db/x?[redacted]",
            "steps",
            "see https://h/?a=b and c://d",
        ] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
        for hidden in ["abc", "QUJD", "s3cret", "0123456789", "\"x\""] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
        assert_eq!(client.redacted_body(b"\x89PNG"), "<4 bytes>");
    }
}
