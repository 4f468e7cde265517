//! Iteration over a stream, blocking and awaited.

use std::sync::Arc;

use pyo3::{
    exceptions::{PyRuntimeError, PyStopAsyncIteration},
    prelude::*,
};

use crate::{
    asyncio::{Awaited, CompletionChannel},
    error,
    read_ahead::ReadAhead,
    runtime,
    telemetry::{Notice, Notices},
};

/// Blocks until an item is ready, or was taken by another thread. Returns false at the end of the stream. Passes what arrives in `notices` to `receive`.
pub fn wait_for_item(
    py: Python<'_>,
    stream: &Arc<ReadAhead>,
    notices: &mut Option<Notices>,
    receive: impl Fn(Notice),
) -> PyResult<bool> {
    let stream = stream.clone();
    let read = async move {
        stream.read().await;
        // Another thread may have taken the item, which is not the end.
        !stream.ready().is_empty() || !stream.has_ended()
    };
    let receive = |notice| {
        receive(notice);
        Ok(())
    };
    runtime::wait(py, read, notices, receive)?.map_err(|error| error::to_python(py, &error))
}

/// Returns an awaitable for the next item. `take` takes it once it was read, and the event loop has turned.
pub fn await_item(
    py: Python<'_>,
    stream: &Arc<ReadAhead>,
    take: impl FnOnce(Python<'_>) -> PyResult<Option<Py<PyAny>>> + Send + 'static,
) -> PyResult<Awaited> {
    let (reader, stream) = (stream.clone(), stream.clone());
    let is_ready = !stream.ready().is_empty();
    let item = move |py: Python<'_>| match take(py)? {
        Some(item) => Ok(item),
        None if stream.has_ended() => Err(PyStopAsyncIteration::new_err(())),
        None => Err(PyRuntimeError::new_err("a stream cannot be read by several tasks at once")),
    };
    let channel = CompletionChannel::current(py)?;
    let promise = channel.promise(py)?;
    if is_ready {
        return channel.after_turn(promise, item);
    }
    let read = runtime::guarded(Box::pin(async move {
        reader.read().await;
        Ok(())
    }));
    channel.start(promise, read, move |py, read| {
        read.map_err(|error| error::to_python(py, &error))?;
        item(py)
    })
}
