//! Reads and validates the members of JSON request bodies.

use serde_json::Value;

use super::call::Call;
use crate::http::problem::{InvalidField, Problem};
use crate::model::validation::kind_of;
use crate::support::json::{Object, Raw};

/// Reads a request body and collects its problems. Members that are never read are not allowed.
pub(crate) struct BodyReader {
    object: Object,
    problems: Vec<InvalidField>,
    known: Vec<&'static str>,
}

impl BodyReader {
    pub(crate) fn new(call: &Call) -> Result<Self, Problem> {
        Ok(Self { object: call.json()?, problems: Vec::new(), known: Vec::new() })
    }

    /// Adds a problem with a member.
    pub(crate) fn report(&mut self, kind: &'static str, field: &str, text: impl Into<String>) {
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

    /// Reads a member of a type. `decode` returns `None` for a value of another type.
    fn read<T>(
        &mut self,
        name: &'static str,
        required: bool,
        kind: &str,
        decode: fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(name, required)?;
        let decoded = decode(&value);
        if decoded.is_none() {
            let text = format!("Invalid type. Expected: {kind}, given: {}", kind_of(&value));
            self.report("invalid_type", name, text);
        }
        decoded
    }

    pub(crate) fn text(&mut self, name: &'static str, required: bool) -> Option<String> {
        self.read(name, required, "string", |value| value.as_str().map(str::to_owned))
    }

    /// Reads an optional URL.
    pub(crate) fn web_url(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name, false).filter(|text| !text.is_empty())?;
        if !is_web_url(&text) {
            self.report("format", name, "Does not match format 'uri': expected an http or https URL");
        }
        Some(text)
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, false, "boolean", Value::as_bool)
    }

    /// Reads an optional array of strings.
    pub(crate) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let text = |item: &Value| item.as_str().map(str::to_owned);
        self.read(name, false, "array", |value| Some(value.as_array()?.clone()))
            .map(|items| items.iter().map(|item| text(item).unwrap_or_default()).collect())
    }

    /// Reads a required object. Returns its text and its members.
    pub(crate) fn object(&mut self, name: &'static str) -> Option<(Raw, Object)> {
        self.known.push(name);
        let Some(value) = self.object.get(name) else {
            self.report("required", "", format!("{name} is required"));
            return None;
        };
        let value = Raw::from(value.clone());
        let object = serde_json::from_str(value.get()).ok();
        if object.is_none() {
            let given = serde_json::from_str(value.get()).map_or("number", |value| kind_of(&value));
            self.report("invalid_type", name, format!("Invalid type. Expected: object, given: {given}"));
        }
        Some((value, object?))
    }

    /// Reads a string that must be one of `choices`.
    pub(crate) fn choice(&mut self, name: &'static str, required: bool, choices: &[&str]) -> Option<String> {
        let text = self.text(name, required)?;
        if !choices.contains(&text.as_str()) {
            let list: Vec<_> = choices.iter().map(|choice| format!("{choice:?}")).collect();
            self.report("enum", name, format!("must be one of the following: {}", list.join(", ")));
        }
        Some(text)
    }

    pub(crate) fn integer(&mut self, name: &'static str, required: bool, most: i64) -> Option<i64> {
        let number = self.read(name, required, "integer", Value::as_i64)?;
        if number < 0 {
            self.report("number_gte", name, "Must be greater than or equal to 0");
        }
        if number > most {
            self.report("number_lte", name, format!("Must be less than or equal to {most}"));
        }
        Some(number)
    }

    /// Returns an error if there are problems or unknown members.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for name in self.object.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let text = format!("Additional property {name} is not allowed");
            self.problems.push(InvalidField::new("additional_property_not_allowed", "", text));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Problem::invalid_input(self.problems)) }
    }
}

/// Reports whether a text is an http or https URL.
pub(crate) fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
