//! Uploads.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use indexmap::IndexMap;
use sha2::Sha256;

use crate::files::{LARGEST, Upload};
use crate::http::problem::{InvalidField, Problem};
use crate::request::{Call, Order, Reply, empty, json, ok, page};
use crate::support::json::{Object, Raw, raw};
use crate::support::multipart::{self, Part};

const PAGE: usize = 100;
const LONGEST_NAME: usize = 255;

pub(super) async fn create(call: Call) -> Reply {
    let parts = multipart::parse(call.header("content-type"), &call.body).map_err(Problem::bad_request)?;
    let find = |name: &str| parts.iter().find(|part| part.name == name);
    let invalid =
        |kind, field: &str, text: &str| Problem::invalid_input(vec![InvalidField::new(kind, field, text)]);
    let content = find("content").ok_or_else(|| invalid("required", "", "content is required"))?;
    if content.body.len() > LARGEST {
        return Err(Problem::file_too_large());
    }
    let text = |part: &Part| String::from_utf8_lossy(&part.body).into_owned();
    // An empty field, as `curl -F type=` sends it, counts as missing.
    let given = |name: &str| find(name).map(text).filter(|text| !text.is_empty());
    let name = given("filename").or_else(|| content.filename.clone()).unwrap_or_default();
    if name.len() > LONGEST_NAME {
        return Err(invalid("string_lte", "filename", "The file name is longer than 255 bytes"));
    }
    let content_type = given("type").or_else(|| content.content_type.clone());
    let metadata: Raw = match find("metadata") {
        None => raw(&nested_metadata(&parts)),
        Some(part) => {
            let object = serde_json::from_slice::<Object>(&part.body);
            let object = object.map_err(|_| invalid("invalid_type", "metadata", "Must be a JSON object"))?;
            raw(&object)
        }
    };
    let content_type = content_type.unwrap_or_else(|| "application/octet-stream".into());
    let file = call.app.files.add(name, content_type, metadata, content.body.clone());
    Ok(json(StatusCode::CREATED, file.view(&call.origin)))
}

/// Returns the metadata in fields such as `metadata[name]`.
fn nested_metadata(parts: &[Part]) -> IndexMap<String, String> {
    let nested = parts.iter().filter_map(|part| {
        let name = part.name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), String::from_utf8_lossy(&part.body).into_owned()))
    });
    nested.collect()
}

pub(super) async fn list(call: Call) -> Reply {
    let files = call.app.files.all();
    page(&call, files, |file| file.created_at, |file| file.view(&call.origin), Order::NewestFirst, PAGE)
}

/// Returns an upload, or the stream of a prediction whose output is files.
pub(super) async fn read(call: Call) -> Reply {
    if call.app.jobs.with_stream(call.parameter(0)).is_some() {
        return super::streams::open(call).await;
    }
    Ok(ok(find(&call)?.view(&call.origin)))
}

pub(super) async fn delete(call: Call) -> Reply {
    call.app.files.remove(&find(&call)?.id);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Returns the content for a query signed with the files secret.
pub(super) async fn download(call: Call) -> Reply {
    let file = find(&call)?;
    let query = |name| call.query(name).ok_or_else(Problem::file_not_found);
    let (owner, expiry, signature) = (query("owner")?, query("expiry")?, query("signature")?);
    let until: u64 = expiry.parse().map_err(|_| Problem::file_not_found())?;
    let key = call.app.files_secret.as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{owner} {} {expiry}", file.id).as_bytes());
    let signed = STANDARD.decode(signature).is_ok_and(|bytes| mac.verify_slice(&bytes).is_ok());
    if !signed || until < call.app.now().seconds() || owner != call.app.config.account {
        return Err(Problem::file_not_found());
    }
    let headers = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((headers, file.bytes).into_response())
}

fn find(call: &Call) -> Result<Upload, Problem> {
    call.app.files.get(call.parameter(0)).ok_or_else(Problem::file_not_found)
}
