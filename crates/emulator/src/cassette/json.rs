//! Rewrites the strings of a JSON text. Numbers and the order of members stay as they are.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::secrecy::{Secrecy, secrecy};

// Values below are rewritten as one text, so that a hostile body cannot exhaust the stack.
const DEEPEST: usize = 100;

/// How a text is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
}

/// Rewrites a JSON text. `edit` gets a string, or a number in a secret, and the name of the innermost member that
/// contains it, or of the secret around that; and each name of a member, with no name. A number that it changes becomes
/// a string. Returns `None` if the text is not JSON.
pub(super) fn rewrite(
    text: &str,
    layout: Layout,
    edit: &mut dyn FnMut(&str, &str) -> String,
) -> Option<String> {
    let value: &RawValue = serde_json::from_str(text).ok()?;
    let mut writer = Writer { layout, out: String::with_capacity(text.len()), edit };
    writer.value(value, Label::NONE, 0);
    Some(writer.out)
}

struct Writer<'a> {
    layout: Layout,
    out: String,
    edit: &'a mut dyn FnMut(&str, &str) -> String,
}

/// The name under which a value is edited.
#[derive(Clone, Copy)]
struct Label<'a> {
    name: &'a str,
    secrecy: Secrecy,
}

impl<'a> Label<'a> {
    const NONE: Self = Self { name: "", secrecy: Secrecy::Never };

    /// Returns the label of a member of this value: everything in a secret is secret.
    fn member(self, name: &'a str, value: &RawValue) -> Self {
        match self {
            Self { name: "properties" | "schemas", .. } if is_schema(value) => Self::NONE,
            Self { secrecy: Secrecy::Always, .. } => self,
            _ => Self { name, secrecy: secrecy(name) },
        }
    }
}

/// Reports whether a value is a JSON Schema, which describes a member and has no value of it.
fn is_schema(value: &RawValue) -> bool {
    const SOME: [&str; 5] = ["type", "$ref", "allOf", "anyOf", "oneOf"];
    let members = serde_json::from_str::<IndexMap<String, &RawValue>>(value.get());
    members.is_ok_and(|members| SOME.iter().any(|name| members.contains_key(*name)))
}

impl Writer<'_> {
    fn value(&mut self, value: &RawValue, outer: Label<'_>, depth: usize) {
        let text = value.get();
        if depth > DEEPEST {
            let edited = (self.edit)(outer.name, text);
            self.out += if serde_json::from_str::<&RawValue>(&edited).is_ok() { &edited } else { "null" };
            return;
        }
        let first = text.as_bytes()[0];
        if first == b'"'
            && let Ok(string) = serde_json::from_str::<String>(text)
        {
            let edited = (self.edit)(outer.name, &string);
            self.string(&edited);
        } else if first == b'{'
            && let Ok(members) = serde_json::from_str::<IndexMap<String, &RawValue>>(text)
        {
            self.list('{', '}', depth, members.into_iter(), |writer, (name, member)| {
                let edited = (writer.edit)(Label::NONE.name, &name);
                writer.string(&edited);
                writer.out += if writer.layout == Layout::Indented { ": " } else { ":" };
                writer.value(member, outer.member(&name, member), depth + 1);
            });
        } else if first == b'['
            && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text)
        {
            self.list('[', ']', depth, items.into_iter(), |writer, item| {
                writer.value(item, outer, depth + 1);
            });
        } else if outer.secrecy == Secrecy::Always && (first == b'-' || first.is_ascii_digit()) {
            match (self.edit)(outer.name, text) {
                edited if edited == text => self.out += text,
                edited => self.string(&edited),
            }
        } else {
            self.out += text;
        }
    }

    fn string(&mut self, text: &str) {
        self.out += &serde_json::to_string(text).expect("text encodes as JSON");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn with_name(name: &str, text: &str) -> String {
        if name.is_empty() { text.to_owned() } else { format!("{name}.{text}") }
    }

    #[test]
    fn strings_change_and_the_rest_stays() {
        let text = r#"{"b": ["x", 12345678901234567890123, {}], "a": {"x": "x", "n": 1.0}, "e": []}"#;
        let mut edit = |name: &str, text: &str| text.replace('x', &format!("{name}.x"));
        assert_eq!(
            rewrite(text, Layout::Compact, &mut edit).as_deref(),
            Some(r#"{"b":["b.x",12345678901234567890123,{}],"a":{".x":"x.x","n":1.0},"e":[]}"#)
        );
        let mut same = |_: &str, text: &str| text.to_owned();
        assert_eq!(
            rewrite(r#"{"a":[1,"\u0026"]}"#, Layout::Indented, &mut same).as_deref(),
            Some("{\n  \"a\": [\n    1,\n    \"&\"\n  ]\n}")
        );
        assert_eq!(rewrite("no", Layout::Compact, &mut same), None);
        let half = r#"[{"\ud800":1},"\ud800"]"#;
        assert_eq!(rewrite(half, Layout::Compact, &mut same).as_deref(), Some(half));
    }

    #[test]
    fn what_lies_in_a_secret_is_edited_under_its_name() {
        let text = r#"{"secret":{"a":[1,true]},"token":{"b":"x"},"properties":{"secret":{"type":"x"},"password":"x"}}"#;
        let mut edit = with_name;
        assert_eq!(
            rewrite(text, Layout::Compact, &mut edit).as_deref(),
            Some(
                r#"{"secret":{"a":["secret.1",true]},"token":{"b":"b.x"},"properties":{"secret":{"type":"type.x"},"password":"password.x"}}"#
            )
        );
    }

    #[test]
    fn only_a_schema_describes_a_secret() {
        let mut edit = with_name;
        for (text, edited) in [
            (r#"{"properties":{"secret":{"a":"x"}}}"#, r#"{"properties":{"secret":{"a":"secret.x"}}}"#),
            (r#"{"properties":{"secret":{"$ref":"x"}}}"#, r#"{"properties":{"secret":{"$ref":"$ref.x"}}}"#),
            (r#"{"schemas":{"secret":{"anyOf":["x"]}}}"#, r#"{"schemas":{"secret":{"anyOf":["anyOf.x"]}}}"#),
        ] {
            assert_eq!(rewrite(text, Layout::Compact, &mut edit).as_deref(), Some(edited));
        }
    }

    #[test]
    fn numbers_are_edited_only_in_secrets() {
        let mut edited = Vec::new();
        let mut edit = |name: &str, text: &str| {
            edited.extend((!name.is_empty()).then(|| text.to_owned()));
            text.to_owned()
        };
        let text = r#"{"a":[1,-2.5],"token":3,"password":[4]}"#;
        assert_eq!(rewrite(text, Layout::Compact, &mut edit).as_deref(), Some(text));
        assert_eq!(edited, ["4"]);
    }

    #[test]
    fn deep_values_do_not_exhaust_the_stack() {
        let text = format!("{}\"x\"{}", "[".repeat(100_000), "]".repeat(100_000));
        let mut edit = |_: &str, text: &str| text.replace('x', "y");
        let edited = rewrite(&text, Layout::Compact, &mut edit);
        assert!(edited.is_none_or(|edited| edited.contains('y')));
    }
}
