//! Uploads streams and readers.

use std::{fmt, sync::Mutex};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::{
    error::{Error, Result},
    platform::{BoxError, BoxFuture, BoxStream, lock},
    value::{ByteSource, File},
};

type Chunks = BoxStream<'static, Result<Bytes, BoxError>>;

/// A stream that is read once.
struct StreamSource {
    length: Option<u64>,
    /// `None` once it is read.
    chunks: Mutex<Option<Chunks>>,
}

impl File {
    /// Builds a file from a stream of chunks, of `length` bytes if that is known.
    ///
    /// The stream is read while it is uploaded, so the file can be sent once: an upload that fails after it has begun is not
    /// retried, and another call with the same file fails.
    ///
    /// ```
    /// use futures_util::stream;
    /// use replicant::File;
    ///
    /// let chunks = stream::iter(["a,b\n", "1,2\n"].map(Ok::<_, std::io::Error>));
    /// let file = File::stream(chunks, Some(8)).filename("table.csv");
    /// ```
    pub fn stream<B: Into<Bytes>, E: Into<BoxError>>(
        chunks: impl Stream<Item = Result<B, E>> + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        let chunks: Chunks = Box::pin(chunks.map(|chunk| chunk.map(Into::into).map_err(Into::into)));
        Self::source(std::sync::Arc::new(StreamSource { length, chunks: Mutex::new(Some(chunks)) }))
    }

    /// Builds a file from a reader, such as a socket or the output of a program. It can be sent once; see [`File::stream`].
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::stream(ReaderStream::new(reader), None)
    }
}

fn was_read() -> BoxError {
    Error::invalid("the stream of this file was sent before; build a new `File` for each call").into()
}

impl ByteSource for StreamSource {
    fn len(&self) -> Option<u64> {
        self.length
    }

    fn replayable(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), BoxError> {
        if lock(&self.chunks).is_some() { Ok(()) } else { Err(was_read()) }
    }

    fn open(&self) -> BoxFuture<'_, Result<Chunks, BoxError>> {
        Box::pin(async move { lock(&self.chunks).take().ok_or_else(was_read) })
    }
}

impl fmt::Debug for StreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSource").field("length", &self.length).finish_non_exhaustive()
    }
}
