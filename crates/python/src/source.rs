//! Python objects with `read` as sources of uploads.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    pybacked::PyBackedBytes,
    types::{PyByteArray, PyBytes, PyString},
};
use pyo3_async_runtimes::{TaskLocals, into_future_with_locals};
use replicant::{BoxError, BoxFuture, BoxStream, ByteSource, Error, ErrorKind, File, Result};

use crate::{
    lock::lock,
    once::intern,
    runtime::{gate, unblocked},
};

/// The number of bytes to request from `read` at a time.
const CHUNK: usize = 256 * 1024;

/// An object with `read`, from its position when it was passed.
pub struct Reader(Arc<Shared>);

struct Shared {
    file: Py<PyAny>,
    /// The position to begin at; `None` if the file cannot be rewound.
    start: Option<u64>,
    len: Option<u64>,
    /// The event loop that awaits an async `read`.
    locals: Option<TaskLocals>,
    /// Held while seeking and reading, as two uploads may read the same file.
    turn: Mutex<()>,
}

impl Reader {
    /// Returns the file that reads from `object`.
    pub fn file(object: &Bound<'_, PyAny>) -> PyResult<File> {
        let py = object.py();
        let (start, len) = extent(object);
        let name = object.getattr(intern!(py, "name")).ok().and_then(|name| name.extract::<String>().ok());
        // Fails without a running event loop.
        let locals = TaskLocals::with_running_loop(py).and_then(|locals| locals.copy_context(py)).ok();
        let shared = Shared { file: object.clone().unbind(), start, len, locals, turn: Mutex::new(()) };
        let file = File::source(Arc::new(Reader(Arc::new(shared))));
        Ok(
            match name
                .as_deref()
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
        write!(f, "<reader of {:?} bytes>", self.0.len)
    }
}

impl Shared {
    fn seek_and_read(&self, offset: u64) -> Result<Piece> {
        let _turn = lock(&self.turn);
        gate::attach(|py| {
            let file = self.file.bind(py);
            let read = || -> PyResult<Piece> {
                if let Some(start) = self.start {
                    file.call_method1(intern!(py, "seek"), (start + offset,))?;
                }
                let piece = file.call_method1(intern!(py, "read"), (CHUNK,))?;
                if piece.hasattr(intern!(py, "__await__"))? {
                    let Some(locals) = &self.locals else {
                        // Closed, so that Python does not warn about a coroutine that was never awaited.
                        piece.call_method0(intern!(py, "close"))?;
                        let why = "a file whose `read` is async needs an async call, such as `async_run`";
                        return Err(PyTypeError::new_err(why));
                    };
                    return Ok(Piece::Awaited(Box::pin(into_future_with_locals(locals, piece)?)));
                }
                bytes_of(&piece).map(Piece::Ready)
            };
            read().map_err(|error| unreadable(&error))
        })
        .unwrap_or_else(|| Err(Error::new(ErrorKind::Internal, "the interpreter is ending")))
    }
}

/// The result of one call of `read`.
enum Piece {
    Ready(Bytes),
    Awaited(BoxFuture<'static, PyResult<Py<PyAny>>>),
}

impl ByteSource for Reader {
    fn len(&self) -> Option<u64> {
        self.0.len
    }

    fn replayable(&self) -> bool {
        self.0.start.is_some()
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let shared = self.0.clone();
        let pieces = stream::try_unfold((shared, 0_u64), |(shared, offset)| async move {
            let this = shared.clone();
            // On a separate thread, because `read` and attaching to the interpreter may block.
            let piece = tokio::task::spawn_blocking(move || unblocked(|| this.seek_and_read(offset))).await;
            let piece = match piece.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?? {
                Piece::Ready(bytes) => bytes,
                Piece::Awaited(piece) => {
                    let piece = piece.await;
                    gate::attach(|py| piece.and_then(|piece| bytes_of(piece.bind(py))))
                        .unwrap_or_else(|| Ok(Bytes::new()))
                        .map_err(|error| unreadable(&error))?
                }
            };
            let next = offset + piece.len() as u64;
            Ok((!piece.is_empty()).then_some((piece, (shared, next))))
        });
        Box::pin(
            async move { Ok(Box::pin(pieces.map_err(|error: Error| error.into())) as BoxStream<'static, _>) },
        )
    }
}

/// Returns the position of a file and the bytes left, if known. The position does not change.
fn extent(file: &Bound<'_, PyAny>) -> (Option<u64>, Option<u64>) {
    let measure = || -> PyResult<(u64, u64)> {
        let py = file.py();
        // Files without `seekable` that cannot `seek` fail below.
        if let Ok(seekable) = file.call_method0(intern!(py, "seekable"))
            && !seekable.is_truthy()?
        {
            return Err(PyValueError::new_err("not seekable"));
        }
        let start = file.call_method0(intern!(py, "tell"))?.extract()?;
        file.call_method1(intern!(py, "seek"), (0, 2))?;
        let end = file.call_method0(intern!(py, "tell"))?.extract()?;
        file.call_method1(intern!(py, "seek"), (start,))?;
        Ok((start, end))
    };
    match measure() {
        // Positions in text are not byte offsets.
        Ok((start, end)) if is_text(file) => {
            if start >= end {
                let _ = file.call_method1(intern!(file.py(), "seek"), (0,));
            }
            (None, None)
        }
        // A file at its end was just written: upload all of it.
        Ok((start, end)) if start >= end => (Some(0), Some(end)),
        Ok((start, end)) => (Some(start), Some(end - start)),
        Err(_) => (None, None),
    }
}

fn is_text(file: &Bound<'_, PyAny>) -> bool {
    file.call_method1(intern!(file.py(), "read"), (0,))
        .is_ok_and(|nothing| nothing.is_instance_of::<PyString>())
}

/// Returns the result of `read` or an iterator as bytes.
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
    Err(PyTypeError::new_err(format!("`read` must return bytes, not {kind}")))
}

fn unreadable(error: &PyErr) -> Error {
    Error::new(ErrorKind::FileNotFound, format!("cannot read the file: {error}"))
}
