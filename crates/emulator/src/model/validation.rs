//! The validation of values by a JSON Schema.

use std::collections::HashMap;
use std::ptr;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::http::problem::InvalidField;

/// How many schemas may apply to one value, each within the other.
const MOST_NESTED: usize = 16;

/// How many violations one schema within another reports: those of choices within choices would multiply.
const MOST_PROBLEMS: usize = 20;

/// Finds the violations of a schema.
pub(super) struct Validation<'a> {
    /// What references lead to.
    root: &'a Value,
    /// The violations of schemas by values, by their addresses. Choices lead to the same schema and value again and again.
    known: HashMap<(*const Value, *const Value), Vec<InvalidField>>,
}

/// Returns the schema that a reference such as `#/$defs/Color` names.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(&percent_decode_str(reference.strip_prefix('#')?).decode_utf8_lossy())
}

/// Reports whether a member may be missing although it is required, because it has a default: schemas that Zod derives from
/// a type describe what its parsers return.
pub(super) fn has_default(property: &Value) -> bool {
    property.get("default").is_some()
}

/// Fails if a reference in `part` names no schema.
pub(super) fn check_references(root: &Value, part: &Value) -> Result<(), String> {
    match part {
        Value::Object(members) => {
            if let Some(reference) = part["$ref"].as_str().filter(|name| target(root, name).is_none()) {
                return Err(format!("the schema has no {reference}"));
            }
            members.values().try_for_each(|member| check_references(root, member))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_references(root, item)),
        _ => Ok(()),
    }
}

impl<'a> Validation<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, known: HashMap::new() }
    }

    /// Returns the violations by a value.
    pub(super) fn check(&mut self, schema: &'a Value, field: &str, value: &'a Value) -> Vec<InvalidField> {
        self.check_within(schema, field, value, 0)
    }

    /// Does the same for one of several schemas that apply to a value. `nested` is the number of schemas around this one.
    fn check_part(
        &mut self,
        schema: &'a Value,
        field: &str,
        value: &'a Value,
        nested: usize,
    ) -> Vec<InvalidField> {
        if nested > MOST_NESTED {
            return Vec::new();
        }
        let key = (ptr::from_ref(schema), ptr::from_ref(value));
        if let Some(problems) = self.known.get(&key) {
            return problems.clone();
        }
        // A reference can lead back to this schema.
        self.known.insert(key, Vec::new());
        let mut problems = self.check_within(schema, field, value, nested);
        problems.truncate(MOST_PROBLEMS);
        self.known.insert(key, problems.clone());
        problems
    }

    fn check_within(
        &mut self,
        schema: &'a Value,
        field: &str,
        value: &'a Value,
        nested: usize,
    ) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        if value.is_null() && schema["nullable"] == true {
            return problems;
        }
        let mut report = |kind, text: String| problems.push(InvalidField::new(kind, field, text));
        if *schema == false {
            report("false", "False always fails validation".into());
        }
        let types: Vec<_> = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        if !types.is_empty() && !types.iter().any(|kind| is_of(kind, value)) {
            let expected = if types.len() == 1 { types[0].into() } else { format!("[{}]", types.join(",")) };
            let text = format!("Invalid type. Expected: {expected}, given: {}", kind_of(value));
            report("invalid_type", text);
            return problems;
        }
        if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.contains(value)) {
            let list: Vec<_> = choices.iter().map(Value::to_string).collect();
            report("enum", format!("must be one of the following: {}", list.join(", ")));
        }
        if let Some(only) = schema.get("const").filter(|only| *only != value) {
            report("const", format!("must be {only}"));
        }
        if let (Some(minimum), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
            && number < minimum
        {
            report("number_gte", format!("Must be greater than or equal to {minimum}"));
        }
        if let (Some(maximum), Some(number)) = (schema["maximum"].as_f64(), value.as_f64())
            && number > maximum
        {
            report("number_lte", format!("Must be less than or equal to {maximum}"));
        }
        if let (Some("uri"), Some(text)) = (schema["format"].as_str(), value.as_str())
            // `Url` accepts a Windows path such as C:\heron.png, with the scheme `c`.
            && (text.contains('\\') || url::Url::parse(text).is_err())
        {
            report("format", "Does not match format 'uri'".into());
        }
        if let Some(members) = value.as_object() {
            let required = list(schema, "required").iter().filter_map(Value::as_str);
            let has_default = |name: &str| schema["properties"].get(name).is_some_and(has_default);
            for name in required.filter(|name| !members.contains_key(*name) && !has_default(name)) {
                report("required", format!("{name} is required"));
            }
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(member) = members.get(name) {
                    problems.extend(self.check(property, &format!("{field}.{name}"), member));
                }
            }
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (index, value) in values.iter().enumerate() {
                problems.extend(self.check(items, &format!("{field}.{index}"), value));
            }
        }
        problems.extend(self.combine(schema, field, value, nested));
        problems
    }

    /// Returns the violations of the schemas that a schema combines.
    pub(super) fn combine(
        &mut self,
        schema: &'a Value,
        field: &str,
        value: &'a Value,
        nested: usize,
    ) -> Vec<InvalidField> {
        let mut problems = Vec::new();
        let referenced = schema["$ref"].as_str().and_then(|reference| target(self.root, reference));
        for part in list(schema, "allOf").iter().chain(referenced) {
            problems.extend(self.check_part(part, field, value, nested + 1));
        }
        // Several schemas of `oneOf` may fit: what tells them apart can be a keyword that has no effect here.
        for (keyword, kind, text) in [
            ("anyOf", "number_any_of", "Must validate at least one schema (anyOf)"),
            ("oneOf", "number_one_of", "Must validate one and only one schema (oneOf)"),
        ] {
            let mut closest: Option<Vec<InvalidField>> = None;
            for choice in list(schema, keyword) {
                let attempt = self.check_part(choice, field, value, nested + 1);
                if closest.as_ref().is_none_or(|closest| attempt.len() < closest.len()) {
                    closest = Some(attempt);
                }
                if closest.as_ref().is_some_and(Vec::is_empty) {
                    break;
                }
            }
            if let Some(closest) = closest.filter(|problems| !problems.is_empty()) {
                problems.push(InvalidField::new(kind, field, text));
                problems.extend(closest);
            }
        }
        problems
    }
}

fn list<'a>(schema: &'a Value, keyword: &str) -> &'a [Value] {
    schema.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Reports whether a value has the type that a schema names.
fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

/// Returns the type name of a value, for error messages.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
