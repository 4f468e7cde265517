//! Removes tokens, secrets and signatures from what a cassette stores.

use url::Url;

/// Stands for a removed token or secret.
pub(super) const REMOVED: &str = "[removed]";
/// Stands for the removed secret of webhooks, in its format.
pub(super) const WEBHOOK_SECRET: &str = "whsec_cmVtb3ZlZA==";

// A shorter text may occur by chance.
const SHORTEST_TOKEN: usize = 6;
const TOKEN_PREFIX: &str = "r8_";

/// Removes secrets. `tokens` are those that clients have used.
pub(super) struct Scrubber {
    tokens: Vec<String>,
}

impl Scrubber {
    pub(super) fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let tokens = tokens.into_iter().filter(|token| token.len() >= SHORTEST_TOKEN);
        Self { tokens: tokens.map(str::to_owned).collect() }
    }

    /// Returns the string of the member `name` without secrets.
    pub(super) fn member(&self, name: &str, text: &str) -> String {
        if text.starts_with("whsec_") {
            return WEBHOOK_SECRET.into();
        }
        if is_secret(name) && !text.is_empty() {
            return REMOVED.into();
        }
        self.text(text)
    }

    /// Returns a text without tokens, and without the signatures in its URLs.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for token in &self.tokens {
            text = text.replace(token, REMOVED);
        }
        urls(&tokens(&text))
    }
}

/// Reports whether a member or a query parameter of this name carries a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    ["token", "api_key", "apikey", "secret", "password", "access_key"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Reports whether a query parameter belongs to a signature, or is a secret.
fn is_signature(name: &str) -> bool {
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
    NAMES.contains(&&*name) || name.starts_with("x-amz-") || name.starts_with("x-goog-") || is_secret(&name)
}

/// Replaces whatever has the format of a token.
fn tokens(text: &str) -> String {
    let mut parts = text.split(TOKEN_PREFIX);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let length = part.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let is_token = length >= 20;
        out += if is_token { REMOVED } else { TOKEN_PREFIX };
        out += if is_token { &part[length..] } else { part };
    }
    out
}

/// Removes user names, passwords and signatures from the URLs in a text.
fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let starts = [at.checked_sub(5), at.checked_sub(4)].into_iter().flatten();
        let start = starts.into_iter().find(|start| matches!(rest.get(*start..at), Some("https" | "http")));
        let Some(start) = start else {
            out += &rest[..at + 3];
            rest = &rest[at + 3..];
            continue;
        };
        let url = &rest[start..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '`' | '\\');
        let (url, tail) = url.split_at(url.find(ends).unwrap_or(url.len()));
        out += &rest[..start];
        out += &clean(url);
        rest = tail;
    }
    out + rest
}

fn clean(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let is_clean = url.username().is_empty() && url.password().is_none();
    if is_clean && !url.query_pairs().any(|(name, _)| is_signature(&name)) {
        return text.to_owned();
    }
    let _ = (url.set_username(""), url.set_password(None));
    let kept: Vec<_> = url.query_pairs().filter(|(name, _)| !is_signature(name)).collect();
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    url.set_query(Some(&query).filter(|query| !query.is_empty()).map(String::as_str));
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed() {
        let scrubber = Scrubber::new(["my-token", "abc"]);
        let token = format!("r8_{}", "a1B2".repeat(9));
        for (name, text, clean) in [
            ("prompt", "my-token and abc", "[removed] and abc"),
            ("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", WEBHOOK_SECRET),
            ("hf_api_token", "hf_x", "[removed]"),
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
            ("text", "https://a.example/?q=a+b%20c", "https://a.example/?q=a+b%20c"),
        ] {
            assert_eq!(scrubber.member(name, text), clean);
        }
    }
}
