//! The body of a request as an iterator of bytes, for transports in Python.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use pyo3::{prelude::*, types::PyBytes};
use replicant::{BoxStream, Error, operation::Item};

use crate::{
    asyncio::{Awaited, ready},
    error,
    read_ahead::ReadAhead,
    reading::{await_item, wait_for_item},
    runtime::{self, gate},
};

/// A body in chunks, for `for` and `async for`.
#[pyclass(frozen, module = "replicant._native")]
pub struct Body(Arc<ReadAhead>);

impl Body {
    pub fn new(chunks: BoxStream<'static, Result<Bytes, Error>>) -> Self {
        Self(Arc::new(ReadAhead::of(Box::pin(chunks.map_ok(Item::Bytes)))))
    }

    /// Returns the next chunk if it was already read.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.0.ready().pop_front() {
            None => Ok(None),
            Some(Ok(Item::Bytes(bytes))) => Ok(Some(PyBytes::new(py, &bytes).into_any())),
            Some(Ok(_)) => unreachable!("a body consists of bytes"),
            Some(Err(error)) => Err(error::to_python(py, &error)),
        }
    }
}

#[pymethods]
impl Body {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _inside = gate::enter(py);
        loop {
            let chunk = self.take(py)?;
            if chunk.is_some() || !wait_for_item(py, &self.0, None)? {
                return Ok(chunk);
            }
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let _inside = gate::enter(py);
        if let Some(chunk) = slf.get().take(py)? {
            return ready(chunk);
        }
        let body = slf.clone().unbind();
        let next: Awaited =
            await_item(py, &slf.get().0, None, move |py| Ok(body.get().take(py)?.map(Bound::unbind)))?;
        let abandoned = slf.get().0.clone();
        let next = next.on_abandon(move |_| {
            if let Ok(runtime) = runtime::get() {
                let _inside = runtime.enter();
                abandoned.close();
            }
        });
        Ok(Bound::new(py, next)?.into_any())
    }
}
