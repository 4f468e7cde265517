//! What an operation gives piece by piece: one class with both iterator protocols.

use std::{
    collections::VecDeque,
    mem, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{FutureExt, StreamExt};
use pyo3::{
    exceptions::{PyRuntimeError, PyStopAsyncIteration, PyStopIteration},
    prelude::*,
    types::{PyBytes, PyDict},
};
use replicant::{
    BoxStream, Error, Value,
    operation::{self, Item},
};
use tokio::sync::watch;

use crate::{awaiting::Delivery, client::Client, error, runtime, value};

/// How many items are taken at once, if they are there.
const BATCH: usize = 256;

type Items = BoxStream<'static, Result<Item, Error>>;

/// The half of a stream that the runtime's threads see.
struct Source {
    items: tokio::sync::Mutex<Option<Items>>,
    /// What was read and not yet asked for. It is kept here rather than carried by the future that
    /// read it, so that cancelling that future loses nothing.
    ready: Mutex<VecDeque<Result<Item, Error>>>,
    head: Mutex<Head>,
    closed: watch::Sender<bool>,
    owner: u32,
}

/// The first value, where it is not an item like the others.
enum Head {
    NotWanted,
    Awaited,
    Here(Value),
}

impl Source {
    /// Reads until at least one item is ready or the stream has ended.
    async fn read(&self) {
        let mut closed = self.closed.subscribe();
        let ended = tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => true,
            ended = self.read_on() => ended,
        };
        if ended {
            self.items.lock().await.take();
        }
    }

    async fn read_on(&self) -> bool {
        let mut items = self.items.lock().await;
        let Some(items) = items.as_mut() else { return true };
        // Another reader may have been here while this one waited for the lock.
        if !self.ready().is_empty() {
            return false;
        }
        let first = loop {
            match items.next().await {
                Some(Ok(Item::Value(value))) if matches!(*self.head(), Head::Awaited) => {
                    *self.head() = Head::Here(value);
                }
                Some(item) => break item,
                None => return true,
            }
        };
        let mut ended = first.is_err();
        let mut batch = vec![first];
        while !ended && batch.len() < BATCH {
            match items.next().now_or_never() {
                Some(Some(item)) => {
                    ended = item.is_err();
                    batch.push(item);
                }
                Some(None) => ended = true,
                None => break,
            }
        }
        self.ready().extend(batch);
        ended
    }

    fn ready(&self) -> MutexGuard<'_, VecDeque<Result<Item, Error>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.closed.send_replace(true);
        self.ready().clear();
        // If somebody reads just now, it is they who see `closed` and drop the stream.
        if let Ok(mut items) = self.items.try_lock() {
            drop(items.take());
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let items = self.items.get_mut().take();
        if self.owner != process::id() {
            // A forked child shares the connection with its parent and must not touch it.
            mem::forget(items);
        } else if let Ok(runtime) = runtime::get() {
            let _inside = runtime.enter();
            drop(items);
        }
    }
}

/// What an operation gives piece by piece.
#[pyclass(frozen, subclass, generic, module = "replicant._native")]
pub struct Stream {
    client: Py<Client>,
    source: Arc<Source>,
    event: Option<Py<PyAny>>,
    value: Option<Py<PyAny>>,
}

#[pymethods]
impl Stream {
    #[new]
    #[pyo3(signature = (client, name, params, /, *, event = None, value = None, head = false))]
    fn new(
        client: &Bound<'_, Client>,
        name: &str,
        params: &Bound<'_, PyDict>,
        event: Option<Py<PyAny>>,
        value: Option<Py<PyAny>>,
        head: bool,
    ) -> PyResult<Self> {
        let params = value::from_python(params.as_any())?;
        let items = operation::open(&client.get().core(client.py())?, name, params);
        let source = Arc::new(Source {
            items: tokio::sync::Mutex::new(Some(items)),
            ready: Mutex::default(),
            head: Mutex::new(if head { Head::Awaited } else { Head::NotWanted }),
            closed: watch::Sender::new(false),
            owner: process::id(),
        });
        Ok(Self { client: client.clone().unbind(), source, event, value })
    }

    #[getter]
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let head = match &*self.source.head() {
            Head::Here(value) => Some(value.clone()),
            Head::NotWanted | Head::Awaited => None,
        };
        head.map(|value| value::to_python(py, value, Some(self.client.bind(py)))).transpose()
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            if let Some(item) = self.take(py) {
                return item.map(Some);
            }
            let source = self.source.clone();
            let read = async move {
                source.read().await;
                source.ready().is_empty()
            };
            let ended = runtime::wait(py, read, None, |_| Ok(()))?;
            if ended.map_err(|error| error::to_python(py, &error))? {
                return Ok(None);
            }
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Some(item) = slf.get().take(py) {
            return Ok(Bound::new(py, Ready(Mutex::new(Some(item?.unbind()))))?.into_any());
        }
        Stream::read_async(slf, &Delivery::current(py)?)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let runtime = runtime::get()?;
        py.detach(|| {
            let _inside = runtime.enter();
            self.source.close();
        });
        Ok(())
    }

    fn aclose<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.get().close(slf.py())?;
        Ok(Bound::new(slf.py(), Ready(Mutex::new(Some(slf.py().None()))))?.into_any())
    }
}

impl Stream {
    /// The next item, if it was read already.
    fn take<'py>(&self, py: Python<'py>) -> Option<PyResult<Bound<'py, PyAny>>> {
        let item = self.source.ready().pop_front()?;
        Some(item.map_err(|error| error::to_python(py, &error)).and_then(|item| self.make(py, item)))
    }

    /// The Python object for an item.
    fn make<'py>(&self, py: Python<'py>, item: Item) -> PyResult<Bound<'py, PyAny>> {
        let client = Some(self.client.bind(py));
        match item {
            Item::Bytes(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
            Item::Value(value) => {
                let value = value::to_python(py, value, client)?;
                self.value.as_ref().map_or(Ok(value.clone()), |make| make.bind(py).call1((value,)))
            }
            Item::Event(event) => {
                let data = match event.file {
                    Some(file) => value::file_output(py, file.url(), client)?,
                    None => event.data.into_pyobject(py)?.into_any(),
                };
                match &self.event {
                    Some(make) => make.bind(py).call1((event.event, data, event.id, event.retry)),
                    None => Ok((event.event, data, event.id, event.retry).into_pyobject(py)?.into_any()),
                }
            }
            other => Err(PyRuntimeError::new_err(format!("an item of an unknown kind: {other:?}"))),
        }
    }

    fn read_async<'py>(slf: &Bound<'py, Self>, delivery: &Arc<Delivery>) -> PyResult<Bound<'py, PyAny>> {
        let source = slf.get().source.clone();
        let stream = slf.clone().unbind();
        let read = runtime::guarded(Box::pin(async move {
            source.read().await;
            Ok(())
        }));
        delivery.future(slf.py(), read, move |py, read| {
            read.map_err(|error| error::to_python(py, &error))?;
            match stream.get().take(py) {
                Some(item) => item.map(Bound::unbind),
                None => Err(PyStopAsyncIteration::new_err(())),
            }
        })
    }
}

/// An awaitable whose result is there.
#[pyclass(frozen)]
struct Ready(Mutex<Option<Py<PyAny>>>);

#[pymethods]
impl Ready {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<()> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // In a tuple, because StopIteration would take a tuple that is the value for its arguments.
        Err(PyStopIteration::new_err((value.unwrap_or_else(|| py.None()),)))
    }
}
