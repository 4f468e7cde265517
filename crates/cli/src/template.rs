//! Makes the inputs of a model from the columns of a table.

use replicant::{Object, Value, bindings::nearest, map::Row};

use crate::{
    failure::Failure,
    input::{Assignment, add, file, typed, unknown},
    output::shown,
    rows::Columns,
    schema::{Kind, Schema},
};

/// How to make a row of a batch from a row of a table.
pub(crate) struct Template {
    /// The assignments. Without any, all columns are inputs.
    fields: Vec<Field>,
    /// The column with the keys.
    key: Option<String>,
    /// The inputs of the model by name. Empty if they are not known.
    kinds: Vec<(String, Kind)>,
}

/// `KEY=VALUE` with columns in the value.
#[derive(Debug)]
struct Field {
    name: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Json(Value),
    Text(Vec<Part>),
    /// The path of a file.
    File(Vec<Part>),
}

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Column(String),
}

impl Template {
    /// Parses assignments, before any request is sent.
    pub fn parse(words: &[String], key: Option<&str>) -> Result<Self, Failure> {
        let fields = words.iter().map(|word| Field::parse(word)).collect::<Result<_, _>>()?;
        Ok(Self { fields, key: key.map(str::to_owned), kinds: Vec::new() })
    }

    /// Sets the inputs that the model has.
    pub fn check(mut self, schema: Option<&Schema>) -> Result<Self, Failure> {
        let inputs = schema.map(Schema::inputs).unwrap_or_default();
        self.kinds = inputs.into_iter().map(|input| (input.name.to_owned(), input.kind)).collect();
        self.fields.iter().try_for_each(|field| self.kind(&field.name).map(|_| ()))?;
        Ok(self)
    }

    /// Makes a row. An error says what is wrong with which line.
    pub fn row(&self, columns: &Columns) -> Result<Row, Failure> {
        let made = self.input(columns).and_then(|input| {
            let row = Row::new(input);
            Ok(match self.key_of(columns)? {
                Some(key) => row.key(key),
                None => row,
            })
        });
        made.map_err(|failure| failure.within(&format!("line {}", columns.line)))
    }

    /// Returns the key of a row.
    pub fn key_of(&self, columns: &Columns) -> Result<Option<Value>, Failure> {
        let Some(name) = &self.key else { return Ok(None) };
        match column(columns, name)? {
            Value::String(text) if text.is_empty() => {
                Err(Failure::usage(format!("the key `{name}` is empty")))
            }
            key if key.as_str().is_some() || key.as_i64().is_some() => Ok(Some(key.clone())),
            key => Err(Failure::usage(format!("the key `{name}` must be a string or an integer, not {key}"))),
        }
    }

    fn input(&self, columns: &Columns) -> Result<Object, Failure> {
        let mut input = Object::new();
        if self.fields.is_empty() {
            for (name, value) in &columns.values {
                let is_input = self.kinds.iter().any(|(known, _)| known == name);
                if self.key.as_ref() == Some(name) && !is_input {
                    continue;
                }
                let kind = self.kind(name)?.unwrap_or(&Kind::Any);
                if !columns.is_text {
                    input.insert(name.clone(), value.clone());
                } else if let Some(value) = whole(name, value, kind, columns)? {
                    let is_whole = matches!(value, Value::Array(_));
                    add(&mut input, name, value, kind, is_whole, true)?;
                }
            }
        }
        for Field { name, source } in &self.fields {
            let known = self.kind(name)?;
            let kind = known.unwrap_or(&Kind::Any);
            let value = match source {
                Source::Json(value) => Some(value.clone()),
                Source::Text(parts) => match parts.as_slice() {
                    [Part::Column(of)] => whole(name, column(columns, of)?, kind, columns)?,
                    parts => Some(typed(name, &text(parts, columns)?, kind.item())?),
                },
                Source::File(parts) => match text(parts, columns)?.as_str() {
                    "" => None,
                    path => Some(file(name, path, None, kind.item())?),
                },
            };
            if let Some(value) = value {
                let is_whole = matches!(source, Source::Json(_)) || matches!(value, Value::Array(_));
                add(&mut input, name, value, kind, is_whole, known.is_some())?;
            }
        }
        Ok(input)
    }

    /// Returns the type of an input. `None` if the inputs are not known.
    fn kind(&self, name: &str) -> Result<Option<&Kind>, Failure> {
        if let Some((_, kind)) = self.kinds.iter().find(|(known, _)| known == name) {
            return Ok(Some(kind));
        }
        if self.kinds.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = self.kinds.iter().map(|(name, _)| name.as_str()).collect();
        let mut failure = unknown(name, &names);
        if self.fields.is_empty() {
            failure.message +=
                "; with arguments such as `prompt={column}`, only the columns that they name are inputs";
        }
        Err(failure)
    }
}

impl Field {
    fn parse(word: &str) -> Result<Self, Failure> {
        let Assignment { key, value, is_json } = Assignment::parse(word)?;
        let source = if is_json {
            let parsed = Value::from_json(value.as_bytes());
            Source::Json(parsed.map_err(|error| {
                Failure::usage(format!("`{key}:=` must be followed by JSON, without columns: {error}"))
            })?)
        } else {
            match value.strip_prefix('@') {
                Some("" | "-") => {
                    let why = "must be followed by the path of a file, such as `{column}`";
                    return Err(Failure::usage(format!("`{key}=@` {why}")));
                }
                Some(path) => Source::File(parts(key, path)?),
                None => Source::Text(parts(key, value)?),
            }
        };
        Ok(Self { name: key.to_owned(), source })
    }
}

/// Splits a text at `{column}`. `{{` and `}}` are braces.
fn parts(key: &str, text: &str) -> Result<Vec<Part>, Failure> {
    let wrong = |what: &str| {
        Failure::usage(format!(
            "`{key}=` has {what}; a column is `{{column}}`, and braces in a text are `{{{{` and `}}}}`"
        ))
    };
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(wrong("a `}` without a `{`"));
        }
        let (name, after) = rest.split_once('}').ok_or_else(|| wrong("a `{` without a `}`"))?;
        if name.is_empty() || name.contains('{') {
            return Err(wrong("a column without a name"));
        }
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Column(name.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

fn column<'c>(columns: &'c Columns, name: &str) -> Result<&'c Value, Failure> {
    columns.values.get(name).ok_or_else(|| {
        let names: Vec<&str> = columns.values.keys().map(String::as_str).collect();
        let advice = match nearest(name, &names) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the columns are `{}`", names.join("`, `")),
        };
        Failure::usage(format!("there is no column {}; {advice}", shown(name)))
    })
}

fn text(parts: &[Part], columns: &Columns) -> Result<String, Failure> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Column(name) => match column(columns, name)? {
                Value::Null => {}
                value => text.push_str(&value.to_string()),
            },
        }
    }
    Ok(text)
}

/// Returns the value of a column as an input, or as an item of one. `None` if the cell is empty, so that the default of the
/// model applies.
fn whole(name: &str, value: &Value, kind: &Kind, columns: &Columns) -> Result<Option<Value>, Failure> {
    let Some(text) = value.as_str() else {
        return Ok(match (value, kind) {
            (Value::Null, _) => None,
            (Value::Number(_) | Value::Bool(_), Kind::Text) => Some(value.to_string().into()),
            _ => Some(value.clone()),
        });
    };
    match kind {
        _ if text.is_empty() && columns.is_text => Ok(None),
        Kind::Array(_) if text.trim_start().starts_with('[') => typed(name, text, kind).map(Some),
        Kind::Array(items) => typed(name, text, items).map(Some),
        // Spaces beside a number are frequent in tables.
        Kind::Number => typed(name, text.trim(), kind).map(Some),
        Kind::Integer => typed(name, without_fraction(text.trim()), kind).map(Some),
        Kind::Boolean => {
            let text = text.trim();
            let word = ["true", "false"].into_iter().find(|word| text.eq_ignore_ascii_case(word));
            typed(name, word.unwrap_or(text), kind).map(Some)
        }
        _ => typed(name, text, kind).map(Some),
    }
}

/// Removes a fraction of zeros: pandas writes the integers of a column with a gap as `1.0`.
fn without_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((integer, zeros)) if !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') => integer,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use replicant::json;

    fn template(words: &[&str]) -> Result<Template, Failure> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let properties = json!({
            "prompt": {"type": "string"},
            "steps": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "image": {"type": "string", "format": "uri"},
            "fast": {"type": "boolean"},
        });
        let schema = json!({"components": {"schemas": {"Input": {"properties": properties}}}});
        Template::parse(&words, None)?.check(Some(&Schema::new(schema.into())))
    }

    fn input(words: &[&str], values: &str, is_text: bool) -> Result<String, String> {
        let Value::Object(values) = Value::from_json(values.as_bytes()).unwrap() else { panic!("an object") };
        let made = template(words).and_then(|made| made.input(&Columns { line: 2, values, is_text }));
        made.map(|input| Value::Object(input).to_string()).map_err(|failure| failure.message)
    }

    #[test]
    fn cells_have_the_types_of_the_inputs() {
        let row = r#"{"prompt": "7", "steps": " 4", "tags": "[\"a\",\"b\"]", "image": ""}"#;
        assert_eq!(input(&[], row, true).unwrap(), r#"{"prompt":"7","steps":4,"tags":["a","b"]}"#);
        assert_eq!(input(&[], r#"{"tags": "a"}"#, true).unwrap(), r#"{"tags":["a"]}"#);
        // As pandas and spreadsheets write them.
        for (row, expected) in [
            (r#"{"steps": "4.0", "fast": "True"}"#, r#"{"steps":4,"fast":true}"#),
            (r#"{"steps": "-3.00", "fast": "FALSE "}"#, r#"{"steps":-3,"fast":false}"#),
        ] {
            assert_eq!(input(&[], row, true).unwrap(), expected);
        }
        for row in [r#"{"steps": "4.5"}"#, r#"{"steps": "4."}"#, r#"{"fast": "yes"}"#, r#"{"steps": ".0"}"#] {
            assert!(input(&[], row, true).is_err(), "{row}");
        }
        let row = r#"{"steps":"4","prompt":"","tags":["a"]}"#;
        assert_eq!(input(&[], row, false).unwrap(), row);
    }

    #[test]
    fn columns_fill_texts() {
        let row = r#"{"bird": "{n}", "n": 3, "t": "@x"}"#;
        let words = ["prompt=a {bird} {{{n}}}", "steps={n}", "tags=x", "tags={t}"];
        let made = r#"{"prompt":"a {n} {3}","steps":3,"tags":["x","@x"]}"#;
        assert_eq!(input(&words, row, false).unwrap(), made, "values are not looked into");
        assert_eq!(input(&["prompt={n}"], row, false).unwrap(), r#"{"prompt":"3"}"#);
        assert_eq!(input(&["prompt=", "steps:=2"], row, false).unwrap(), r#"{"prompt":"","steps":2}"#);
    }

    #[test]
    fn wrong_templates_are_explained() {
        for (word, message) in [
            ("prompt={", "`prompt=` has a `{` without a `}`"),
            ("prompt=}", "a `}` without a `{`"),
            ("prompt={}", "a column without a name"),
            ("image=@-", "the path of a file"),
            ("promt=x", "did you mean `prompt`?"),
            ("prompt={brid}", "there is no column `brid`; did you mean `bird`?"),
            ("steps={bird}", "`steps` must be an integer, not `heron`"),
            ("prompt=@{bird}", "cannot read \"heron\""),
        ] {
            let error = input(&[word], r#"{"bird": "heron"}"#, true).unwrap_err();
            assert!(error.contains(message), "{word}: {error}");
        }
        let error = input(&[], r#"{"bird": "heron"}"#, true).unwrap_err();
        assert!(error.contains("no input `bird`") && error.contains("prompt={column}"), "{error}");
    }
}
