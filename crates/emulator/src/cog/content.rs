//! Files on their way to and from a Cog server, which takes and sends them as `data:` URIs.

use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::files::{complete, data_uri};
use crate::model::Run;
use crate::support::json::{Fields, Object, Raw, array, raw};

/// A JSON value that may contain files.
enum Shape {
    Text(String),
    List(Vec<Box<RawValue>>),
    Members(Object),
    Other,
}

fn shape(value: &RawValue) -> Shape {
    let text = value.get();
    let read = match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map(Shape::Text),
        Some(b'[') => serde_json::from_str(text).map(Shape::List),
        Some(b'{') => serde_json::from_str(text).map(Shape::Members),
        _ => return Shape::Other,
    };
    read.unwrap_or(Shape::Other)
}

/// Replaces files that the emulator serves by `data:` URIs, as the Cog server may not reach them.
pub(super) async fn inline(run: &Run, input: &RawValue) -> Result<Raw, String> {
    let Shape::Members(members) = shape(input) else { return Ok(input.to_owned().into()) };
    let mut inlined = Fields::new();
    for (name, value) in &members {
        inlined = inlined.put(name, &inline_value(run, name, value).await?);
    }
    Ok(inlined.finish())
}

fn inline_value<'a>(
    run: &'a Run,
    name: &'a str,
    value: &'a RawValue,
) -> Pin<Box<dyn Future<Output = Result<Raw, String>> + Send + 'a>> {
    Box::pin(async move {
        Ok(match shape(value) {
            Shape::Text(uri) => match run.files.own_type(&uri) {
                Some(kind) => {
                    let content = run.fetch(name, &uri).await?;
                    raw(&format!("data:{kind};base64,{}", STANDARD.encode(content)))
                }
                None => value.to_owned().into(),
            },
            Shape::List(items) => {
                let mut inlined = Vec::new();
                for item in &items {
                    inlined.push(inline_value(run, name, item).await?);
                }
                array(&inlined)
            }
            Shape::Members(members) => {
                let mut inlined = Fields::new();
                for (member, value) in &members {
                    inlined = inlined.put(member, &inline_value(run, name, value).await?);
                }
                inlined.finish()
            }
            Shape::Other => value.to_owned().into(),
        })
    })
}

/// Saves the files in an output and replaces them by URLs.
pub(super) fn save(run: &Run, output: &RawValue) -> Raw {
    match shape(output) {
        Shape::Text(text) => match file(&text) {
            Some((kind, content)) => {
                let (name, kind) = complete(None, Some(&kind), &content);
                raw(&run.save(&name, kind, content))
            }
            None => output.to_owned().into(),
        },
        Shape::List(items) => array(&items.iter().map(|item| save(run, item)).collect::<Vec<_>>()),
        Shape::Members(members) => {
            let saved = members.iter().map(|(name, value)| (name, save(run, value)));
            saved.fold(Fields::new(), |fields, (name, value)| fields.put(name, &value)).finish()
        }
        Shape::Other => output.to_owned().into(),
    }
}

/// Reads a `data:` URI: its content type and its content.
fn file(text: &str) -> Option<(String, Vec<u8>)> {
    let rest = text.strip_prefix("data:")?;
    let kind = rest.split([';', ',']).next().filter(|kind| kind.contains('/'));
    Some((kind.unwrap_or("application/octet-stream").to_owned(), data_uri(rest).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_uris_are_files_of_their_type() {
        assert_eq!(file("data:image/png;base64,aGk="), Some(("image/png".into(), b"hi".to_vec())));
        assert_eq!(file("data:,hi"), Some(("application/octet-stream".into(), b"hi".to_vec())));
        assert_eq!(file("data: none"), None);
        assert_eq!(file("a text"), None);
    }
}
