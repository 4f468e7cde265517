//! Uploaded files and the output files of predictions, both in memory.

mod fetch;
mod naming;
mod output;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

pub(crate) use fetch::data_uri;
pub(crate) use naming::complete;
use output::Content;
pub(crate) use output::{OutputFile, Work};

use crate::config::Config;
use crate::http::client::HttpClient;
use crate::support::json::{Fields, Raw};
use crate::support::time::{Time, Timestamp};
use crate::support::{ids, lock};

/// The largest upload: the 100 MB of the API's error message.
pub(crate) const LARGEST: usize = 100_000_000;

/// All files of the server.
pub(crate) struct Files {
    uploads: Mutex<IndexMap<String, Upload>>,
    outputs: Mutex<HashMap<String, OutputFile>>,
    /// The ports of the API, which the URLs of its files have.
    ports: Vec<u16>,
    upload_lifetime: Duration,
    time: Time,
    client: Arc<HttpClient>,
}

/// An uploaded file.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) metadata: Raw,
    pub(crate) bytes: Bytes,
    pub(crate) sha256: String,
    pub(crate) md5: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Files {
    pub(crate) fn new(config: &Config, ports: Vec<u16>, time: Time, client: Arc<HttpClient>) -> Self {
        Self {
            uploads: Mutex::default(),
            outputs: Mutex::default(),
            ports,
            upload_lifetime: time.scaled(config.file_lifetime),
            time,
            client,
        }
    }

    /// Stores an upload.
    pub(crate) fn add(&self, name: String, content_type: String, metadata: Raw, bytes: Bytes) -> Upload {
        let created_at = self.time.now();
        let upload = Upload {
            id: ids::file(),
            name,
            content_type,
            metadata,
            sha256: ids::hex(&Sha256::digest(&bytes)),
            md5: ids::hex(&md5::Md5::digest(&bytes)),
            bytes,
            created_at,
            expires_at: created_at.plus(self.upload_lifetime),
        };
        lock(&self.uploads).insert(upload.id.clone(), upload.clone());
        upload
    }

    /// Returns an upload, unless it has expired.
    pub(crate) fn get(&self, id: &str) -> Option<Upload> {
        let now = self.time.now();
        lock(&self.uploads).get(id).filter(|upload| now < upload.expires_at).cloned()
    }

    /// Returns all uploads that have not expired.
    pub(crate) fn all(&self) -> Vec<Upload> {
        let now = self.time.now();
        lock(&self.uploads).values().filter(|upload| now < upload.expires_at).cloned().collect()
    }

    pub(crate) fn remove(&self, id: &str) {
        lock(&self.uploads).shift_remove(id);
    }

    /// Stores an output file for as long as its prediction's data. Returns its path below `/files/`.
    pub(crate) fn save_output(
        &self,
        retention: Duration,
        name: &str,
        content_type: impl Into<Cow<'static, str>>,
        bytes: Vec<u8>,
    ) -> String {
        let etag = ids::hex(&Sha256::digest(&bytes));
        self.add_output(retention, name, content_type.into(), etag, Content::Ready(bytes.into()))
    }

    /// Like [`Self::save_output`], but calls `work` for the content when the file is first read.
    pub(crate) fn defer_output(
        &self,
        retention: Duration,
        name: &str,
        content_type: &'static str,
        work: Work,
    ) -> String {
        let content = Content::Deferred(Arc::new((work, OnceCell::new())));
        self.add_output(retention, name, content_type.into(), ids::url_key(), content)
    }

    fn add_output(
        &self,
        retention: Duration,
        name: &str,
        content_type: Cow<'static, str>,
        etag: String,
        content: Content,
    ) -> String {
        let path = format!("{}/{name}", ids::url_key());
        let modified = self.time.now();
        let etag = format!("\"{}\"", &etag[..32]);
        let file = OutputFile { content_type, content, etag, modified, expires_at: modified.plus(retention) };
        lock(&self.outputs).insert(path.clone(), file);
        path
    }

    /// Returns the output file with this path below `/files/`, unless it has expired.
    pub(crate) fn output(&self, path: &str) -> Option<OutputFile> {
        let now = self.time.now();
        lock(&self.outputs).get(path).filter(|file| now < file.expires_at).cloned()
    }

    /// Deletes the output files that expire by `latest`.
    pub(crate) fn expire_outputs(&self, latest: Timestamp) {
        lock(&self.outputs).retain(|_, file| file.expires_at > latest);
    }

    /// Deletes output files.
    pub(crate) fn remove_outputs(&self, paths: &[String]) {
        let mut outputs = lock(&self.outputs);
        for path in paths {
            outputs.remove(path);
        }
    }

    pub(crate) fn clear(&self) {
        lock(&self.uploads).clear();
        lock(&self.outputs).clear();
    }

    /// Deletes the files that have expired.
    pub(crate) fn sweep(&self, now: Timestamp) {
        lock(&self.uploads).retain(|_, upload| now < upload.expires_at);
        self.expire_outputs(now);
    }

    /// Returns the numbers of uploads and of output files.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (lock(&self.uploads).len(), lock(&self.outputs).len())
    }
}

impl Upload {
    /// Returns the file object of the API. `origin` is the origin that the client uses.
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
