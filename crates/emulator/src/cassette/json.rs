//! Rewrites the strings of a JSON text. Numbers and the order of members stay as they are.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::scrub::secrecy;

// Values below are rewritten as one text, so that a hostile body cannot exhaust the stack.
const DEEPEST: usize = 100;

/// How a text is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
}

/// Rewrites a JSON text. `edit` gets a string or a number, and the name of the innermost member that contains it, or of
/// the one around that which has secrets. A number that it changes becomes a string. Returns `None` if the text is not
/// JSON.
pub(super) fn rewrite(
    text: &str,
    layout: Layout,
    edit: &mut dyn FnMut(&str, &str) -> String,
) -> Option<String> {
    let value: &RawValue = serde_json::from_str(text).ok()?;
    let mut writer = Writer { layout, out: String::with_capacity(text.len()), edit };
    writer.value(value, "", 0);
    Some(writer.out)
}

struct Writer<'a> {
    layout: Layout,
    out: String,
    edit: &'a mut dyn FnMut(&str, &str) -> String,
}

impl Writer<'_> {
    fn value(&mut self, value: &RawValue, outer: &str, depth: usize) {
        let text = value.get();
        if depth > DEEPEST {
            let edited = (self.edit)(outer, text);
            self.out += if serde_json::from_str::<&RawValue>(&edited).is_ok() { &edited } else { "null" };
        } else if let Ok(string) = serde_json::from_str::<String>(text) {
            let edited = (self.edit)(outer, &string);
            self.out += &serde_json::to_string(&edited).expect("text encodes as JSON");
        } else if let Ok(members) = serde_json::from_str::<IndexMap<String, &RawValue>>(text) {
            self.list('{', '}', depth, members.into_iter(), |writer, (name, member)| {
                writer.out += &serde_json::to_string(&name).expect("text encodes as JSON");
                writer.out += if writer.layout == Layout::Indented { ": " } else { ":" };
                writer.value(member, label(outer, &name, member), depth + 1);
            });
        } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
            self.list('[', ']', depth, items.into_iter(), |writer, item| {
                writer.value(item, outer, depth + 1);
            });
        } else if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            match (self.edit)(outer, text) {
                edited if edited == text => self.out += text,
                edited => self.out += &serde_json::to_string(&edited).expect("text encodes as JSON"),
            }
        } else {
            self.out += text;
        }
    }

    fn list<T>(
        &mut self,
        open: char,
        close: char,
        depth: usize,
        items: impl ExactSizeIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) {
        let is_empty = items.len() == 0;
        self.out.push(open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            write(self, item);
        }
        if !is_empty {
            self.line(depth);
        }
        self.out.push(close);
    }

    fn line(&mut self, depth: usize) {
        if self.layout == Layout::Indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", depth));
        }
    }
}

/// Returns the name under which a member is edited: everything in a secret is secret.
fn label<'a>(outer: &'a str, name: &'a str, value: &RawValue) -> &'a str {
    // A JSON Schema describes the member and has no value of it.
    if matches!(outer, "properties" | "schemas") && value.get().starts_with('{') {
        return "";
    }
    if secrecy(outer) > secrecy(name) { outer } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_change_and_the_rest_stays() {
        let text = r#"{"b": ["x", 12345678901234567890123, {}], "a": {"x": "x", "n": 1.0}, "e": []}"#;
        let mut edit = |name: &str, text: &str| text.replace('x', &format!("{name}.x"));
        assert_eq!(
            rewrite(text, Layout::Compact, &mut edit).as_deref(),
            Some(r#"{"b":["b.x",12345678901234567890123,{}],"a":{"x":"x.x","n":1.0},"e":[]}"#)
        );
        let mut same = |_: &str, text: &str| text.to_owned();
        assert_eq!(
            rewrite(r#"{"a":[1,"\u0026"]}"#, Layout::Indented, &mut same).as_deref(),
            Some("{\n  \"a\": [\n    1,\n    \"&\"\n  ]\n}")
        );
        assert_eq!(rewrite("no", Layout::Compact, &mut same), None);
    }

    #[test]
    fn what_lies_in_a_secret_is_edited_under_its_name() {
        let text = r#"{"secret":{"a":[1,true]},"properties":{"secret":{"type":"x"},"password":"x"}}"#;
        let mut edit = |name: &str, text: &str| format!("{name}.{text}");
        assert_eq!(
            rewrite(text, Layout::Compact, &mut edit).as_deref(),
            Some(
                r#"{"secret":{"a":["secret.1",true]},"properties":{"secret":{"type":"type.x"},"password":"password.x"}}"#
            )
        );
    }

    #[test]
    fn deep_values_do_not_exhaust_the_stack() {
        let text = format!("{}\"x\"{}", "[".repeat(100_000), "]".repeat(100_000));
        let mut edit = |_: &str, text: &str| text.replace('x', "y");
        let edited = rewrite(&text, Layout::Compact, &mut edit);
        assert!(edited.is_none_or(|edited| edited.contains('y')));
    }
}
