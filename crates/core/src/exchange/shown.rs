//! URLs and texts as messages show them.

use url::Url;

/// A URL as it may be shown: without its query, which can hold signatures, and without a password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Refused only by URLs that cannot have either.
    let _ = (url.set_username(""), url.set_password(None));
    url.into()
}

/// The first `limit` bytes of a text, cut between characters.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}...", &text[..end])
}
