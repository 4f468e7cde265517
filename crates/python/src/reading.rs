//! Iteration over a stream, blocking and awaited.

use std::{future::Future, sync::Arc};

use pyo3::{exceptions::PyStopAsyncIteration, prelude::*};
use replicant::Result;

use crate::{
    asyncio::{Awaited, CompletionChannel},
    error,
    raised::misplaced,
    read_ahead::ReadAhead,
    runtime,
    telemetry::{Notice, Relay},
};

/// Blocks until an item is ready, or was taken by another thread. Returns false at the end of the stream.
pub fn wait_for_item(py: Python<'_>, stream: &Arc<ReadAhead>, relay: Option<&Relay>) -> PyResult<bool> {
    let stream = stream.clone();
    let read = async move {
        stream.read().await;
        // Another thread may have taken the item, which is not the end.
        !stream.ready().is_empty() || !stream.has_ended()
    };
    wait(py, read, relay)?.map_err(|error| error::to_python(py, &error))
}

/// Waits for `future`, which a stream needs.
pub fn wait<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send,
    relay: Option<&Relay>,
) -> PyResult<Result<T>> {
    let Some(relay) = relay else {
        return runtime::wait(py, future, None, &|_: Notice| Ok(()));
    };
    relay.receiving(py, |notices| {
        runtime::wait(py, future, Some(notices), &|notice| {
            relay.receive(py, notice);
            Ok(())
        })
    })
}

/// Returns an awaitable for the next item. `take` takes it once it was read, and the event loop has turned.
pub fn await_item(
    py: Python<'_>,
    stream: &Arc<ReadAhead>,
    relay: Option<&Relay>,
    take: impl FnOnce(Python<'_>) -> PyResult<Option<Py<PyAny>>> + Send + 'static,
) -> PyResult<Awaited> {
    let (reader, stream) = (stream.clone(), stream.clone());
    let is_ready = !stream.ready().is_empty();
    let item = move |py: Python<'_>| match take(py)? {
        Some(item) => Ok(item),
        None if stream.has_ended() => Err(PyStopAsyncIteration::new_err(())),
        None => Err(misplaced(py, "a stream cannot be read by several tasks at once")),
    };
    let channel = CompletionChannel::current(py)?;
    if let Some(relay) = relay {
        relay.await_on(py, &channel)?;
    }
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
