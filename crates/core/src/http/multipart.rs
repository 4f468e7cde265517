//! A streamed `multipart/form-data` body with one file in it.

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

/// The most that is handed to the connection at once. What moves in small pieces is seen to move, however slow
/// the connection is; a file in memory would come as one.
const PIECE: usize = 256 * 1024;

/// The form that creates a file: its content, and metadata as JSON.
pub(crate) struct Multipart {
    file: File,
    metadata: Option<Vec<u8>>,
    boundary: String,
    progress: BodyProgress,
    watch: Option<ByteObserver>,
    /// Whether the content is hashed while it is sent.
    hashed: bool,
}

impl Multipart {
    pub fn new(file: File, metadata: Option<Vec<u8>>, watch: Option<ByteObserver>, hashed: bool) -> Self {
        // Long and random enough that no file holds it.
        let boundary = format!("----replicant{:032x}", fastrand::u128(..));
        Self { file, metadata, boundary, progress: BodyProgress::default(), watch, hashed }
    }

    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub fn progress(&self) -> BodyProgress {
        self.progress.clone()
    }

    /// The body from its beginning, for one attempt.
    pub async fn open(&self) -> Result<HttpBody> {
        // Fused: an empty file ends with the look at its first bytes, and is asked for more below.
        let chunks = self.file.source.open().await.map_err(Error::unreadable)?;
        let mut chunks = chunks.map_err(Error::unreadable).fuse();
        // The type may have to be read off the first bytes.
        let first = chunks.next().await.transpose()?.unwrap_or_default();
        let size = self.file.source.len();
        let head = Bytes::from(self.head(&self.file.mime(&first)));
        let tail = Bytes::from(format!("\r\n--{}--\r\n", self.boundary));
        let length = size.map(|size| head.len() as u64 + size + tail.len() as u64);

        let content = stream::once(async move { Ok(first) }).chain(chunks).flat_map(pieces);
        let content = Content {
            name: self.file.name().to_owned(),
            chunks: Box::pin(content),
            size,
            loaded: 0,
            digest: self.hashed.then(Digest::default),
            progress: self.progress.clone(),
            watch: self.watch.clone(),
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

/// The content while it is sent: counted, checked against the announced size, and hashed if asked for.
struct Content {
    name: String,
    chunks: BoxStream<'static, Result<Bytes>>,
    size: Option<u64>,
    loaded: u64,
    /// Each attempt has one of its own: one that was given up may be read on for a while.
    digest: Option<Digest>,
    progress: BodyProgress,
    watch: Option<ByteObserver>,
}

impl Content {
    fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        Box::pin(stream::try_unfold(self, |mut content| async {
            match content.next().await {
                Ok(chunk) => Ok(chunk.map(|chunk| (chunk, content))),
                Err(error) => {
                    let shown = Error::invalid(error.message().to_owned());
                    *lock(&content.progress.error) = Some(error);
                    Err(shown)
                }
            }
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(chunk) = self.chunks.next().await.transpose()? else {
            return self.end().await.map(|()| None);
        };
        self.loaded += chunk.len() as u64;
        if self.size.is_some_and(|size| self.loaded > size) {
            return Err(self.changed());
        }
        if let Some(digest) = &mut self.digest {
            digest.update(chunk.clone()).await?;
        }
        self.progress.add(chunk.len());
        if let Some(watch) = &self.watch {
            watch((self.loaded, self.size));
        }
        Ok(Some(chunk))
    }

    async fn end(&mut self) -> Result<()> {
        if self.size.is_some_and(|size| self.loaded < size) {
            return Err(self.changed());
        }
        if let Some(mut digest) = self.digest.take() {
            digest.hash().await?;
            *lock(&self.progress.digest) = Some(digest);
        }
        Ok(())
    }

    fn changed(&self) -> Error {
        let (name, loaded, size) = (&self.name, self.loaded, self.size.unwrap_or(0));
        Error::invalid(format!(
            "the file {name:?} changed during the upload: read {loaded} bytes instead of {size}"
        ))
    }
}

/// The same bytes in pieces of which none is too large.
fn pieces(chunk: Result<Bytes>) -> impl Stream<Item = Result<Bytes>> {
    let mut rest = Some(chunk);
    stream::iter(std::iter::from_fn(move || match rest.take()? {
        Ok(mut chunk) if chunk.len() > PIECE => {
            let piece = chunk.split_to(PIECE);
            rest = Some(Ok(chunk));
            Some(Ok(piece))
        }
        last => Some(last),
    }))
}

/// A file name as a form's header takes it (WHATWG: quotes and line ends percent-encoded).
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

impl std::fmt::Debug for Multipart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "form with {:?}", self.file)
    }
}
