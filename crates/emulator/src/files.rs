//! Uploaded files and the output files of predictions, both in memory.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::app::{App, lock};
use crate::clock::Stamp;
use crate::ids;
use crate::job::Job;
use crate::json::{Fields, Raw};

/// The largest upload, counted as the API's message says: in MB.
pub(crate) const LARGEST: usize = 100_000_000;

/// An uploaded file.
#[derive(Clone)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) metadata: Raw,
    pub(crate) bytes: Bytes,
    pub(crate) sha256: String,
    pub(crate) md5: String,
    pub(crate) created_at: Stamp,
    pub(crate) expires_at: Stamp,
}

impl StoredFile {
    pub(crate) fn new(app: &App, name: String, content_type: String, metadata: Raw, bytes: Bytes) -> Self {
        let created_at = app.now();
        Self {
            id: ids::file(),
            name,
            content_type,
            metadata,
            sha256: ids::hex(&Sha256::digest(&bytes)),
            md5: ids::hex(&md5::Md5::digest(&bytes)),
            bytes,
            created_at,
            expires_at: created_at.plus(app.scaled(app.config.file_lifetime)),
        }
    }

    pub(crate) fn view(&self, origin: &str) -> Raw {
        let checksums = Fields::new().put("sha256", &self.sha256).put("md5", &self.md5).finish();
        let urls = Fields::new().put("get", &format!("{origin}/v1/files/{}", self.id)).finish();
        Fields::new()
            .put("id", &self.id)
            .put("name", &self.name)
            .put("content_type", &self.content_type)
            .put("size", &self.bytes.len())
            .put("etag", &self.md5)
            .put("checksums", &checksums)
            .put("metadata", &self.metadata)
            .put("created_at", &self.created_at.rfc3339(3))
            .put("expires_at", &self.expires_at.rfc3339(3))
            .put("urls", &urls)
            .finish()
    }
}

/// A file a model made.
#[derive(Clone)]
pub(crate) struct OutputFile {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
    pub(crate) etag: String,
    pub(crate) modified: Stamp,
    pub(crate) expires_at: Stamp,
}

/// Keeps an output file as long as its prediction's data, and gives its URL.
pub(crate) fn save_output(
    app: &App,
    job: &Job,
    name: &str,
    content_type: &'static str,
    bytes: Vec<u8>,
) -> String {
    let path = format!("{}/{name}", ids::capability());
    let modified = app.now();
    let file = OutputFile {
        content_type,
        etag: format!("\"{}\"", &ids::hex(&Sha256::digest(&bytes))[..32]),
        bytes: bytes.into(),
        modified,
        expires_at: modified.plus(job.order.retention),
    };
    let url = format!("{}/files/{path}", job.order.origin);
    lock(&app.outputs).insert(path, file);
    url
}
