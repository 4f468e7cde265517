//! Reads request bodies against a list of allowed members, collecting everything wrong with them.

use serde_json::Value;

use crate::call::Call;
use crate::json::Object;
use crate::problem::{InvalidField, Problem};

/// A request body being read. Every member read is an allowed one.
pub(super) struct Reader {
    object: Object,
    problems: Vec<InvalidField>,
    known: Vec<&'static str>,
}

impl Reader {
    pub(super) fn new(call: &Call) -> Result<Self, Problem> {
        Ok(Self { object: call.json()?, problems: Vec::new(), known: Vec::new() })
    }

    /// Notes something wrong with a member.
    pub(super) fn report(&mut self, kind: &'static str, field: &str, text: impl Into<String>) {
        self.problems.push(InvalidField::new(kind, field, text));
    }

    fn value(&mut self, name: &'static str, required: bool) -> Option<Value> {
        self.known.push(name);
        let value = self.object.get(name).and_then(|value| serde_json::from_str(value.get()).ok());
        if value.is_none() && required {
            self.report("required", "", format!("{name} is required"));
        }
        value.filter(|value| required || !matches!(value, Value::Null))
    }

    pub(super) fn text(&mut self, name: &'static str, required: bool) -> Option<String> {
        match self.value(name, required)? {
            Value::String(text) => Some(text),
            _ => {
                self.report("invalid_type", name, "Invalid type. Expected: string");
                None
            }
        }
    }

    /// A text that must be one of the choices.
    pub(super) fn choice(&mut self, name: &'static str, required: bool, choices: &[&str]) -> Option<String> {
        let text = self.text(name, required)?;
        if !choices.contains(&text.as_str()) {
            let list: Vec<_> = choices.iter().map(|choice| format!("{choice:?}")).collect();
            self.report("enum", name, format!("must be one of the following: {}", list.join(", ")));
        }
        Some(text)
    }

    pub(super) fn integer(&mut self, name: &'static str, required: bool, most: i64) -> Option<i64> {
        let Some(number) = self.value(name, required)?.as_i64() else {
            self.report("invalid_type", name, "Invalid type. Expected: integer");
            return None;
        };
        if number < 0 {
            self.report("number_gte", name, "Must be greater than or equal to 0");
        }
        if number > most {
            self.report("number_lte", name, format!("Must be less than or equal to {most}"));
        }
        Some(number)
    }

    /// Refuses the body if anything was wrong, or a member was not asked for.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        for name in self.object.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let text = format!("Additional property {name} is not allowed");
            self.problems.push(InvalidField::new("additional_property_not_allowed", "", text));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Problem::invalid_input(self.problems)) }
    }
}
