//! Checks of the schemas that tests give.

use serde_json::Value;

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Checks that a JSON Schema describes something: a misspelled one would accept every value.
pub(super) fn check(name: &str, text: &str) -> Result<(), String> {
    let schema: Value =
        serde_json::from_str(text).map_err(|error| format!("`{name}` is not valid JSON: {error}"))?;
    if name == "input" {
        let described = ["type", "properties", "required", "$ref", "allOf", "anyOf", "oneOf"];
        let describes = schema.as_object().is_some_and(|schema| {
            let of_objects = schema.get("type").is_none_or(|kind| kind == "object");
            of_objects && (schema.is_empty() || described.iter().any(|keyword| schema.contains_key(*keyword)))
        });
        if !describes {
            return Err(format!(
                "`input` must be the JSON Schema of an object, such as {{\"type\": \"object\", \"properties\": \
                 {{\"prompt\": {{\"type\": \"string\"}}}}}}, not {schema}"
            ));
        }
    }
    check_at(name, &schema)
}

fn check_at(path: &str, schema: &Value) -> Result<(), String> {
    if schema.is_boolean() {
        return Ok(());
    }
    let Some(schema) = schema.as_object() else {
        return Err(format!(
            "`{path}` must be a JSON Schema, such as {{\"type\": \"string\"}}, not {schema}"
        ));
    };
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().collect(),
        one => Vec::from_iter(one),
    };
    if let Some(unknown) =
        types.into_iter().find(|kind| !kind.as_str().is_some_and(|kind| TYPES.contains(&kind)))
    {
        return Err(format!("`{path}.type` must be one of {}, not {unknown}", TYPES.join(", ")));
    }
    let is_texts = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
    for (keyword, fits, kind) in [
        ("required", &is_texts as &dyn Fn(&Value) -> bool, "a list of names"),
        ("enum", &Value::is_array, "a list of values"),
        ("minimum", &Value::is_number, "a number"),
        ("maximum", &Value::is_number, "a number"),
        ("format", &Value::is_string, "a string"),
        ("$ref", &Value::is_string, "a string"),
    ] {
        if let Some(wrong) = schema.get(keyword).filter(|value| !fits(value)) {
            return Err(format!("`{path}.{keyword}` must be {kind}, not {wrong}"));
        }
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let Some(parts) = schema.get(keyword) else { continue };
        let Some(parts) = parts.as_array() else {
            return Err(format!("`{path}.{keyword}` must be a list of JSON Schemas, not {parts}"));
        };
        for (index, part) in parts.iter().enumerate() {
            check_at(&format!("{path}.{keyword}.{index}"), part)?;
        }
    }
    if let Some(properties) = schema.get("properties") {
        let Some(properties) = properties.as_object() else {
            return Err(format!("`{path}.properties` must be an object of JSON Schemas, not {properties}"));
        };
        for (name, property) in properties {
            check_at(&format!("{path}.properties.{name}"), property)?;
        }
    }
    for (name, part) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        check_at(&format!("{path}.$defs.{name}"), part)?;
    }
    schema.get("items").map_or(Ok(()), |items| check_at(&format!("{path}.items"), items))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn schemas_are_accepted() {
        for text in [
            "{}",
            r#"{"type": "object"}"#,
            r#"{"properties": {"n": {"type": ["integer", "null"], "minimum": 0}, "any": true}}"#,
            r##"{"$ref": "#/components/schemas/Other"}"##,
            r#"{"type": "object", "properties": {"files": {"type": "array", "items": {"type": "string"}}}}"#,
        ] {
            assert_eq!(check("input", text), Ok(()), "{text}");
        }
        assert_eq!(check("output", r#"{"type": "string", "format": "uri"}"#), Ok(()));
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (text, expected) in [
            (r#"{"text": "string"}"#, "`input` must be the JSON Schema of an object"),
            (r#"{"type": "string"}"#, "`input` must be the JSON Schema of an object"),
            ("[]", "`input` must be the JSON Schema of an object"),
            (r#"{"properties": {"a": "string"}}"#, "`input.properties.a` must be a JSON Schema"),
            (r#"{"properties": {"a": {"type": "strnig"}}}"#, "`input.properties.a.type` must be one of"),
            (r#"{"properties": ["a"]}"#, "`input.properties` must be an object"),
            (
                r#"{"properties": {"a": {"type": "array", "items": {"type": 1}}}}"#,
                "`input.properties.a.items.type` must be one of",
            ),
            (r#"{"required": "a"}"#, "`input.required` must be a list of names, not \"a\""),
            (r#"{"properties": {"a": {"minimum": "0"}}}"#, "`input.properties.a.minimum` must be a number"),
            (r#"{"properties": {"a": {"anyOf": {}}}}"#, "`input.properties.a.anyOf` must be a list of JSON"),
            (r#"{"allOf": [{"type": 1}]}"#, "`input.allOf.0.type` must be one of"),
        ] {
            let error = check("input", text).expect_err(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
