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
    #[serde(default)]
    pub path: Option<PathBuf>,
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
