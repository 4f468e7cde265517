//! The client: calls of operations, blocking and awaitable.

mod link;

use std::{mem, process, sync::Mutex};

use pyo3::{
    PyTraverseError, PyVisit,
    prelude::*,
    types::{PyDict, PyTuple},
};
use replicant::{
    Client as Core, Options, RateLimits, Reply,
    bindings::lock,
    operation::{self, Payload},
};

pub use self::link::Link;
use crate::{
    asyncio::{Awaited, CompletionChannel},
    error,
    raised::reraised,
    reply,
    runtime::{self, Inbox, gate},
    telemetry::Notice,
    value,
};

/// A client of the core.
#[pyclass(frozen, module = "replicant._native")]
pub struct Client {
    options: Options,
    /// The client and the process that built it.
    core: Mutex<(u32, Core)>,
    /// The transport in Python that sends all requests, if there is one.
    adapter: Option<Py<PyAny>>,
    /// The hooks to call for each request, if there are any.
    hooks: Option<Py<PyAny>>,
    /// An object that must live as long as the client: the emulator that it is a client of.
    _keep: Option<Py<PyAny>>,
}

impl Client {
    /// Returns the core's client for one call.
    pub fn link(&self, py: Python<'_>, awaited: bool) -> PyResult<Link> {
        Link::new(py, self.core(py)?, self.adapter.as_ref(), self.hooks.as_ref(), awaited)
    }

    fn core(&self, py: Python<'_>) -> PyResult<Core> {
        // Unlocked before the exception is made, which runs Python code.
        self.of_this_process().map_err(|error| error::to_python(py, &error))
    }

    /// Returns the core's client of this process.
    ///
    /// A forked child builds its own, because it cannot share connections. The old one is leaked: dropping it
    /// would use threads that the child does not have. Only threads attached to the interpreter hold the lock.
    fn of_this_process(&self) -> replicant::Result<Core> {
        let mut core = lock(&self.core);
        if core.0 != process::id() {
            let own = Core::new(self.options.clone())?;
            mem::forget(mem::replace(&mut *core, (process::id(), own)));
        }
        Ok(core.1.clone())
    }
}

#[pymethods]
impl Client {
    // For cycles through a method of an object that holds the client.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.adapter)?;
        visit.call(&self.hooks)?;
        visit.call(&self._keep)
    }

    #[new]
    #[pyo3(signature = (options, /, transport = None, hooks = None, keep = None))]
    fn new(
        options: &Bound<'_, PyDict>,
        transport: Option<Py<PyAny>>,
        hooks: Option<Py<PyAny>>,
        keep: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let py = options.py();
        let _inside = gate::enter(py);
        let options = value::from_python(options.as_any())?;
        let options = Options::from_value(options).map_err(|error| error::to_python(py, &error))?;
        let core = Core::new(options.clone()).map_err(|error| error::to_python(py, &error))?;
        Ok(Self { options, core: Mutex::new((process::id(), core)), adapter: transport, hooks, _keep: keep })
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
        let _inside = gate::enter(py);
        let params = value::from_python(params.as_any())?;
        let link = slf.get().link(py, false)?;
        let (observe, notices) = link.observation(observer.is_some());
        let future = link.follow(operation::call_as_text(&link.core, name, params, observe));
        let reply = runtime::wait(py, future, notices.as_deref(), &|notice| match (notice, &observer) {
            (Notice::State(value), Some(observer)) => {
                let value = value::to_python(py, value, Some(slf.as_any()))?;
                observer.call1((value,)).map(drop).map_err(|raised| reraised(py, raised))
            }
            (notice, _) => {
                link.receive(py, notice);
                Ok(())
            }
        });
        while let Some(notice) = notices.as_deref().and_then(Inbox::now) {
            link.receive(py, notice);
        }
        finish(slf, &link, owner.as_ref(), reply?.and_then(|reply| reply), raw)
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
        let _inside = gate::enter(py);
        let params = value::from_python(params.as_any())?;
        let channel = CompletionChannel::current(py)?;
        let link = slf.get().link(py, true)?;
        let client = slf.clone().unbind();
        let promise = channel.promise(py)?;
        let observe = observer
            .map(|observer| channel.observer(py, observer, client.clone_ref(py).into_any(), promise.clone()));
        let observe = observe.transpose()?;
        let work = runtime::guarded(link.follow(operation::call_as_text(&link.core, name, params, observe)));
        channel.start(promise, work, move |py, reply| {
            finish(client.bind(py), &link, owner.as_ref(), reply, raw).map(Bound::unbind)
        })
    }

    /// Returns the options in force, without the token.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let _inside = gate::enter(py);
        value::to_python(py, self.core(py)?.describe(), None)
    }

    /// Returns what is known of the rate limits, or None if requests do not wait for them.
    fn rate_limit<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let _inside = gate::enter(py);
        value::to_python(py, self.core(py)?.rate_limit().map(RateLimits::to_value).into(), None)
    }

    /// Returns the warnings about the options.
    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.core(py)?.warnings().to_vec())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let _inside = gate::enter(py);
        Ok(format!("<replicant._native.Client {:?}>", self.core(py)?.describe()["base_url"].to_string()))
    }
}

/// Returns the result of a call; with `raw`, (value, status, headers).
fn finish<'py>(
    client: &Bound<'py, Client>,
    link: &Link,
    owner: Option<&Py<PyAny>>,
    reply: replicant::Result<Reply<Payload>>,
    raw: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    let reply = reply.map_err(|error| link.error(py, &error, owner))?;
    if !raw {
        return reply::reply_to_python(py, reply, Some(client.as_any()));
    }
    let value = reply::to_python(py, reply.value, Some(client.as_any()))?;
    let headers = PyTuple::new(py, reply.headers)?;
    Ok(PyTuple::new(py, [value, reply.status.into_pyobject(py)?.into_any(), headers.into_any()])?.into_any())
}
