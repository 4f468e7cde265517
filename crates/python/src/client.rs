//! The client: one verb, blocking and awaitable.

use std::{
    mem, process,
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use pyo3_async_runtimes::TaskLocals;
use replicant::{
    Client as Core, ErrorKind, Observer, Options, Reply,
    operation::{self, Answer},
};
use tokio::sync::mpsc;

use crate::{
    awaiting::{Awaited, Delivery, current_context},
    error, runtime,
    transport::{PythonTransport, Raised},
    value,
};

/// A client of the core.
#[pyclass(frozen, module = "replicant._native")]
pub struct Client {
    options: Options,
    core: Mutex<(u32, Core)>,
    /// Carries all HTTP in place of the core, if there is one.
    adapter: Option<Py<PyAny>>,
}

/// The core's client for one call, and what may lie behind its errors.
pub struct Link {
    pub core: Core,
    raised: Option<Raised>,
    /// The client of Python's whose call it is.
    owner: Option<Py<PyAny>>,
}

impl Link {
    /// The exception for an error.
    pub fn error(&self, py: Python<'_>, error: &replicant::Error) -> PyErr {
        // What the core made of it: nothing it knows, or a create that may have been carried out.
        let foreign = matches!(error.kind(), ErrorKind::Internal | ErrorKind::OutcomeUnknown);
        let raised = self.raised.as_ref().filter(|_| foreign);
        let raised = raised.and_then(|raised| raised.lock().unwrap_or_else(PoisonError::into_inner).take());
        raised.unwrap_or_else(|| error::owned(py, error, self.owner.as_ref()))
    }
}

impl Client {
    /// The core's client for a call that is awaited or not.
    ///
    /// With a transport of Python's, that is one for this call alone: what is to be awaited there
    /// has to be awaited by the event loop that awaits the call.
    pub fn link(&self, py: Python<'_>, awaited: bool, owner: Option<Py<PyAny>>) -> PyResult<Link> {
        let Some(adapter) = &self.adapter else {
            return Ok(Link { core: self.core(py)?, raised: None, owner });
        };
        let locals = awaited.then(|| TaskLocals::with_running_loop(py)?.copy_context(py)).transpose()?;
        let raised = Raised::default();
        let transport = PythonTransport::new(
            adapter.clone_ref(py),
            locals,
            current_context(py)?.unbind(),
            raised.clone(),
        );
        let core = self.core(py)?.with_transport(Arc::new(transport));
        Ok(Link { core, raised: Some(raised), owner })
    }

    /// The core's client of this process.
    ///
    /// A forked child makes its own, because connections cannot be shared. The old one is leaked:
    /// dropping it would speak to threads that the child does not have. As with the runtime, the
    /// lock is only held attached to the interpreter.
    fn core(&self, py: Python<'_>) -> PyResult<Core> {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        if core.0 != process::id() {
            let made = Core::new(self.options.clone()).map_err(|error| error::to_python(py, &error))?;
            mem::forget(mem::replace(&mut *core, (process::id(), made)));
        }
        Ok(core.1.clone())
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (options, /, transport = None))]
    fn new(options: &Bound<'_, PyDict>, transport: Option<Py<PyAny>>) -> PyResult<Self> {
        let py = options.py();
        let options = value::from_python(options.as_any())?;
        let options = Options::from_value(options).map_err(|error| error::to_python(py, &error))?;
        let core = Core::new(options.clone()).map_err(|error| error::to_python(py, &error))?;
        Ok(Self { options, core: Mutex::new((process::id(), core)), adapter: transport })
    }

    #[pyo3(signature = (name, params, /, observer = None, raw = false, owner = None))]
    fn call<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        params: &Bound<'py, PyDict>,
        observer: Option<Bound<'py, PyAny>>,
        raw: bool,
        owner: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let params = value::from_python(params.as_any())?;
        let link = slf.get().link(py, false, owner)?;
        let (observe, told) = observer.as_ref().map(|_| observing()).unzip();
        let future = operation::answer(&link.core, name, params, observe);
        let reply = runtime::wait(py, future, told, |value| {
            let value = value::to_python(py, value, Some(slf))?;
            observer.as_ref().map_or(Ok(()), |observer| observer.call1((value,)).map(drop))
        })?;
        finish(slf, &link, reply.and_then(|reply| reply), raw)
    }

    #[pyo3(signature = (name, params, /, observer = None, raw = false, owner = None))]
    fn call_async(
        slf: &Bound<'_, Self>,
        name: &str,
        params: &Bound<'_, PyDict>,
        observer: Option<Py<PyAny>>,
        raw: bool,
        owner: Option<Py<PyAny>>,
    ) -> PyResult<Awaited> {
        let py = slf.py();
        let params = value::from_python(params.as_any())?;
        let delivery = Delivery::current(py)?;
        let link = slf.get().link(py, true, owner)?;
        let client = slf.clone().unbind();
        let promise = delivery.promise(py)?;
        let observe = observer.map(|observer| delivery.observer(py, observer, &client, promise.clone()));
        let observe = observe.transpose()?;
        let work = runtime::guarded(operation::answer(&link.core, name, params, observe));
        delivery.start(promise, work, move |py, reply| {
            finish(client.bind(py), &link, reply, raw).map(Bound::unbind)
        })
    }

    /// The options in force, without the token.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::to_python(py, self.core(py)?.describe(), None)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<replicant._native.Client {:?}>", self.core(py)?.describe()["base_url"].to_string()))
    }
}

/// An observer of the core, and where what it is told comes out.
fn observing() -> (Observer, mpsc::UnboundedReceiver<replicant::Value>) {
    let (tell, told) = mpsc::unbounded_channel();
    (Arc::new(move |value| drop(tell.send(value))), told)
}

fn finish<'py>(
    client: &Bound<'py, Client>,
    link: &Link,
    reply: replicant::Result<Reply<Answer>>,
    raw: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    let reply = reply.map_err(|error| link.error(py, &error))?;
    let value = value::of_answer(py, reply.value, Some(client))?;
    if !raw {
        return Ok(value);
    }
    let headers = PyTuple::new(py, reply.headers)?;
    Ok(PyTuple::new(py, [value, reply.status.into_pyobject(py)?.into_any(), headers.into_any()])?.into_any())
}
