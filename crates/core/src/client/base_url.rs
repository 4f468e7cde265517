//! Validates the option `base_url`.

use url::Url;

use crate::error::{Error, Result};

/// Returns the base URL, by default that of Replicate's API.
pub(super) fn resolve(base_url: Option<String>) -> Result<Url> {
    let Some(text) = base_url else {
        return Ok(Url::parse("https://api.replicate.com/v1").expect("a valid URL"));
    };
    let invalid = |why: &str| {
        Error::invalid_argument(
            "base_url",
            format!("{why}: {text:?}; a valid one is https://api.replicate.com/v1"),
        )
    };
    let text = text.trim();
    let parsed = Url::parse(text);
    let scheme = parsed.as_ref().map(Url::scheme).unwrap_or_default();
    if !text.starts_with('/') && !text.contains("://") && !matches!(scheme, "http" | "https") {
        // `localhost:3000` parses as a URL whose scheme is `localhost`.
        let local = ["localhost", "127.", "0.0.0.0", "[::1]"].iter().any(|host| text.starts_with(host));
        let scheme = if local { "http" } else { "https" };
        return Err(Error::invalid_argument(
            "base_url",
            format!("must begin with http:// or https://; did you mean {:?}?", format!("{scheme}://{text}")),
        ));
    }
    let mut url = parsed.map_err(|error| invalid("is not a URL").with_source(error))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(invalid("must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid_argument(
            "base_url",
            "must not contain a user name or password; use `token` or `headers`",
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(if path.is_empty() { "/v1" } else { &path });
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Result<String> {
        resolve(Some(text.into())).map(String::from)
    }

    #[test]
    fn base_urls_are_normalized_or_rejected_with_a_suggestion() {
        assert_eq!(base("http://127.0.0.1:80").unwrap(), "http://127.0.0.1/v1");
        assert_eq!(base("https://api.replicate.com/").unwrap(), "https://api.replicate.com/v1");
        assert_eq!(base("https://api.replicate.com/v1/").unwrap(), "https://api.replicate.com/v1");
        assert_eq!(base("https://proxy.example/replicate/v1").unwrap(), "https://proxy.example/replicate/v1");
        let message = base("/api/replicate").unwrap_err().to_string();
        assert!(message.contains("is not a URL") && !message.contains("did you mean"), "{message}");
        for bad in ["api.replicate.com", "ftp://h/", "http://", "https://u:p@h/v1"] {
            assert!(base(bad).unwrap_err().message().contains("base_url"), "{bad:?}");
        }
        for (bad, meant) in [
            ("localhost:3000", "\"http://localhost:3000\""),
            ("127.0.0.1:3000/v1", "\"http://127.0.0.1:3000/v1\""),
            ("api.replicate.com/v1", "\"https://api.replicate.com/v1\""),
            ("proxy.example:8080", "\"https://proxy.example:8080\""),
        ] {
            let error = base(bad).unwrap_err();
            assert!(error.message().ends_with(&format!("did you mean {meant}?")), "{error}");
        }
    }
}
