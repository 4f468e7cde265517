//! HTTP carried by Python: a transport of httpx or a function, by way of `replicant._transport`.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use pyo3::{
    exceptions::{PyStopAsyncIteration, PyStopIteration},
    intern,
    prelude::*,
    types::PyBytes,
};
use pyo3_async_runtimes::{TaskLocals, into_future_with_locals};
use replicant::{
    BoxFuture, BoxStream, Error, ErrorKind, Result,
    transport::{BodySource, HttpBody, HttpRequest, HttpResponse, StreamBody, Transport},
};

use crate::{reader::bytes_of, stream::Stream};

/// An exception of Python code that is no fault of a network: the caller gets it as it is.
pub type Raised = Arc<Mutex<Option<PyErr>>>;

/// One user's way into Python: where its awaitables run, and where its exceptions go.
#[derive(Clone)]
pub struct PythonTransport(Arc<Way>);

struct Way {
    adapter: Py<PyAny>,
    /// The event loop of an awaited call; a blocking call has none.
    locals: Option<TaskLocals>,
    /// The context variables of the caller.
    context: Py<PyAny>,
    raised: Raised,
}

impl PythonTransport {
    pub fn new(adapter: Py<PyAny>, locals: Option<TaskLocals>, context: Py<PyAny>, raised: Raised) -> Self {
        Self(Arc::new(Way { adapter, locals, context, raised }))
    }

    async fn carry(self, request: HttpRequest) -> Result<HttpResponse> {
        let way = self.0;
        let this = way.clone();
        let answer = blocking(move |py| this.settle(py, |py| this.send(py, request))).await?;
        let answer = way.clone().arrived(answer).await?;
        let this = way.clone();
        blocking(move |py| this.settle(py, |py| response(py, &answer, &this))).await
    }
}

impl Transport for PythonTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        Box::pin(self.clone().carry(request))
    }
}

/// What Python gave: the thing itself, or what is still to be awaited.
enum Answer {
    Here(Py<PyAny>),
    Coming(BoxFuture<'static, PyResult<Py<PyAny>>>),
}

impl Way {
    fn send(&self, py: Python<'_>, request: HttpRequest) -> PyResult<Answer> {
        let HttpRequest { method, url, headers, body, .. } = request;
        let (content, length) = match body {
            HttpBody::Empty => (None, None),
            HttpBody::Bytes(bytes) => (Some(PyBytes::new(py, &bytes).into_any()), None),
            HttpBody::Stream { length, chunks } => (Some(Stream::of_bytes(py, chunks)?.into_any()), length),
        };
        let awaited = self.locals.is_some();
        let send = self.adapter.bind(py).getattr(intern!(py, "send"))?;
        let arguments = (send, method, url.as_str(), headers, content, length, awaited);
        self.answer(py, self.context(py)?.call_method1(intern!(py, "run"), arguments)?)
    }

    /// A copy of the caller's context, as one context cannot be entered by two requests at once.
    fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.bind(py).call_method0(intern!(py, "copy"))
    }

    fn answer(&self, _py: Python<'_>, given: Bound<'_, PyAny>) -> PyResult<Answer> {
        match &self.locals {
            Some(locals) if given.hasattr(intern!(given.py(), "__await__"))? => {
                Ok(Answer::Coming(Box::pin(into_future_with_locals(locals, given)?)))
            }
            _ => Ok(Answer::Here(given.unbind())),
        }
    }

    async fn arrived(self: Arc<Self>, answer: Answer) -> Result<Py<PyAny>> {
        match answer {
            Answer::Here(object) => Ok(object),
            Answer::Coming(coming) => {
                let given = coming.await;
                blocking(move |py| self.settle(py, |_| given)).await
            }
        }
    }

    /// Turns an exception into an error of the core: of the network if it is one, and otherwise one
    /// behind which the exception itself is waiting.
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
                None => {
                    *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(exception);
                    Error::new(ErrorKind::Internal, message)
                }
            }
        })
    }
}

/// Runs Python on a thread of its own: it may take long, and so may getting hold of the interpreter.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce(Python<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(move || {
        Python::try_attach(work)
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Internal, "the interpreter is ending")))
    });
    done.await.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, error.to_string())))
}

fn response(py: Python<'_>, answer: &Py<PyAny>, way: &Arc<Way>) -> PyResult<HttpResponse> {
    let (status, headers, body): (u16, Vec<(String, String)>, Bound<'_, PyAny>) =
        answer.bind(py).extract()?;
    let body: Box<dyn BodySource> = match body.cast::<PyBytes>() {
        Ok(bytes) => Box::new(Bytes::copy_from_slice(bytes.as_bytes())),
        Err(_) => Box::new(StreamBody(pieces(way.clone(), body.unbind()))),
    };
    Ok(HttpResponse { status, headers, body })
}

/// The pieces that an iterator of Python gives, awaited or not.
fn pieces(way: Arc<Way>, iterator: Py<PyAny>) -> BoxStream<'static, Result<Bytes>> {
    let iterator = Arc::new(iterator);
    let pieces = stream::unfold(Some((way, iterator)), |state| async {
        let (way, iterator) = state?;
        match next(way.clone(), iterator.clone()).await {
            Ok(Some(piece)) => Some((Ok(piece), Some((way, iterator)))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    pieces.boxed()
}

async fn next(way: Arc<Way>, iterator: Arc<Py<PyAny>>) -> Result<Option<Bytes>> {
    let this = way.clone();
    let answer = blocking(move |py| {
        this.settle(py, |py| {
            let iterator = iterator.bind(py);
            let awaited = iterator.hasattr(intern!(py, "__anext__"))?;
            let step = if awaited { intern!(py, "__anext__") } else { intern!(py, "__next__") };
            let step = iterator.getattr(step)?;
            match this.context(py)?.call_method1(intern!(py, "run"), (step,)) {
                Ok(given) if awaited => this.answer(py, given).map(Some),
                Ok(given) => Ok(Some(Answer::Here(given.unbind()))),
                Err(error) => ended(py, error).map(|()| None),
            }
        })
    });
    let piece = match answer.await? {
        None => return Ok(None),
        Some(Answer::Here(piece)) => Ok(piece),
        Some(Answer::Coming(coming)) => coming.await,
    };
    blocking(move |py| {
        way.settle(py, |py| match piece {
            Ok(piece) => bytes_of(piece.bind(py)).map(Some),
            Err(error) => ended(py, error).map(|()| None),
        })
    })
    .await
}

/// The end of an iterator is not an error.
fn ended(py: Python<'_>, error: PyErr) -> PyResult<()> {
    let end = error.is_instance_of::<PyStopIteration>(py) || error.is_instance_of::<PyStopAsyncIteration>(py);
    if end { Ok(()) } else { Err(error) }
}
