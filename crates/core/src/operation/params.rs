//! The parameters of operations on a single object.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::value::Value;

/// The parameters of an operation that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Id {
    #[serde(deserialize_with = "id")]
    pub id: String,
}

/// Decodes an id, or an object with an id: a prediction, a training, a file.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let given = Value::deserialize(deserializer)?;
    let id = given.as_str().or_else(|| given["id"].as_str()).map(str::to_owned);
    id.ok_or_else(|| {
        D::Error::custom(format!("must be an id or an object with an `id`, not {}", given.kind()))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slug {
    pub slug: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Cursor {
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileUrl {
    pub url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveFile {
    pub url: String,
    #[serde(deserialize_with = "path")]
    pub path: PathBuf,
}

/// Decodes a path, which Python passes as bytes if it is not text.
fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = match Value::deserialize(deserializer)? {
        #[cfg(unix)]
        Value::Bytes(bytes) => Ok(std::os::unix::ffi::OsStringExt::from_vec(bytes.into())),
        #[cfg(not(unix))]
        Value::Bytes(bytes) => String::from_utf8(bytes.into()).map(Into::into).map_err(|_| "bytes"),
        given => given.as_str().map(Into::into).ok_or(given.kind()),
    };
    let path: std::ffi::OsString =
        path.map_err(|kind| D::Error::custom(format!("must be a path, not {kind}")))?;
    Ok(path.into())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputOf {
    pub output: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    pub url: String,
    /// The first byte to read.
    #[serde(default)]
    pub offset: u64,
}
