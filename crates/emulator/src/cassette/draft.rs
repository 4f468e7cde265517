//! Turns requests and bodies into what a cassette stores.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::exchange::{StoredPart, StoredRequest};
use super::json::{Layout, rewrite};
use super::scrub::Scrubber;
use super::{Request, urls};
use crate::support::multipart;
use axum::http::header;

/// The folder with the files of a cassette.
pub(super) const FILES: &str = "files/";

/// Files to store: their names in the cassette, and their contents.
pub(super) type NewFiles = Vec<(String, Bytes)>;

/// A body as it is stored.
pub(super) enum Form {
    Empty,
    Json(Box<RawValue>),
    Text(String),
    Binary(Bytes),
}

/// Returns the form of a body. `edit` gets the name of a member, and its text.
pub(super) fn form(content_type: &str, body: &Bytes, edit: &mut dyn FnMut(&str, &str) -> String) -> Form {
    let Ok(text) = std::str::from_utf8(body) else { return Form::Binary(body.clone()) };
    if text.is_empty() {
        return Form::Empty;
    }
    let kind = content_type.to_ascii_lowercase();
    if (kind.is_empty() || kind.contains("json"))
        && let Some(json) = rewrite(text, Layout::Compact, edit)
    {
        return Form::Json(RawValue::from_string(json).expect("a rewritten JSON text is JSON"));
    }
    if kind.contains("urlencoded") {
        return Form::Text(fields(text, edit));
    }
    match kind.starts_with("text/") || kind.contains("json") {
        true => Form::Text(edit("", text)),
        false => Form::Binary(body.clone()),
    }
}

/// Edits the fields of a form in the format of a query. Without a change, their encoding stays.
fn fields(text: &str, edit: &mut dyn FnMut(&str, &str) -> String) -> String {
    let fields: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    // A text of another format, such as JSON that curl has sent, is a name without a value.
    let mut edit = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| (edit("", name), edit(name, value));
    let edited: Vec<_> = fields.iter().map(&mut edit).collect();
    match fields.iter().zip(&edited).all(|(before, after)| before.0 == after.0 && before.1 == after.1) {
        true => text.to_owned(),
        false => form_urlencoded::Serializer::new(String::new()).extend_pairs(edited).finish(),
    }
}

/// Returns a request as it is stored, without secrets. The names of its files begin with `prefix`.
pub(super) fn request(request: &Request, scrubber: &Scrubber, prefix: &str) -> (StoredRequest, NewFiles) {
    let local = &request.local;
    let mut edit = |name: &str, text: &str| scrubber.member(name, &urls::to_stored(text, local));
    let mut files = NewFiles::new();
    let mut stored = StoredRequest {
        method: request.method.as_str().into(),
        url: edit("", &format!("{local}{}", request.target)),
        json: None,
        parts: None,
        text: None,
        file: None,
    };
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default();
    if let Ok(parts) = multipart::parse(Some(kind), &request.body) {
        let parts = parts.into_iter().map(|part| {
            let is_text = part.filename.is_none() && std::str::from_utf8(&part.body).is_ok();
            let mut stored = StoredPart {
                name: edit("", &part.name),
                filename: part.filename.map(|name| edit("", &name)),
                content_type: part.content_type.map(|kind| edit("", &kind)),
                text: None,
                file: None,
            };
            if is_text {
                stored.text = Some(edit(&stored.name, &String::from_utf8_lossy(&part.body)));
            } else {
                let name = stored.filename.as_deref().unwrap_or(&stored.name);
                stored.file = Some(add_file(&mut files, prefix, name, scrubber.file(part.body)));
            }
            stored
        });
        stored.parts = Some(parts.collect());
        return (stored, files);
    }
    match form(kind, &request.body, &mut edit) {
        Form::Empty => {}
        Form::Json(json) => stored.json = Some(json),
        Form::Text(text) => stored.text = Some(text),
        Form::Binary(bytes) => stored.file = Some(add_file(&mut files, prefix, "body", scrubber.file(bytes))),
    }
    (stored, files)
}

/// Adds a file to store and returns its name in the cassette.
pub(super) fn add_file(files: &mut NewFiles, prefix: &str, name: &str, bytes: Bytes) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' };
    let mut name: String = name.chars().map(safe).collect();
    // The end has the extension.
    name.drain(..name.len().saturating_sub(60));
    let mut path = format!("{FILES}{prefix}{}", name.trim_start_matches('.'));
    if files.iter().any(|(taken, _)| *taken == path) {
        path = format!("{FILES}{prefix}{}-{name}", files.len() + 1);
    }
    files.push((path.clone(), bytes));
    path
}
