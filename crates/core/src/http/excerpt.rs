//! Shortens text for messages.

use crate::value::text::boundary_before;

/// Returns at most `limit` bytes of `text`, cut at a character boundary and marked with `...`.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}...", &text[..boundary_before(text, limit)])
}
