//! Uploads.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::app::lock;
use crate::call::{Call, Reply, empty, json, ok};
use crate::files::{LARGEST, StoredFile};
use crate::json::{Object, Raw, raw};
use crate::multipart::{self, Part};
use crate::page::{Item, Order, page};
use crate::problem::{InvalidField, Problem};

const PAGE: usize = 100;
const LONGEST_NAME: usize = 255;

pub(super) async fn create(call: Call) -> Reply {
    let parts = multipart::parse(call.header("content-type"), &call.body).map_err(Problem::bad_request)?;
    let find = |name: &str| parts.iter().find(|part| part.name == name);
    let invalid =
        |kind, field: &str, text: &str| Problem::invalid_input(vec![InvalidField::new(kind, field, text)]);
    let content = find("content").ok_or_else(|| invalid("required", "", "content is required"))?;
    if content.body.len() > LARGEST {
        let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Files must be less than 100MB in size");
        return Err(problem.bare());
    }
    let text = |part: &Part| String::from_utf8_lossy(&part.body).into_owned();
    let name = find("filename").map(text).or_else(|| content.filename.clone()).unwrap_or_default();
    if name.len() > LONGEST_NAME {
        return Err(invalid("string_lte", "filename", "The file name is longer than 255 bytes"));
    }
    let content_type = find("type").map(text).or_else(|| content.content_type.clone());
    let metadata: Raw = match find("metadata") {
        None => raw(&Object::new()),
        Some(part) => {
            let object = serde_json::from_slice::<Object>(&part.body);
            let object = object.map_err(|_| invalid("invalid_type", "metadata", "Must be a JSON object"))?;
            raw(&object)
        }
    };
    let content_type = content_type.unwrap_or_else(|| "application/octet-stream".into());
    let file = StoredFile::new(&call.app, name, content_type, metadata, content.body.clone());
    let body = file.view(&call.origin);
    lock(&call.app.files).insert(file.id.clone(), file);
    Ok(json(StatusCode::CREATED, body))
}

pub(super) async fn list(call: Call) -> Reply {
    let now = call.app.now();
    let items = lock(&call.app.files)
        .values()
        .filter(|file| now < file.expires_at)
        .map(|file| Item { at: file.created_at, body: file.view(&call.origin) })
        .collect();
    page(&call, items, Order::NewestFirst, PAGE)
}

pub(super) async fn read(call: Call) -> Reply {
    Ok(ok(find(&call)?.view(&call.origin)))
}

pub(super) async fn delete(call: Call) -> Reply {
    let file = find(&call)?;
    lock(&call.app.files).shift_remove(&file.id);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Hands out the bytes to whoever has a query signed with the files secret.
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

fn find(call: &Call) -> Result<StoredFile, Problem> {
    let file = lock(&call.app.files).get(call.parameter(0)).cloned();
    let now = call.app.now();
    file.filter(|file| now < file.expires_at).ok_or_else(Problem::file_not_found)
}
