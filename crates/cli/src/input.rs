//! Reads the input of a model from arguments: `key=value`, `key=@file` and `key:=json`.

use std::path::PathBuf;

use bytes::Bytes;
use replicant::{File, Object, Value, bindings::nearest};
use tokio::io::AsyncReadExt;

use crate::{
    failure::{FAILED, Failure},
    output::shown,
    schema::{Kind, Property, Schema},
};

/// Builds the input of a model: the object in the file `base` with the assignments in `words` over it.
pub(crate) async fn read(
    words: &[String],
    base: Option<&str>,
    schema: Option<&Schema>,
) -> Result<Value, Failure> {
    let mut stdin = Stdin(false);
    let mut members = match base {
        Some(path) => from_file(&contents(path, &mut stdin).await?, path)?,
        None => Object::new(),
    };
    let inputs = schema.map(Schema::inputs);
    let mut assigned = Object::new();
    for word in words {
        let Assignment { key, value, is_json } = Assignment::parse(word)?;
        let property = property(key, inputs.as_deref())?;
        let kind = property.map_or(Kind::Any, |property| property.kind.clone());
        let value = if is_json {
            let parsed = Value::from_json(value.as_bytes());
            parsed.map_err(|error| Failure::usage(format!("`{key}:=` must be followed by JSON: {error}")))?
        } else {
            one(key, value, &kind, &mut stdin).await?
        };
        add(&mut assigned, key, value, &kind, is_json, property.is_some())?;
    }
    members.extend(assigned);
    Ok(Value::Object(members))
}

/// Checks the form of assignments, before any request is sent.
pub(crate) fn check(words: &[String]) -> Result<(), Failure> {
    words.iter().try_for_each(|word| Assignment::parse(word).map(|_| ()))
}

/// A word `KEY=VALUE` or `KEY:=JSON`.
pub(crate) struct Assignment<'w> {
    pub key: &'w str,
    pub value: &'w str,
    pub is_json: bool,
}

impl<'w> Assignment<'w> {
    pub fn parse(word: &'w str) -> Result<Self, Failure> {
        let (key, value) =
            word.split_once('=').filter(|(key, _)| !matches!(*key, "" | ":")).ok_or_else(|| {
                Failure::usage(format!("{} must be KEY=VALUE, KEY=@FILE or KEY:=JSON", shown(word)))
            })?;
        Ok(match key.strip_suffix(':') {
            Some(key) => Self { key, value, is_json: true },
            None => Self { key, value, is_json: false },
        })
    }
}

/// Returns the input that a key names. `None` if the inputs are unknown.
fn property<'p>(key: &str, inputs: Option<&'p [Property<'p>]>) -> Result<Option<&'p Property<'p>>, Failure> {
    let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else { return Ok(None) };
    if let Some(property) = inputs.iter().find(|property| property.name == key) {
        return Ok(Some(property));
    }
    let names: Vec<&str> = inputs.iter().map(|property| property.name).collect();
    Err(unknown(key, &names))
}

/// Explains that a key names no input.
pub(crate) fn unknown(key: &str, names: &[&str]) -> Failure {
    let advice = match nearest(key, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("its inputs are `{}`", names.join("`, `")),
    };
    Failure::usage(format!("the model has no input {}; {advice}", shown(key)))
}

/// Adds a value. A list has a value for each time that its key is given, unless the value `is_whole`: the list itself, or JSON.
pub(crate) fn add(
    members: &mut Object,
    key: &str,
    value: Value,
    kind: &Kind,
    is_whole: bool,
    is_known: bool,
) -> Result<(), Failure> {
    let is_list = matches!(kind, Kind::Array(_)) && !is_whole;
    match members.get_mut(key) {
        None if is_list => members.insert(key.to_owned(), Value::Array(vec![value])),
        None => members.insert(key.to_owned(), value),
        Some(Value::Array(items)) if is_list || !is_known => {
            items.push(value);
            None
        }
        Some(first) if !is_known && !is_whole => {
            let both = vec![std::mem::take(first), value];
            members.insert(key.to_owned(), Value::Array(both))
        }
        Some(_) => return Err(Failure::usage(format!("`{key}` is given twice, but is not a list"))),
    };
    Ok(())
}

/// Reads the value of one `key=value`.
async fn one(key: &str, text: &str, kind: &Kind, stdin: &mut Stdin) -> Result<Value, Failure> {
    match text.strip_prefix('@') {
        None => typed(key, text, kind.item()),
        Some("") => {
            Err(Failure::usage(format!("`{key}=@` must be followed by the path of a file, or by `-`")))
        }
        Some("-") => file(key, "-", Some(stdin.read().await?), kind.item()),
        Some(path) => file(key, path, None, kind.item()),
    }
}

/// Returns the file at a path, or its text if the input is not a file. `contents` are those of standard input.
pub(crate) fn file(key: &str, path: &str, contents: Option<Bytes>, kind: &Kind) -> Result<Value, Failure> {
    let is_file = matches!(kind, Kind::File | Kind::Any);
    let contents = match contents {
        Some(contents) if is_file => return Ok(File::bytes(contents).into()),
        None if is_file => return Ok(File::path(PathBuf::from(path)).into()),
        Some(contents) => contents,
        None => read_file(path).map_err(|failure| failure.within(&format!("`{key}`")))?,
    };
    let text = std::str::from_utf8(&contents)
        .map_err(|_| Failure::usage(format!("`{key}` must be {kind}, but {path:?} is not text in UTF-8")))?;
    typed(key, if *kind == Kind::Text { text } else { text.trim() }, kind)
}

/// Converts a text to the type of an input.
pub(crate) fn typed(key: &str, text: &str, kind: &Kind) -> Result<Value, Failure> {
    let invalid = |what: &str| Failure::usage(format!("`{key}` must be {what}, not {}", shown(text)));
    let number = || match Value::from_json(text.as_bytes()) {
        Ok(number @ (Value::Number(_) | Value::Json(_))) => Some(number),
        _ => None,
    };
    match kind {
        Kind::Text | Kind::File | Kind::Any => Ok(text.into()),
        Kind::Integer => {
            let is_integer = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
            number().filter(|_| is_integer).ok_or_else(|| invalid("an integer"))
        }
        Kind::Number => number().ok_or_else(|| invalid("a number")),
        Kind::Boolean => match text {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err(invalid("`true` or `false`")),
        },
        Kind::Object | Kind::Array(_) => {
            let parsed = Value::from_json(text.as_bytes());
            parsed.map_err(|_| invalid(&format!("{kind} as JSON")))
        }
    }
}

fn from_file(contents: &[u8], path: &str) -> Result<Object, Failure> {
    match Value::from_json(contents) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::usage(format!("`--input`: {path:?} must contain a JSON object"))),
        Err(error) => Err(Failure::usage(format!("`--input`: {path:?} is not JSON: {error}"))),
    }
}

/// Reads a file, or standard input for `-`.
async fn contents(path: &str, stdin: &mut Stdin) -> Result<Bytes, Failure> {
    if path == "-" {
        return stdin.read().await;
    }
    read_file(path)
}

fn read_file(path: &str) -> Result<Bytes, Failure> {
    let read = std::fs::read(path);
    Ok(read.map_err(|error| Failure::new(FAILED, format!("cannot read {path:?}: {error}")))?.into())
}

/// Standard input, which can be read once.
struct Stdin(bool);

impl Stdin {
    async fn read(&mut self) -> Result<Bytes, Failure> {
        if std::mem::replace(&mut self.0, true) {
            return Err(Failure::usage("standard input can be read only once; use it for one input"));
        }
        let mut contents = Vec::new();
        let read = tokio::io::stdin().read_to_end(&mut contents).await;
        read.map_err(|error| Failure::new(FAILED, format!("cannot read standard input: {error}")))?;
        Ok(contents.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use replicant::json;

    async fn input(words: &[&str], schema: Option<Value>) -> Result<Value, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let schema = schema.map(Schema::new);
        read(&words, None, schema.as_ref()).await.map_err(|failure| format!("{failure:?}"))
    }

    fn schema() -> Option<Value> {
        let properties = json!({
            "prompt": {"type": "string"},
            "steps": {"type": "integer"},
            "scale": {"anyOf": [{"type": "null"}, {"type": "number"}]},
            "safe": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "integer"}},
            "size": {"allOf": [{"$ref": "#/components/schemas/size"}], "default": 1},
            "more": {"type": "object"},
        });
        let schemas =
            json!({"Input": {"properties": properties}, "size": {"type": "integer", "enum": [1, 2]}});
        Some(json!({"components": {"schemas": schemas}}).into())
    }

    #[tokio::test]
    async fn values_have_the_types_of_the_schema() {
        let words = [
            "prompt=7",
            "steps=-3",
            "scale=1.50",
            "safe=true",
            "tags=1",
            "tags=2",
            "size=2",
            "more={\"a\":1}",
        ];
        let expected = json!({"prompt": "7", "steps": -3, "scale": 1.5, "safe": true, "tags": [1, 2], "size": 2, "more": {"a": 1}});
        assert_eq!(input(&words, schema()).await.unwrap(), Value::from(expected));
        let big = input(&["steps=123456789012345678901234567890"], schema()).await.unwrap();
        assert_eq!(big.to_string(), "{\"steps\":123456789012345678901234567890}");
    }

    #[tokio::test]
    async fn values_are_text_without_a_schema() {
        let words = ["steps=3", "safe=true", "a=1", "a=2", "a=3", "list:=[1]", "eq=a=b"];
        let expected = json!({"steps": "3", "safe": "true", "a": ["1", "2", "3"], "list": [1], "eq": "a=b"});
        assert_eq!(input(&words, None).await.unwrap(), Value::from(expected));
    }

    #[tokio::test]
    async fn wrong_values_are_named() {
        for (word, message) in [
            ("steps=3.5", "`steps` must be an integer, not `3.5`"),
            ("steps=x", "`steps` must be an integer"),
            ("safe=yes", "`safe` must be `true` or `false`"),
            ("scale=\"1\"", "`scale` must be a number"),
            ("promt=x", "no input `promt`; did you mean `prompt`?"),
            ("prompt", "must be KEY=VALUE"),
            ("=x", "must be KEY=VALUE"),
            ("steps:={", "`steps:=` must be followed by JSON"),
            ("prompt=@", "the path of a file"),
        ] {
            let error = input(&[word], schema()).await.unwrap_err();
            assert!(error.contains(message), "{word}: {error}");
        }
        let twice = input(&["steps=1", "steps=2"], schema()).await.unwrap_err();
        assert!(twice.contains("`steps` is given twice"), "{twice}");
    }
}
