//! Removes tokens, secrets and signatures from what a cassette stores.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use url::Url;

use super::json::{Layout, rewrite};
use super::secrecy::is_secret;
use crate::support::multipart::find;

/// Stands for a removed token or secret.
pub(super) const REMOVED: &str = "[removed]";
/// Stands for the removed secret of webhooks, in its format.
pub(super) const WEBHOOK_SECRET: &str = "whsec_cmVtb3ZlZA==";

// A shorter text may occur by chance.
const SHORTEST_TOKEN: usize = 6;
// JSON in a string of JSON, and in a `data:` URI. A hostile body could nest them until the stack is exhausted. `data:`
// URIs alone could not, because the content of each is a quarter shorter.
const MOST_NESTED: usize = 2;
/// Follows the content type in a `data:` URI, in any case.
const BASE64: &str = ";base64,";
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Removes secrets. `tokens` are those that clients have used.
pub(super) struct Scrubber {
    tokens: Vec<String>,
}

impl Scrubber {
    pub(super) fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let tokens = tokens.into_iter().filter(|token| token.len() >= SHORTEST_TOKEN);
        Self { tokens: tokens.map(str::to_owned).collect() }
    }

    /// Returns the text of the member `name` without secrets. It may be JSON itself.
    pub(super) fn member(&self, name: &str, text: &str) -> String {
        self.value(name, text, MOST_NESTED)
    }

    /// Returns a text without secrets.
    pub(super) fn text(&self, text: &str) -> String {
        self.member("", text)
    }

    /// Returns a file without secrets if it is text, and without tokens otherwise.
    pub(super) fn file(&self, bytes: Bytes) -> Bytes {
        self.content(bytes, MOST_NESTED)
    }

    fn content(&self, bytes: Bytes, nested: usize) -> Bytes {
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return self.value("", text, nested).into();
        }
        if !self.tokens.iter().any(|token| find(&bytes, token.as_bytes(), 0).is_some()) {
            return bytes;
        }
        // One character per byte, and back.
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        self.without_tokens(&text).chars().map(|character| character as u8).collect()
    }

    fn value(&self, name: &str, text: &str, nested: usize) -> String {
        if !text.is_empty() && is_secret(name, text) {
            // The player puts its own secret in the place of this one.
            let is_webhook_secret = webhook_secrets(text) == WEBHOOK_SECRET;
            return if is_webhook_secret { WEBHOOK_SECRET } else { REMOVED }.into();
        }
        let json = nested.checked_sub(1).and_then(|nested| self.json(text, nested));
        let clean = json.unwrap_or_else(|| self.data_uris(text, nested.saturating_sub(1)));
        urls(&self.without_tokens(&clean))
    }

    /// Removes secrets from the contents of the `data:` URIs in a text.
    fn data_uris(&self, text: &str, nested: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for (at, marker) in text.to_ascii_lowercase().match_indices(BASE64) {
            let start = at + marker.len();
            out += &text[end..start];
            let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
            end = start + text[start..].bytes().take_while(is_base64).count();
            let encoded = &text[start..end];
            let content = ENGINE.decode(encoded).map(Bytes::from);
            let clean = content.map(|content| (self.content(content.clone(), nested), content));
            match clean {
                Ok((clean, content)) if clean != content => out += &ENGINE.encode(clean),
                _ => out += encoded,
            }
        }
        out + &text[end..]
    }

    /// Returns JSON or JSON Lines without secrets, or `None` if the text is neither. What has none keeps its layout.
    fn json(&self, text: &str, nested: usize) -> Option<String> {
        text.trim_start().starts_with(['{', '[']).then_some(())?;
        let clean = |text: &str| {
            let same = rewrite(text, Layout::Compact, &mut |_, text| text.to_owned())?;
            let clean = rewrite(text, Layout::Compact, &mut |name, text| self.value(name, text, nested))?;
            Some(if clean == same { text.to_owned() } else { clean })
        };
        let line = |line: &str| if line.trim().is_empty() { Some(line.to_owned()) } else { clean(line) };
        let lines = || Some(text.split('\n').map(line).collect::<Option<Vec<_>>>()?.join("\n"));
        clean(text).or_else(lines)
    }

    fn without_tokens(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for token in &self.tokens {
            text = text.replace(token, REMOVED);
        }
        let text = without(&text, "r8_", 20, "", REMOVED);
        webhook_secrets(&text)
    }
}

/// Replaces the secrets of webhooks in a text.
fn webhook_secrets(text: &str) -> String {
    without(text, "whsec_", 1, "+/=-_", WEBHOOK_SECRET)
}

/// Reports whether a query parameter belongs to a signature, or is a secret.
fn is_signature(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    const NAMES: [&str; 10] = [
        "signature",
        "sig",
        "expiry",
        "expires",
        "policy",
        "key",
        "key-pair-id",
        "awsaccesskeyid",
        "googleaccessid",
        "auth",
    ];
    NAMES.contains(&&*name)
        || name.starts_with("x-amz-")
        || name.starts_with("x-goog-")
        || name.ends_with("token")
        || is_secret(&name, value)
}

/// The parameters of a signed URL of Azure beside `sig`. Elsewhere they may mean anything.
const AZURE: [&str; 12] = ["se", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "st", "sv"];

/// Replaces whatever has the format of a token: a prefix, and at least `shortest` characters of the token itself.
fn without(text: &str, prefix: &str, shortest: usize, special: &str, replacement: &str) -> String {
    let mut parts = text.split(prefix);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let may_have = |byte: &u8| byte.is_ascii_alphanumeric() || special.as_bytes().contains(byte);
        let length = part.bytes().take_while(may_have).count();
        let is_token = length >= shortest;
        out += if is_token { replacement } else { prefix };
        out += if is_token { &part[length..] } else { part };
    }
    out
}

/// Removes user names, passwords and signatures from the URLs in a text.
fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let before = rest[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c));
        let scheme = rest[before.len()..at].trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        let (before, url) = rest.split_at(at - scheme.len());
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '`' | '\\');
        let (url, tail) = url.split_at(url.find(ends).unwrap_or(url.len()));
        out += before;
        out += &clean(url);
        rest = tail;
    }
    out + rest
}

fn clean(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return without_user(text) };
    let is_azure = url.query_pairs().any(|(name, _)| name.eq_ignore_ascii_case("sig"));
    let signs = |name: &str, value: &str| {
        is_signature(name, value) || (is_azure && AZURE.contains(&&*name.to_ascii_lowercase()))
    };
    let is_clean = url.username().is_empty() && url.password().is_none();
    if is_clean && !url.query_pairs().any(|(name, value)| signs(&name, &value)) {
        return text.to_owned();
    }
    let _ = (url.set_username(""), url.set_password(None));
    let kept: Vec<_> = url.query_pairs().filter(|(name, value)| !signs(name, value)).collect();
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    url.set_query(Some(&query).filter(|query| !query.is_empty()).map(String::as_str));
    url.into()
}

/// Removes the user name and the password from a URL that cannot be parsed, such as one with several hosts.
fn without_user(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_values_do_not_exhaust_the_stack() {
        let token = format!("r8_{}", "a1B2".repeat(9));
        let text = format!("{}\"{token}\"{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(!Scrubber::new([]).text(&text).contains(&token));
    }

    #[test]
    fn numbers_are_secret_only_where_the_name_always_means_a_secret() {
        let scrubber = Scrubber::new([]);
        for text in [
            r#"{"tokens":[{"text":"he","prob":1.2345678e-05}]}"#,
            r#"{"seed_key":12345678901234567890123}"#,
            r#"{"num_hf_tokens":5,"has_secret":1,"max_password":8,"hasSecret":1}"#,
            r#"{"hf_tokens":{"count":3}}"#,
            r#"{"slack_token":12345678}"#,
        ] {
            assert_eq!(scrubber.text(text), text);
        }
        for (text, clean) in [
            (
                r#"{"password":1,"secret":{"a":[2]}}"#,
                r#"{"password":"[removed]","secret":{"a":["[removed]"]}}"#,
            ),
            (r#"{"hf_tokens":["x"],"has_secret":"a"}"#, r#"{"hf_tokens":["[removed]"],"has_secret":"a"}"#),
        ] {
            assert_eq!(scrubber.text(text), clean);
        }
    }

    #[test]
    fn secrets_are_removed() {
        let scrubber = Scrubber::new(["my-token", "abc"]);
        let token = format!("r8_{}", "a1B2".repeat(9));
        for (name, text, clean) in [
            ("prompt", "my-token and abc", "[removed] and abc"),
            ("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", WEBHOOK_SECRET),
            ("hf_api_token", "hf_x", "[removed]"),
            ("accessKey", "x", "[removed]"),
            ("credentials", "x", "[removed]"),
            ("Authorization", "Basic x", "[removed]"),
            ("openai_key", "sk-abc123", "[removed]"),
            ("github_token", "Bearer abc/12.3", "[removed]"),
            ("token", "he", "he"),
            ("token", " internationalization", " internationalization"),
            ("eos_token", "<|end_of_text_1|>", "<|end_of_text_1|>"),
            ("key", "abc_12345", "abc_12345"),
            ("file_key", "out/abc_12345.png", "out/abc_12345.png"),
            ("token", "is_valid", "is_valid"),
            ("token", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "[removed]"),
            ("token", "12|AbCdEfGhIjKlMnOpQrStUvWx", "[removed]"),
            ("token", "hf_abcdefghijklmnopqrstuvwxyz", "[removed]"),
            ("bot_token", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "[removed]"),
            ("slack_token", "xoxb-abcdefg-abcdefgh", "[removed]"),
            ("deploy_token", "abcdefgh", "[removed]"),
            ("backend-token", "abcdefgh", "[removed]"),
            ("sessionToken", "12345678", "[removed]"),
            ("decoder_start_token", "text_start_1", "text_start_1"),
            ("padToken", "pad_token_1", "pad_token_1"),
            ("stop_tokens", "end_of_turn_1", "end_of_turn_1"),
            ("max_token", "512", "512"),
            ("num_hf_token", "512", "512"),
            ("file_key", "snake_case1", "snake_case1"),
            ("primary_key", "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
            ("monkey", "bonobo_12", "bonobo_12"),
            ("some_key", "AKIAABCDEFGHIJKLMNOP", "[removed]"),
            ("some_key", "a1B2c3D4e5F6g7H8i9J0", "[removed]"),
            ("stripeKey", "x", "[removed]"),
            ("signing_key", "x", "[removed]"),
            ("webhook_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", WEBHOOK_SECRET),
            ("password", "whsec_abc and more", "[removed]"),
            ("text", "mongodb://u:hunter22@h1:27017,h2:27017/db", "mongodb://h1:27017,h2:27017/db"),
            ("text", "a://h1:1,h2:1/b@c", "a://h1:1,h2:1/b@c"),
            (
                "text",
                "{\"api_key\": \"x\"}\n\n{ \"a\": 1 }\n",
                "{\"api_key\":\"[removed]\"}\n\n{ \"a\": 1 }\n",
            ),
            ("text", "{\"api_key\": \"x\"}\nno JSON", "{\"api_key\": \"x\"}\nno JSON"),
            ("text", r#"{"a": [{"api_key": "x"}]}"#, r#"{"a":[{"api_key":"[removed]"}]}"#),
            ("text", r#"{"a": "{\"password\": 1}"}"#, r#"{"a":"{\"password\":\"[removed]\"}"}"#),
            ("text", r#"{ "a": 1 }"#, r#"{ "a": 1 }"#),
            ("text", "it is whsec_abc.", "it is whsec_cmVtb3ZlZA==."),
            ("tokens", "10", "10"),
            ("prompt", "r8_im is no token", "r8_im is no token"),
            ("prompt", &format!("<{token}>"), "<[removed]>"),
            (
                "image",
                "https://a.example/x.png?X-Amz-Signature=1&v=2&Expires=3",
                "https://a.example/x.png?v=2",
            ),
            ("webhook", "https://me:pw@a.example/hook?token=t", "https://a.example/hook"),
            ("text", "(https://a.example/?sig=1) ftp://x", "(https://a.example/) ftp://x"),
            ("text", "HTTPS://a.example/?Signature=1&v=2", "https://a.example/?v=2"),
            ("text", "x=wss://u:pw@a.example/, 1redis://u:pw@b", "x=wss://a.example/, 1redis://b"),
            ("text", "https://a.example/?sv=1&se=2&sp=r&SIG=x&v=2", "https://a.example/?v=2"),
            ("text", "https://a.example/?sv=1&se=2", "https://a.example/?sv=1&se=2"),
            ("text", "https://a.example/?q=a+b%20c", "https://a.example/?q=a+b%20c"),
        ] {
            assert_eq!(scrubber.member(name, text), clean);
        }
    }
}
