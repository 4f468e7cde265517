//! Python objects with `read` as sources of uploads.

mod position;

use std::{fmt, path::PathBuf, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use pyo3::{
    exceptions::{PyRuntimeError, PyTypeError},
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyByteArray, PyBytes, PyString},
};
use pyo3_async_runtimes::TaskLocals;
use replicant::{BoxError, BoxFuture, BoxStream, ByteSource, Error, ErrorKind, File, Result};

use self::position::{Extent, Position, Turn, tell};
use crate::{
    awaitable::{PythonFuture, close, is_awaitable, on_loop},
    once::intern,
    runtime::{blocking, gate},
};

const EXHAUSTED: &str = "the file yields nothing: it is empty or was already read, and it cannot be rewound; pass a new one, or its content as bytes";

/// The number of bytes to request from `read` at a time.
const CHUNK: usize = 256 * 1024;

/// An object with `read`, from its position when it was passed.
pub struct Reader(Arc<Shared>);

struct Shared {
    /// Before `file`, so that no other object has its address when this is dropped.
    position: Arc<Position>,
    extent: Extent,
    file: Py<PyAny>,
    /// The event loop that awaits an async `read`.
    locals: Option<TaskLocals>,
}

impl Reader {
    /// Returns the file that reads from `object`.
    pub fn file(object: &Bound<'_, PyAny>) -> PyResult<File> {
        let py = object.py();
        let position = Position::of(object);
        let extent = position.extent(object)?;
        // Text or a path.
        let name = object.getattr(intern!(py, "name")).ok().and_then(|name| name.extract::<PathBuf>().ok());
        // Fails without a running event loop.
        let locals = TaskLocals::with_running_loop(py).and_then(|locals| locals.copy_context(py)).ok();
        let shared = Shared { position, extent, file: object.clone().unbind(), locals };
        let file = File::source(Arc::new(Reader(Arc::new(shared))));
        Ok(
            match name
                .as_ref()
                .and_then(|name| name.to_str())
                .and_then(|name| name.rsplit(['/', '\\']).next())
                .filter(|name| !name.is_empty())
            {
                Some(name) => file.filename(name),
                None => file,
            },
        )
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<reader of {:?} bytes>", self.0.extent.len)
    }
}

impl Shared {
    /// Reads the piece at `offset`.
    async fn piece(self: &Arc<Self>, turn: Turn, offset: u64) -> Result<(Turn, Bytes), BoxError> {
        let this = self.clone();
        // With the turn, because the thread goes on if the upload is dropped.
        let read = blocking(move |py| this.seek_and_read(py, offset).map(|piece| (turn, piece)));
        let (turn, piece) = read.await?;
        let piece = match piece {
            Piece::Ready(bytes) => bytes,
            Piece::Awaited(piece) => {
                let piece = piece.await.map_err(ReadFailure::new)?;
                gate::attach(|py| checked(piece.bind(py))).unwrap_or_else(|| Ok(Bytes::new()))?
            }
        };
        Ok((turn, piece))
    }

    /// Returns `true` if the file has yielded nothing although it may have content.
    fn is_exhausted(&self, offset: u64, piece: &Bytes) -> bool {
        offset == 0 && piece.is_empty() && self.extent.start.is_none() && self.extent.len != Some(0)
    }

    /// Rewinds a file with an async `seek`, whose position is not known before. Returns `false` if it cannot be rewound, or must
    /// not, because another upload reads it.
    async fn rewind(self: &Arc<Self>) -> bool {
        let this = self.clone();
        let seek = move |py: Python<'_>| {
            let sought = this.file.bind(py).call_method1(intern!(py, "seek"), (0,))?;
            match &this.locals {
                Some(locals) if is_awaitable(&sought) => on_loop(locals, sought).map(Some),
                _ if close(&sought) => Err(PyRuntimeError::new_err("no event loop")),
                _ => Ok(None),
            }
        };
        if Arc::strong_count(&self.position) > 1 {
            return false;
        }
        match blocking(move |py| Ok::<_, Error>(seek(py))).await {
            Ok(Ok(Some(sought))) => sought.await.is_ok(),
            Ok(Ok(None)) => true,
            _ => false,
        }
    }

    /// Reads at most `limit` bytes from the start, and seeks back: an upload that begins later begins where the file is.
    fn sample(&self, py: Python<'_>, limit: usize) -> Result<Bytes, BoxError> {
        let file = self.file.bind(py);
        let mut sample = BytesMut::new();
        let mut read = || -> PyResult<Result<()>> {
            file.call_method1(intern!(py, "seek"), (self.extent.start,))?;
            while sample.len() < limit {
                let wanted = limit - sample.len();
                let piece = file.call_method1(intern!(py, "read"), (wanted,))?;
                close(&piece);
                match checked(&piece) {
                    Ok(piece) if piece.is_empty() => break,
                    Ok(piece) => sample.extend_from_slice(&piece[..piece.len().min(wanted)]),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        };
        let at = tell(file).map_err(ReadFailure::new)?;
        let read = read();
        file.call_method1(intern!(py, "seek"), (at,)).map_err(ReadFailure::new)?;
        read.map_err(ReadFailure::new)??;
        Ok(sample.freeze())
    }

    fn seek_and_read(&self, py: Python<'_>, offset: u64) -> Result<Piece, BoxError> {
        let file = self.file.bind(py);
        let read = || -> PyResult<Result<Piece>> {
            if let Some(start) = self.extent.start {
                file.call_method1(intern!(py, "seek"), (start + offset,))?;
            }
            let piece = file.call_method1(intern!(py, "read"), (CHUNK,))?;
            if is_awaitable(&piece) {
                let Some(locals) = &self.locals else {
                    close(&piece);
                    let why = "a file whose `read` is async needs an async call, such as `async_run`";
                    return Ok(Err(Error::new(ErrorKind::InvalidArgument, why)));
                };
                return Ok(Ok(Piece::Awaited(on_loop(locals, piece)?)));
            }
            Ok(checked(&piece).map(Piece::Ready))
        };
        read().map_err(ReadFailure::new)?.map_err(BoxError::from)
    }
}

/// The result of one call of `read`.
enum Piece {
    Ready(Bytes),
    Awaited(PythonFuture),
}

impl ByteSource for Reader {
    fn len(&self) -> Option<u64> {
        self.0.extent.len
    }

    fn replayable(&self) -> bool {
        self.0.extent.start.is_some()
    }

    fn sample(&self, limit: usize) -> BoxFuture<'_, Result<Bytes, BoxError>> {
        let shared = self.0.clone();
        Box::pin(async move {
            let turn = shared.position.turn().await;
            // With the turn, because the thread goes on if the batch is left.
            let sample = move |py: Python<'_>| {
                let _turn = turn;
                shared.sample(py, limit)
            };
            blocking(sample).await
        })
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let shared = self.0.clone();
        let pieces = stream::try_unfold((shared, 0_u64), |(shared, offset)| async move {
            let turn = shared.position.turn().await;
            let (mut turn, mut piece) = shared.piece(turn, offset).await?;
            if shared.is_exhausted(offset, &piece) {
                if !shared.rewind().await {
                    return Err(Error::new(ErrorKind::InvalidArgument, EXHAUSTED).into());
                }
                (turn, piece) = shared.piece(turn, offset).await?;
            }
            let next = offset + piece.len() as u64;
            *turn = shared.extent.start.map(|start| start + next);
            drop(turn);
            Ok((!piece.is_empty()).then_some((piece, (shared, next))))
        });
        Box::pin(async move { Ok(Box::pin(pieces) as BoxStream<'static, _>) })
    }
}

/// Returns the result of `read`, or an item of an iterator, as bytes.
pub fn bytes_of(piece: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Ok(bytes) = piece.cast::<PyBytes>() {
        return Ok(Bytes::from_owner(PyBackedBytes::from(bytes.clone())));
    }
    if let Ok(text) = piece.cast::<PyString>() {
        return Ok(Bytes::from(text.to_cow()?.into_owned()));
    }
    if let Ok(bytes) = piece.cast::<PyByteArray>() {
        return Ok(bytes.to_vec().into());
    }
    if piece.is_none() {
        return Ok(Bytes::new());
    }
    let kind = piece.get_type().name()?;
    Err(PyTypeError::new_err(format!("expected bytes, not {kind}")))
}

/// Returns the result of `read` as bytes.
fn checked(piece: &Bound<'_, PyAny>) -> Result<Bytes> {
    bytes_of(piece).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("`read`: {}", error.value(piece.py())))
    })
}

/// An exception of `read`, which the caller of the API receives as it is.
#[derive(Debug)]
pub struct ReadFailure {
    /// Made while the interpreter runs.
    text: String,
    pub raised: PyErr,
}

impl ReadFailure {
    fn new(raised: PyErr) -> Self {
        let text = gate::attach(|_| raised.to_string()).unwrap_or_default();
        Self { text, raised }
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ReadFailure {}
