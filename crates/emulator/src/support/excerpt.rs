//! Shortens texts for messages and pages.

/// Returns at most `most` characters of a text, marked with `...` if some are missing.
pub(crate) fn excerpt(text: &str, most: usize) -> String {
    let (text, missing) = cut(text, most);
    if missing > 0 { format!("{text}...") } else { text.to_owned() }
}

/// Returns the beginning of a text, and how many characters are missing.
pub(crate) fn cut(text: &str, most: usize) -> (&str, usize) {
    match text.char_indices().nth(most) {
        Some((at, _)) => (&text[..at], text[at..].chars().count()),
        None => (text, 0),
    }
}
