//! The output files of predictions.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::support::time::Timestamp;

/// Builds the content of a file.
pub(crate) type Work = Box<dyn Fn() -> Result<Vec<u8>, String> + Send + Sync>;

/// A file that a model wrote.
#[derive(Clone)]
pub(crate) struct OutputFile {
    pub(crate) content_type: Cow<'static, str>,
    pub(super) content: Content,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) expires_at: Timestamp,
}

#[derive(Clone)]
pub(super) enum Content {
    Ready(Bytes),
    /// Is built when the file is first read: the examples of models are rarely read.
    Deferred(Arc<(Work, OnceCell<Bytes>)>),
}

impl OutputFile {
    /// Returns the content.
    pub(crate) async fn bytes(&self) -> Result<Bytes, String> {
        let deferred = match &self.content {
            Content::Ready(bytes) => return Ok(bytes.clone()),
            Content::Deferred(deferred) => deferred,
        };
        let shared = deferred.clone();
        let build = async move || {
            let built = tokio::task::spawn_blocking(move || (shared.0)()).await;
            built.unwrap_or_else(|_| Err("The model crashed".into())).map(Bytes::from)
        };
        deferred.1.get_or_try_init(build).await.cloned()
    }
}
