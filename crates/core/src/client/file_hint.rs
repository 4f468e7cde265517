//! Advice for a path that was passed as text instead of a file.

use crate::{
    error::ErrorResponse,
    http::request::{Body, Request},
    native::is_file,
    value::{PathSegment, format_path},
};

/// Returns a hint if the API rejected a string in the input as a URI, and the string is the path of a
/// local file.
pub(super) fn local_file_hint(request: &Request, response: &ErrorResponse) -> Option<String> {
    let Body::Json(body) = &request.body else { return None };
    let rejected = rejected_uris(response);
    let mut found = None;
    body["input"].walk(&mut Vec::<PathSegment>::new(), &mut |leaf, path| {
        let place = format_path("input", path);
        let is_rejected = found.is_none() && rejected.contains(&place.replace('[', ".").replace(']', ""));
        if let Some(name) = leaf.as_str().filter(|name| is_rejected && is_file(name)) {
            found = Some(format!(
                "A string is sent as text: to upload the file {name:?} as `{place}`, pass `Path({name:?})` in Python, \
                 `await openAsBlob({name:?})` (node:fs) in Node or `File::path({name:?})` in Rust."
            ));
        }
    });
    found
}

/// Returns the fields that a response rejects as URIs, such as `input.image`.
fn rejected_uris(response: &ErrorResponse) -> Vec<String> {
    let mentions_uri =
        |text: &str| ["uri", "url"].iter().any(|word| text.to_ascii_lowercase().contains(word));
    let listed = response.invalid_fields.iter().flat_map(|fields| fields.as_array().unwrap_or_default());
    let listed = listed
        .filter(|field| mentions_uri(field["description"].as_str().unwrap_or_default()))
        .filter_map(|field| field["field"].as_str());
    // Each line of `detail` is `- input.image: Does not match format 'uri'`.
    let lines = response.detail.iter().flat_map(|detail| detail.lines()).filter_map(|line| {
        let (field, why) = line.trim_start_matches(['-', ' ']).split_once(": ")?;
        mentions_uri(why).then_some(field)
    });
    listed
        .chain(lines)
        .map(|field| match field.strip_prefix("input") {
            Some(rest) if rest.is_empty() || rest.starts_with(['.', '[']) => field.to_owned(),
            _ => format!("input.{field}"),
        })
        .collect()
}
