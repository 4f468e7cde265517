//! What an operation gives piece by piece: one class with both iterator protocols.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::TryStreamExt;
use pyo3::{
    exceptions::{PyRuntimeError, PyStopAsyncIteration},
    prelude::*,
    sync::{OnceLockExt, PyOnceLock},
    types::{PyBytes, PyDict},
};
use replicant::{
    BoxStream, Error, Value,
    operation::{self, Item},
};

use crate::{
    awaiting::{Awaited, Delivery},
    client::{Client, Link},
    error, json, runtime,
    source::{Head, Source},
    value,
};

/// What an operation gives piece by piece.
#[pyclass(frozen, subclass, generic, module = "replicant._native")]
pub struct Stream {
    client: Option<Py<Client>>,
    /// The operation and its parameters.
    call: (String, Value),
    opened: OnceLock<PyResult<Opened>>,
    event: Option<Py<PyAny>>,
    value: Option<Py<PyAny>>,
    head: bool,
}

/// A stream once the first piece was asked for, from which on it is known whether it is awaited.
struct Opened {
    link: Option<Link>,
    source: Arc<Source>,
}

impl Opened {
    fn error(&self, py: Python<'_>, error: &Error) -> PyErr {
        match &self.link {
            Some(link) => link.error(py, error),
            None => error::to_python(py, error),
        }
    }
}

#[pymethods]
impl Stream {
    #[new]
    #[pyo3(signature = (client, name, params, /, *, event = None, value = None, head = false))]
    fn new(
        client: &Bound<'_, Client>,
        name: String,
        params: &Bound<'_, PyDict>,
        event: Option<Py<PyAny>>,
        value: Option<Py<PyAny>>,
        head: bool,
    ) -> PyResult<Self> {
        let call = (name, value::from_python(params.as_any())?);
        Ok(Self { client: Some(client.clone().unbind()), call, opened: OnceLock::new(), event, value, head })
    }

    #[getter]
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(Ok(opened)) = self.opened.get() else { return Ok(None) };
        let head = match &*opened.source.head() {
            Head::Here(value) => Some(value.clone()),
            Head::NotWanted | Head::Awaited => None,
        };
        head.map(|value| value::to_python(py, value, self.client(py))).transpose()
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let opened = self.opened(py, false)?;
        loop {
            if let Some(item) = self.take(py, opened) {
                return item.map(Some);
            }
            let source = opened.source.clone();
            let read = async move {
                source.read().await;
                source.ready().is_empty()
            };
            // Ctrl-C ends a stream as an exception ends a generator.
            let ended = runtime::wait(py, read, None, |_| Ok(())).inspect_err(|_| drop(self.close(py)))?;
            if ended.map_err(|error| error::to_python(py, &error))? {
                return Ok(None);
            }
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Loop {
        Loop(slf.unbind())
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        match Self::next_now(slf)? {
            Some(item) => ready(item),
            None => Ok(Bound::new(slf.py(), Self::next_later(slf)?)?.into_any()),
        }
    }

    /// Sends what the stream begins with, and raises what refuses it.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let opened = self.opened(py, false)?;
        let source = opened.source.clone();
        let begin = async move { source.start().await };
        let failure = runtime::wait(py, begin, None, |_| Ok(())).inspect_err(|_| drop(self.close(py)))?;
        match failure.map_err(|error| error::to_python(py, &error))? {
            Some(error) => Err(opened.error(py, &error)),
            None => Ok(()),
        }
    }

    /// The awaitable form of `start`.
    fn astart(slf: &Bound<'_, Self>) -> PyResult<Awaited> {
        let py = slf.py();
        let (source, stream) = (slf.get().opened(py, true)?.source.clone(), slf.clone().unbind());
        let begin = runtime::guarded(Box::pin(async move { Ok(source.start().await) }));
        let delivery = Delivery::current(py)?;
        let closed = stream.clone_ref(py);
        let started = delivery.start(delivery.promise(py)?, begin, move |py, failure| {
            match failure.map_err(|error| error::to_python(py, &error))? {
                Some(error) => Err(stream.get().opened(py, true)?.error(py, &error)),
                None => Ok(py.None()),
            }
        })?;
        Ok(started.or_else(move |py| drop(closed.get().close(py))))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        // One that was not opened yet is opened as closed.
        let closed = || Ok(Opened { link: None, source: Arc::new(Source::new(None, false)) });
        if let Ok(opened) = self.opened.get_or_init_py_attached(py, closed) {
            let runtime = runtime::get()?;
            py.detach(|| {
                let _inside = runtime.enter();
                opened.source.close();
            });
        }
        Ok(())
    }

    fn aclose<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.get().close(slf.py())?;
        ready(slf.py().None().into_bound(slf.py()))
    }
}

impl Stream {
    /// The pieces of a body that goes up, for a transport of Python's.
    pub fn of_bytes<'py>(
        py: Python<'py>,
        chunks: BoxStream<'static, Result<Bytes, Error>>,
    ) -> PyResult<Bound<'py, Self>> {
        let items = Box::pin(chunks.map_ok(Item::Bytes));
        let opened = Opened { link: None, source: Arc::new(Source::new(Some(items), false)) };
        let call = (String::new(), Value::Null);
        let opened = OnceLock::from(Ok(opened));
        Bound::new(py, Self { client: None, call, opened, event: None, value: None, head: false })
    }

    /// The next item for who awaits it, if it was read already.
    fn next_now<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let opened = slf.get().opened(slf.py(), true)?;
        slf.get().take(slf.py(), opened).transpose()
    }

    fn next_later(slf: &Bound<'_, Self>) -> PyResult<Awaited> {
        let py = slf.py();
        let (source, stream) = (slf.get().opened(py, true)?.source.clone(), slf.clone().unbind());
        let read = runtime::guarded(Box::pin(async move {
            source.read().await;
            Ok(())
        }));
        let delivery = Delivery::current(py)?;
        delivery.start(delivery.promise(py)?, read, move |py, read| {
            read.map_err(|error| error::to_python(py, &error))?;
            match Self::next_now(stream.bind(py))? {
                Some(item) => Ok(item.unbind()),
                None if stream.get().opened(py, true)?.source.is_over() => {
                    Err(PyStopAsyncIteration::new_err(()))
                }
                None => Err(PyRuntimeError::new_err("a stream cannot be read by several tasks at once")),
            }
        })
    }

    fn opened(&self, py: Python<'_>, awaited: bool) -> PyResult<&Opened> {
        let open = || {
            let (name, params) = &self.call;
            let link = self.client.as_ref().map(|client| client.get().link(py, awaited, None)).transpose()?;
            let items = link.as_ref().map(|link| operation::open(&link.core, name, params.clone()));
            Ok(Opened { link, source: Source::live(items, self.head) })
        };
        self.opened.get_or_init_py_attached(py, open).as_ref().map_err(|error| error.clone_ref(py))
    }

    fn client<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, Client>> {
        self.client.as_ref().map(|client| client.bind(py))
    }

    /// The next item, if it was read already.
    fn take<'py>(&self, py: Python<'py>, opened: &Opened) -> Option<PyResult<Bound<'py, PyAny>>> {
        let item = opened.source.ready().pop_front()?;
        let item = item.map_err(|error| opened.error(py, &error));
        Some(item.and_then(|item| self.make(py, item)))
    }

    /// The Python object for an item.
    fn make<'py>(&self, py: Python<'py>, item: Item) -> PyResult<Bound<'py, PyAny>> {
        let client = self.client(py);
        match item {
            Item::Bytes(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
            Item::Value(value) => {
                let value = value::to_python(py, value, client)?;
                self.value.as_ref().map_or(Ok(value.clone()), |make| make.bind(py).call1((value,)))
            }
            Item::Event(event) => {
                let kind = json::name(py, &event.event);
                let data = match event.file {
                    Some(file) => value::file_output(py, file.url(), client)?,
                    None => event.data.into_pyobject(py)?.into_any(),
                };
                match &self.event {
                    Some(make) => make.bind(py).call1((kind, data, event.id, event.retry)),
                    None => Ok((kind, data, event.id, event.retry).into_pyobject(py)?.into_any()),
                }
            }
            other => Err(PyRuntimeError::new_err(format!("an item of an unknown kind: {other:?}"))),
        }
    }
}

/// What `async for` reads from: a stream whose loop is cancelled is closed.
///
/// The exception that ends such a loop keeps its frame, and so the stream, for as long as it is kept
/// itself. A single `__anext__` of the stream may be cancelled, as by a time limit, and tried again.
#[pyclass(frozen, module = "replicant._native")]
struct Loop(Py<Stream>);

#[pymethods]
impl Loop {
    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stream = self.0.bind(py);
        if let Some(item) = Stream::next_now(stream)? {
            return ready(item);
        }
        let closed = self.0.clone_ref(py);
        let next = Stream::next_later(stream)?.or_else(move |py| drop(closed.get().close(py)));
        Ok(Bound::new(py, next)?.into_any())
    }
}

/// An awaitable whose result is there.
fn ready(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    static READY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    READY.import(value.py(), "replicant._ready", "ready")?.call1((value,))
}
