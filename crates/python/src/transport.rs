//! HTTP through Python: an httpx transport or a function, adapted by `replicant._transport`.

mod body;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use pyo3::{
    exceptions::{PyStopAsyncIteration, PyStopIteration},
    prelude::*,
    types::PyBytes,
};
use pyo3_async_runtimes::TaskLocals;
use replicant::{
    BoxFuture, BoxStream, Error, ErrorKind, Result,
    bindings::lock,
    transport::{BodySource, HttpBody, HttpRequest, HttpResponse, StreamBody, Transport},
};

use self::body::Body;
use crate::{
    awaitable::{PythonFuture, is_awaitable, on_loop},
    once::intern,
    raised::Raised,
    runtime::blocking,
    source::bytes_of,
};

/// Sends the requests of one call through Python.
#[derive(Clone)]
pub struct PythonTransport(Arc<Route>);

struct Route {
    /// A `replicant._transport.Adapter`.
    adapter: Py<PyAny>,
    /// The event loop of an awaited call; `None` for a blocking call.
    locals: Option<TaskLocals>,
    /// The context variables of the caller.
    context: Py<PyAny>,
    raised: Raised,
}

impl PythonTransport {
    pub fn new(adapter: Py<PyAny>, locals: Option<TaskLocals>, context: Py<PyAny>, raised: Raised) -> Self {
        Self(Arc::new(Route { adapter, locals, context, raised }))
    }

    async fn carry(self, request: HttpRequest) -> Result<HttpResponse> {
        let route = self.0;
        let this = route.clone();
        let returned = blocking(move |py| this.settle(py, |py| this.send(py, request))).await?;
        let response = route.clone().resolve(returned).await?;
        let this = route.clone();
        blocking(move |py| this.settle(py, |py| build_response(py, &response, &this))).await
    }
}

impl Transport for PythonTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        Box::pin(self.clone().carry(request))
    }
}

/// The result of Python code: an object, or an awaitable for one.
enum Returned {
    Ready(Py<PyAny>),
    Awaited(PythonFuture),
}

impl Route {
    fn send(&self, py: Python<'_>, request: HttpRequest) -> PyResult<Returned> {
        let HttpRequest { method, url, headers, body, to_api, .. } = request;
        let (content, length) = match body {
            HttpBody::Empty => (None, None),
            HttpBody::Bytes(bytes) => (Some(PyBytes::new(py, &bytes).into_any()), None),
            HttpBody::Stream { length, chunks } => {
                (Some(Bound::new(py, Body::new(chunks))?.into_any()), length)
            }
        };
        let awaited = self.locals.is_some() && !self.is_closed(py)?;
        let send = self.adapter.bind(py).getattr(intern!(py, "send"))?;
        let arguments = (send, method, url.as_str(), headers, content, length, awaited, to_api);
        let context = self.context(py)?;
        let returned = context.call_method1(intern!(py, "run"), arguments)?;
        self.returned(returned, context)
    }

    /// Returns whether the event loop of an awaited call is closed, as it may be when the cancel of an abandoned call is sent.
    fn is_closed(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(locals) = &self.locals else { return Ok(false) };
        locals.event_loop(py).call_method0(intern!(py, "is_closed"))?.is_truthy()
    }

    /// Returns a copy of the caller's context, as two requests cannot enter one context concurrently.
    fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.bind(py).call_method0(intern!(py, "copy"))
    }

    /// Awaits what Python returned, in the context in which it did.
    fn returned(&self, given: Bound<'_, PyAny>, context: Bound<'_, PyAny>) -> PyResult<Returned> {
        match &self.locals {
            Some(locals) if is_awaitable(&given) => {
                Ok(Returned::Awaited(on_loop(&locals.clone().with_context(context), given)?))
            }
            _ => Ok(Returned::Ready(given.unbind())),
        }
    }

    async fn resolve(self: Arc<Self>, returned: Returned) -> Result<Py<PyAny>> {
        match returned {
            Returned::Ready(object) => Ok(object),
            Returned::Awaited(awaitable) => {
                let given = awaitable.await;
                blocking(move |py| {
                    let adapter = self.adapter.bind(py);
                    let parts = |given| adapter.call_method1(intern!(py, "parts"), (given,));
                    self.settle(py, |_| Ok(parts(given?)?.unbind()))
                })
                .await
            }
        }
    }

    /// Converts an exception to an error of the core. An exception that is not a network failure is stored, to be
    /// re-raised by the call.
    fn settle<T>(&self, py: Python<'_>, work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
        work(py).map_err(|exception| {
            let fault = self.adapter.bind(py).call_method1(intern!(py, "fault"), (exception.value(py),));
            let fault = fault.and_then(|fault| fault.extract::<Option<String>>()).unwrap_or_default();
            let message = exception.value(py).to_string();
            let message = if message.is_empty() { exception.to_string() } else { message };
            match fault.as_deref() {
                Some("never sent") => Error::new(ErrorKind::Connection, message).with_never_sent(),
                Some("timeout") => Error::new(ErrorKind::Timeout, message),
                Some(_) => Error::new(ErrorKind::Connection, message),
                // Nobody waits for the exception.
                None if self.is_closed(py).unwrap_or_default() => Error::new(ErrorKind::Connection, message),
                None => {
                    *lock(&self.raised) = Some(exception);
                    Error::new(ErrorKind::Internal, message)
                }
            }
        })
    }
}

fn build_response(py: Python<'_>, response: &Py<PyAny>, route: &Arc<Route>) -> PyResult<HttpResponse> {
    let (status, headers, body): (u16, Vec<(String, String)>, Bound<'_, PyAny>) =
        response.bind(py).extract()?;
    let body: Box<dyn BodySource> = match body.cast::<PyBytes>() {
        Ok(bytes) => Box::new(Bytes::copy_from_slice(bytes.as_bytes())),
        Err(_) => Box::new(StreamBody(pieces(route.clone(), body.unbind()))),
    };
    Ok(HttpResponse::new(status, headers, body))
}

/// Returns the items of a Python iterator, async or not.
fn pieces(route: Arc<Route>, iterator: Py<PyAny>) -> BoxStream<'static, Result<Bytes>> {
    let iterator = Arc::new(iterator);
    let pieces = stream::unfold(Some((route, iterator)), |state| async {
        let (route, iterator) = state?;
        match next(route.clone(), iterator.clone()).await {
            Ok(Some(piece)) => Some((Ok(piece), Some((route, iterator)))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    pieces.boxed()
}

async fn next(route: Arc<Route>, iterator: Arc<Py<PyAny>>) -> Result<Option<Bytes>> {
    let this = route.clone();
    let returned = blocking(move |py| {
        this.settle(py, |py| {
            let iterator = iterator.bind(py);
            let awaited = iterator.hasattr(intern!(py, "__anext__"))?;
            let step = if awaited { intern!(py, "__anext__") } else { intern!(py, "__next__") };
            let step = iterator.getattr(step)?;
            let context = this.context(py)?;
            match context.call_method1(intern!(py, "run"), (step,)) {
                Ok(given) if awaited => this.returned(given, context).map(Some),
                Ok(given) => Ok(Some(Returned::Ready(given.unbind()))),
                Err(error) => ended(py, error).map(|()| None),
            }
        })
    });
    let piece = match returned.await? {
        None => return Ok(None),
        Some(Returned::Ready(piece)) => Ok(piece),
        Some(Returned::Awaited(awaitable)) => awaitable.await,
    };
    blocking(move |py| {
        route.settle(py, |py| match piece {
            Ok(piece) => bytes_of(piece.bind(py)).map(Some),
            Err(error) => ended(py, error).map(|()| None),
        })
    })
    .await
}

/// Returns `Ok` if the exception marks the end of an iterator.
fn ended(py: Python<'_>, error: PyErr) -> PyResult<()> {
    let end = error.is_instance_of::<PyStopIteration>(py) || error.is_instance_of::<PyStopAsyncIteration>(py);
    if end { Ok(()) } else { Err(error) }
}
