//! Implements tokio's `AsyncRead` for a stream of chunks.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    error::Result,
    platform::{BoxStream, Exclusive},
};

/// An `AsyncRead` over a file output; see [`FileOutput::reader`](crate::FileOutput::reader).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use tokio::io::AsyncReadExt;
///
/// let output = client.run("acme/painter", replicant::json!({"prompt": "a heron"})).await?;
/// let mut head = [0; 8];
/// output.files()[0].reader().read_exact(&mut head).await.expect("eight bytes");
/// # Ok(()) }
/// ```
pub struct Reader {
    chunks: Exclusive<BoxStream<'static, Result<Bytes>>>,
    current: Bytes,
}

impl Reader {
    pub(crate) fn new(chunks: BoxStream<'static, Result<Bytes>>) -> Self {
        Self { chunks: Exclusive::new(chunks), current: Bytes::new() }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.current.is_empty() {
            match ready!(self.chunks.get_mut().as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.current.len().min(buf.remaining());
        buf.put_slice(&self.current[..length]);
        self.current.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}
