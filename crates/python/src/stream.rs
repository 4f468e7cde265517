//! Streams of operations, for `for` and `async for`.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::PyRuntimeError,
    prelude::*,
    sync::OnceLockExt,
    types::{PyBytes, PyDict},
};
use replicant::{
    Error, Value,
    operation::{self, Item},
};

use crate::{
    asyncio::{Awaited, CompletionChannel, ready},
    client::{Client, Link},
    error,
    raised::misplaced,
    read_ahead::{Head, ReadAhead},
    reading::{await_item, wait, wait_for_item},
    runtime::{self, gate},
    telemetry::{self, Relay},
    value,
};

/// The items of a stream operation.
#[pyclass(frozen, subclass, generic, module = "replicant._native")]
pub struct Stream {
    client: Py<Client>,
    /// The operation and its parameters.
    call: (String, Value),
    /// The Python client that the objects of errors belong to.
    owner: Option<Py<PyAny>>,
    opened: OnceLock<PyResult<Opened>>,
    /// Builds the object for an event.
    event: Option<Py<PyAny>>,
    /// Builds the object for a value.
    value: Option<Py<PyAny>>,
    head: bool,
    /// Whether Ctrl-C leaves the stream open.
    keep: bool,
    /// The number of items that were awaited since the event loop turned.
    since_turn: AtomicU32,
}

/// How many items can be awaited until the event loop turns. Reading all that have arrived would keep it from its other
/// tasks: 64 streams that arrive at once would block it for 30 ms. A turn takes as long as 16 items.
const ITEMS_PER_TURN: u32 = 128;

/// The stream after the first request for an item, which tells whether it is awaited.
struct Opened {
    /// `None` for a stream that was closed before.
    link: Option<Link>,
    items: Arc<ReadAhead>,
}

impl Opened {
    fn relay(&self) -> Option<&Relay> {
        self.link.as_ref()?.relay.as_ref()
    }
}

#[pymethods]
impl Stream {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.client)?;
        visit.call(&self.owner)?;
        visit.call(&self.event)?;
        visit.call(&self.value)
    }

    #[new]
    #[allow(clippy::too_many_arguments, reason = "most are keywords in Python")]
    #[pyo3(signature = (client, name, params, /, *, owner = None, event = None, value = None, head = false, keep = false))]
    fn new(
        client: &Bound<'_, Client>,
        name: String,
        params: &Bound<'_, PyDict>,
        owner: Option<Py<PyAny>>,
        event: Option<Py<PyAny>>,
        value: Option<Py<PyAny>>,
        head: bool,
        keep: bool,
    ) -> PyResult<Self> {
        let _inside = gate::enter(params.py());
        let call = (name, value::from_python(params.as_any())?);
        Ok(Self {
            client: client.clone().unbind(),
            call,
            owner,
            opened: OnceLock::new(),
            event,
            value,
            head,
            keep,
            since_turn: AtomicU32::new(0),
        })
    }

    #[getter]
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _inside = gate::enter(py);
        let Some(Ok(opened)) = self.opened.get() else { return Ok(None) };
        let head = match &*opened.items.head() {
            Head::Here(value) => Some(value.clone()),
            Head::NotWanted | Head::Awaited => None,
        };
        head.map(|value| value::to_python(py, value, Some(self.client.bind(py).as_any()))).transpose()
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _inside = gate::enter(py);
        let opened = self.opened(py, false)?;
        loop {
            if let Some(item) = self.take(py, opened) {
                return item.map(Some);
            }
            // Ctrl-C ends a stream as an exception ends a generator.
            let close = |_: &PyErr| {
                if !self.keep {
                    drop(self.close(py));
                }
            };
            if !wait_for_item(py, &opened.items, opened.relay()).inspect_err(close)? {
                return Ok(None);
            }
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Loop {
        Loop(slf.unbind())
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let _inside = gate::enter(slf.py());
        match Self::next_now(slf)? {
            Some(item) => ready(item),
            None => Ok(Bound::new(slf.py(), Self::next_later(slf)?)?.into_any()),
        }
    }

    /// Sends the first request and raises its error.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = gate::enter(py);
        let opened = self.opened(py, false)?;
        let items = opened.items.clone();
        let begin = async move { items.start().await };
        let failure = wait(py, begin, opened.relay()).inspect_err(|_| drop(self.close(py)))?;
        match failure.map_err(|error| error::to_python(py, &error))? {
            Some(error) => Err(self.error(py, opened, &error)),
            None => Ok(()),
        }
    }

    /// The awaitable form of `start`.
    fn astart(slf: &Bound<'_, Self>) -> PyResult<Awaited> {
        let py = slf.py();
        let _inside = gate::enter(py);
        let opened = slf.get().opened(py, true)?;
        let (items, stream) = (opened.items.clone(), slf.clone().unbind());
        let begin = runtime::guarded(Box::pin(async move { Ok(items.start().await) }));
        let channel = CompletionChannel::current(py)?;
        if let Some(relay) = opened.relay() {
            relay.await_on(py, &channel)?;
        }
        let closed = stream.clone_ref(py);
        let started = channel.start(channel.promise(py)?, begin, move |py, failure| {
            match failure.map_err(|error| error::to_python(py, &error))? {
                Some(error) => {
                    let stream = stream.get();
                    Err(stream.error(py, stream.opened(py, true)?, &error))
                }
                None => Ok(py.None()),
            }
        })?;
        Ok(started.on_abandon(move |py| drop(closed.get().abandon(py))))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = gate::enter(py);
        self.abandon(py)?;
        telemetry::deliver_late(py);
        Ok(())
    }

    fn aclose<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let _inside = gate::enter(slf.py());
        slf.get().close(slf.py())?;
        ready(slf.py().None().into_bound(slf.py()))
    }
}

impl Stream {
    /// Closes the stream without running Python code.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        // A stream that is not open yet becomes a closed one.
        let closed = || Ok(Opened { link: None, items: Arc::new(ReadAhead::closed()) });
        if let Ok(opened) = self.opened.get_or_init_py_attached(py, closed) {
            if let Some(relay) = opened.relay() {
                relay.finish();
            }
            let runtime = runtime::get()?;
            gate::detach(py, || {
                let _inside = runtime.enter();
                opened.items.close();
            });
        }
        Ok(())
    }

    fn error(&self, py: Python<'_>, opened: &Opened, error: &Error) -> PyErr {
        match &opened.link {
            Some(link) => link.error(py, error, self.owner.as_ref()),
            None => error::to_python(py, error),
        }
    }

    /// Returns the next item if it was already read, unless the event loop should turn first.
    fn next_now<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let opened = slf.get().opened(slf.py(), true)?;
        if slf.get().since_turn.fetch_add(1, Relaxed) >= ITEMS_PER_TURN {
            return Ok(None);
        }
        slf.get().take(slf.py(), opened).transpose()
    }

    fn next_later(slf: &Bound<'_, Self>) -> PyResult<Awaited> {
        let stream = slf.clone().unbind();
        let opened = slf.get().opened(slf.py(), true)?;
        await_item(slf.py(), &opened.items, opened.relay(), move |py| {
            stream.get().since_turn.store(0, Relaxed);
            Ok(Self::next_now(stream.bind(py))?.map(Bound::unbind))
        })
    }

    fn opened(&self, py: Python<'_>, awaited: bool) -> PyResult<&Opened> {
        let open = || {
            let (name, params) = &self.call;
            let mut link = self.client.get().link(py, awaited)?;
            let items = link.follow_stream(operation::open(&link.core, name, params.clone()));
            let head = if self.head { Head::Awaited } else { Head::NotWanted };
            Ok(Opened { link: Some(link), items: ReadAhead::live(items, head) })
        };
        let opened =
            self.opened.get_or_init_py_attached(py, open).as_ref().map_err(|error| error.clone_ref(py))?;
        if opened.items.is_of_parent() {
            return Err(misplaced(
                py,
                "this iterator was begun before the process forked; only the parent can continue it",
            ));
        }
        Ok(opened)
    }

    /// Returns the next item if it was already read.
    fn take<'py>(&self, py: Python<'py>, opened: &Opened) -> Option<PyResult<Bound<'py, PyAny>>> {
        let item = opened.items.ready().pop_front()?;
        let item = item.map_err(|error| self.error(py, opened, &error));
        Some(item.and_then(|item| self.build(py, item)))
    }

    /// Returns an item as a Python object.
    fn build<'py>(&self, py: Python<'py>, item: Item) -> PyResult<Bound<'py, PyAny>> {
        let client = Some(self.client.bind(py).as_any());
        match item {
            Item::Bytes(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
            Item::Value(value) => {
                let value = value::to_python(py, value, client)?;
                self.value.as_ref().map_or(Ok(value.clone()), |build| build.bind(py).call1((value,)))
            }
            Item::Event(event) => {
                let kind = value::json::name(py, &event.event);
                let data = match event.file {
                    Some(file) => value::file_output(py, file.url(), client)?,
                    None => event.data.into_pyobject(py)?.into_any(),
                };
                match &self.event {
                    Some(build) => build.bind(py).call1((kind, data, event.id, event.retry)),
                    None => Ok((kind, data, event.id, event.retry).into_pyobject(py)?.into_any()),
                }
            }
            other => Err(PyRuntimeError::new_err(format!("an item of an unknown kind: {other:?}"))),
        }
    }
}

/// The iterator of `async for`, which closes the stream when its task is canceled.
///
/// Waiting for garbage collection would not do: the exception that ends the loop keeps its frame, and so the stream,
/// alive. A single `__anext__` of the stream can be canceled, as by a timeout, and repeated.
#[pyclass(frozen, module = "replicant._native")]
struct Loop(Py<Stream>);

#[pymethods]
impl Loop {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let _inside = gate::enter(py);
        let stream = self.0.bind(py);
        if let Some(item) = Stream::next_now(stream)? {
            return ready(item);
        }
        let closed = self.0.clone_ref(py);
        let next = Stream::next_later(stream)?.on_abandon(move |py| drop(closed.get().abandon(py)));
        Ok(Bound::new(py, next)?.into_any())
    }
}
