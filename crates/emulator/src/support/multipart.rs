//! Parses multipart/form-data bodies.

use bytes::Bytes;

/// A field of a form.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

/// Splits a body into its fields.
pub(crate) fn parse(content_type: Option<&str>, body: &Bytes) -> Result<Vec<Part>, String> {
    let content_type = content_type.unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        return Err(format!("expected a multipart/form-data body, got content type {content_type:?}"));
    }
    let boundary = parameter(content_type, "boundary").ok_or("the multipart content type has no boundary")?;
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut at = find(body, delimiter.as_bytes(), 0).ok_or("the multipart body has no boundary")?;
    loop {
        at += delimiter.len();
        if body[at..].starts_with(b"--") {
            return Ok(parts);
        }
        let start = find(body, b"\r\n", at).ok_or(TRUNCATED)? + 2;
        let head_end = find(body, b"\r\n\r\n", start - 2).ok_or(TRUNCATED)?;
        let next = find(body, format!("\r\n{delimiter}").as_bytes(), head_end + 2).ok_or(TRUNCATED)?;
        let head = String::from_utf8_lossy(&body[start.min(head_end)..head_end]).into_owned();
        let content_start = (head_end + 4).min(next.max(head_end + 4));
        let content = if next < content_start { Bytes::new() } else { body.slice(content_start..next) };
        parts.push(part(&head, content)?);
        at = next + 2;
    }
}

const TRUNCATED: &str = "the multipart body ends in the middle of a field";

fn part(head: &str, body: Bytes) -> Result<Part, String> {
    let header = |wanted: &str| {
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").ok_or("a multipart field has no content-disposition")?;
    let extended = parameter(disposition, "filename*").and_then(|value| {
        let encoded = value.rsplit('\'').next()?.to_owned();
        Some(percent_encoding::percent_decode_str(&encoded).decode_utf8_lossy().into_owned())
    });
    Ok(Part {
        name: parameter(disposition, "name").ok_or("a multipart field has no name")?,
        filename: extended.or_else(|| parameter(disposition, "filename")),
        content_type: header("content-type").map(str::to_owned),
        body,
    })
}

/// Returns a parameter of a header value, quoted or not.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        let (value, remaining) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => match after.split_once(';') {
                Some((value, remaining)) => (value.trim().to_owned(), remaining),
                None => (after.trim().to_owned(), ""),
            },
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = remaining.trim_start().trim_start_matches(';');
    }
}

/// Reads up to the closing quote and returns the rest too. Clients escape a quote as `\"` or as `%22`.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                return (
                    value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"),
                    &text[at + 1..],
                );
            }
            '\\' if text[at + 1..].starts_with(['"', '\\']) => {
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            other => value.push(other),
        }
    }
    (value, "")
}

/// Returns the first position of `needle` at or after `from`.
pub(crate) fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let first = *needle.first()?;
    let mut at = from;
    while at + needle.len() <= haystack.len() {
        at += haystack[at..=haystack.len() - needle.len()].iter().position(|byte| *byte == first)?;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_split_into_fields() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"content\"; filename=\"a \\\"b\\\".txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nhello\r\n--y\r\n--x\r\nContent-Disposition: form-data; \
                    name=\"metadata\"\r\n\r\n{}\r\n--x--\r\n";
        let parts = parse(Some("multipart/form-data; boundary=x"), &Bytes::from(body)).expect("a form");
        assert_eq!(parts[0].filename.as_deref(), Some("a \"b\".txt"));
        assert_eq!(parts[0].content_type.as_deref(), Some("text/plain"));
        assert_eq!(&parts[0].body[..], b"hello\r\n--y");
        assert_eq!((parts[1].name.as_str(), &parts[1].body[..]), ("metadata", &b"{}"[..]));
    }

    #[test]
    fn a_field_may_be_empty() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\n\r\n--x--\r\n";
        let parts = parse(Some("multipart/form-data; boundary=\"x\""), &Bytes::from(body)).expect("a form");
        assert_eq!(&parts[0].body[..], b"");
    }

    #[test]
    fn a_truncated_form_is_an_error() {
        let body = Bytes::from("--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhel");
        assert!(parse(Some("multipart/form-data; boundary=x"), &body).is_err());
        assert!(parse(Some("application/json"), &body).is_err());
    }
}
