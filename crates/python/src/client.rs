//! The client: one verb, blocking and awaitable.

use std::{
    mem, process,
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use replicant::{Client as Core, Observer, Options, Reply, operation};
use tokio::sync::mpsc;

use crate::{awaiting::Delivery, error, runtime, value};

/// A client of the core.
#[pyclass(frozen, module = "replicant._native")]
pub struct Client {
    options: Options,
    core: Mutex<(u32, Core)>,
}

impl Client {
    /// The core's client of this process.
    ///
    /// A forked child makes its own, because connections cannot be shared. The old one is leaked:
    /// dropping it would speak to threads that the child does not have. As with the runtime, the
    /// lock is only held attached to the interpreter.
    pub fn core(&self, py: Python<'_>) -> PyResult<Core> {
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
    #[pyo3(signature = (options, /))]
    fn new(options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = options.py();
        let options = value::from_python(options.as_any())?;
        let options = Options::from_value(options).map_err(|error| error::to_python(py, &error))?;
        let core = Core::new(options.clone()).map_err(|error| error::to_python(py, &error))?;
        Ok(Self { options, core: Mutex::new((process::id(), core)) })
    }

    #[pyo3(signature = (name, params, /, observer = None, raw = false))]
    fn call<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        params: &Bound<'py, PyDict>,
        observer: Option<Bound<'py, PyAny>>,
        raw: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let params = value::from_python(params.as_any())?;
        let (observe, told) = observer.as_ref().map(|_| observing()).unzip();
        let future = operation::call(&slf.get().core(py)?, name, params, observe);
        let reply = runtime::wait(py, future, told, |value| {
            let value = value::to_python(py, value, Some(slf))?;
            observer.as_ref().map_or(Ok(()), |observer| observer.call1((value,)).map(drop))
        })?;
        finish(slf, reply.and_then(|reply| reply), raw)
    }

    #[pyo3(signature = (name, params, /, observer = None, raw = false))]
    fn call_async<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        params: &Bound<'py, PyDict>,
        observer: Option<Py<PyAny>>,
        raw: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let params = value::from_python(params.as_any())?;
        let delivery = Delivery::current(py)?;
        let client = slf.clone().unbind();
        let observe = observer.map(|observer| delivery.observer(py, observer, &client));
        let future = operation::call(&slf.get().core(py)?, name, params, observe);
        delivery.future(py, runtime::guarded(future), move |py, reply| {
            finish(client.bind(py), reply, raw).map(Bound::unbind)
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
    reply: replicant::Result<Reply>,
    raw: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    let reply = reply.map_err(|error| error::to_python(py, &error))?;
    let value = value::to_python(py, reply.value, Some(client))?;
    if !raw {
        return Ok(value);
    }
    let headers = PyTuple::new(py, reply.headers)?;
    Ok(PyTuple::new(py, [value, reply.status.into_pyobject(py)?.into_any(), headers.into_any()])?.into_any())
}
