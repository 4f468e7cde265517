//! Splits Rust source into tokens.

/// Splits Rust source into words, `::` and single characters, each with its line. Drops comments, lifetimes and
/// literals, except strings that hold a path, as in serde's attributes.
pub fn split(source: &str, first_line: usize) -> Vec<(&str, usize)> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (source, first_line);
    while let Some(first) = rest.chars().next() {
        let mut word = None;
        let mut text = "";
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.find('"').map_or(rest.len(), |at| at + 1);
            rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if first == '"' {
            let length = string(rest, '"');
            text = &rest[1..length.max(2) - 1];
            length
        } else if first == '\'' {
            let mut following = rest[1..].chars();
            match (following.next(), following.next()) {
                (Some('\\'), _) => string(rest, '\''),
                (Some(character), Some('\'')) => 2 + character.len_utf8(),
                _ => {
                    1 + rest[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len() - 1)
                }
            }
        } else if is_word(rest) {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            word = Some(&rest[..length]);
            length
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            word = Some(&rest[..length]).filter(|_| !first.is_whitespace());
            length
        };
        tokens.extend(word.map(|word| (word, line)));
        if text.starts_with("crate::") || text.starts_with("super::") {
            tokens.extend(split(text, line));
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// Reports whether a token is a word: a name, a keyword or a number.
pub fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}

/// Returns the length of the block comment that `rest` starts with.
fn comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < rest.len() {
        let step = &rest.as_bytes()[at..];
        let edge = step.starts_with(b"/*") || step.starts_with(b"*/");
        depth = if step.starts_with(b"/*") { depth + 1 } else { depth - usize::from(edge) };
        at += if edge { 2 } else { 1 };
    }
    at
}

/// Returns the length of the literal that `rest` starts with, up to the unescaped `quote` that ends it.
fn string(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    rest.len()
}

/// Returns the number of `#` of the raw string that `rest` starts with.
fn raw_string(rest: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].starts_with('"').then_some(hashes)
}
