//! A streamed `multipart/form-data` body with one file.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::{
    body_progress::{BodyProgress, ByteObserver},
    digest::Digest,
    transport::HttpBody,
};
use crate::{
    error::{Error, Result},
    platform::{BoxStream, lock},
    value::File,
};

/// Bytes in the largest chunk passed to the transport. A file in memory is split, so that progress is visible
/// on slow connections.
const MAX_CHUNK: usize = 256 * 1024;

/// The form that uploads a file: its content, and metadata as JSON.
pub(crate) struct Multipart {
    file: File,
    metadata: Option<Vec<u8>>,
    boundary: String,
    progress: BodyProgress,
    observer: Option<ByteObserver>,
    /// Whether to hash the content while it is sent.
    hash_content: bool,
}

impl Multipart {
    pub fn new(
        file: File,
        metadata: Option<Vec<u8>>,
        observer: Option<ByteObserver>,
        hash_content: bool,
    ) -> Self {
        // Long and random enough to occur in no file.
        let boundary = format!("----replicant{:032x}", fastrand::u128(..));
        Self { file, metadata, boundary, progress: BodyProgress::default(), observer, hash_content }
    }

    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub fn progress(&self) -> BodyProgress {
        self.progress.clone()
    }

    /// Opens the body for one attempt.
    pub async fn open(&self) -> Result<HttpBody> {
        // Fused: peeking at the first chunk exhausts an empty file, and it is polled again below.
        let chunks = self.file.source.open().await.map_err(Error::unreadable)?;
        let mut chunks = chunks.map_err(Error::unreadable).fuse();
        // The MIME type may depend on the first bytes.
        let first = chunks.next().await.transpose()?.unwrap_or_default();
        let size = self.file.source.len();
        let head = Bytes::from(self.head(&self.file.mime(&first)));
        let tail = Bytes::from(format!("\r\n--{}--\r\n", self.boundary));
        let length = size.map(|size| head.len() as u64 + size + tail.len() as u64);

        let content = stream::once(async move { Ok(first) }).chain(chunks).flat_map(split_chunk);
        let content = Content {
            name: self.file.name().to_owned(),
            chunks: Box::pin(content),
            size,
            loaded: 0,
            digest: self.hash_content.then(Digest::default),
            progress: self.progress.clone(),
            observer: self.observer.clone(),
        };
        let whole = stream::once(async move { Ok(head) })
            .chain(content.stream())
            .chain(stream::once(async move { Ok(tail) }));
        Ok(HttpBody::Stream { length, chunks: Box::pin(whole) })
    }

    fn head(&self, mime: &str) -> String {
        let boundary = &self.boundary;
        let mut head = String::new();
        if let Some(metadata) = &self.metadata {
            head.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n{}\r\n",
                String::from_utf8_lossy(metadata)
            ));
        }
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            quoted(self.file.name()),
            mime.replace(|c: char| c.is_control(), "")
        ));
        head
    }
}

/// The content while it is sent. Its bytes are counted, checked against the declared size, and optionally
/// hashed.
struct Content {
    name: String,
    chunks: BoxStream<'static, Result<Bytes>>,
    size: Option<u64>,
    loaded: u64,
    /// Not shared between attempts: the transport may still read the body of an abandoned attempt.
    digest: Option<Digest>,
    progress: BodyProgress,
    observer: Option<ByteObserver>,
}

impl Content {
    fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        Box::pin(stream::try_unfold(self, |mut content| async {
            match content.next().await {
                Ok(chunk) => Ok(chunk.map(|chunk| (chunk, content))),
                Err(error) => {
                    let copy = Error::invalid(error.message().to_owned());
                    *lock(&content.progress.error) = Some(error);
                    Err(copy)
                }
            }
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(chunk) = self.chunks.next().await.transpose()? else {
            return self.finish().await.map(|()| None);
        };
        self.loaded += chunk.len() as u64;
        if self.size.is_some_and(|size| self.loaded > size) {
            return Err(self.size_mismatch());
        }
        if let Some(digest) = &mut self.digest {
            digest.update(chunk.clone()).await?;
        }
        self.progress.add(chunk.len());
        if let Some(observer) = &self.observer {
            observer((self.loaded, self.size));
        }
        Ok(Some(chunk))
    }

    async fn finish(&mut self) -> Result<()> {
        if self.size.is_some_and(|size| self.loaded < size) {
            return Err(self.size_mismatch());
        }
        if let Some(mut digest) = self.digest.take() {
            digest.flush().await?;
            *lock(&self.progress.digest) = Some(digest);
        }
        Ok(())
    }

    fn size_mismatch(&self) -> Error {
        let (name, loaded, size) = (&self.name, self.loaded, self.size.unwrap_or(0));
        Error::invalid(format!(
            "the file {name:?} changed during the upload: read {loaded} bytes instead of {size}"
        ))
    }
}

/// Splits a chunk into chunks of at most [`MAX_CHUNK`] bytes.
fn split_chunk(chunk: Result<Bytes>) -> impl Stream<Item = Result<Bytes>> {
    let mut rest = Some(chunk);
    stream::iter(std::iter::from_fn(move || match rest.take()? {
        Ok(mut chunk) if chunk.len() > MAX_CHUNK => {
            let first = chunk.split_to(MAX_CHUNK);
            rest = Some(Ok(chunk));
            Some(Ok(first))
        }
        last => Some(last),
    }))
}

/// Escapes a file name for a form header: WHATWG percent-encodes quotes and line breaks.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

impl std::fmt::Debug for Multipart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "form with {:?}", self.file)
    }
}
