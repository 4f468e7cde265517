//! Awaitable calls.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU8, Ordering::Relaxed},
};

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyRuntimeError, PyStopIteration},
    prelude::*,
};
use replicant::bindings::lock;
use tokio::task::AbortHandle;

use crate::{
    once::intern,
    runtime::{Driver, gate},
};

/// Builds the Python result of a finished call, on the thread of the event loop.
pub type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Passes the outcome of a call to the task that awaits it.
pub struct Promise {
    /// An asyncio future that wakes the task; its own result is None.
    future: Py<PyAny>,
    outcome: Mutex<Option<Outcome>>,
}

impl Promise {
    pub fn new(future: Py<PyAny>) -> Self {
        Self { future, outcome: Mutex::default() }
    }

    pub fn future(&self, py: Python<'_>) -> Py<PyAny> {
        self.future.clone_ref(py)
    }

    /// Wakes the task with `outcome`, unless it already has one or is canceled.
    pub fn settle(&self, py: Python<'_>, outcome: Outcome) -> PyResult<()> {
        let future = self.future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(());
        }
        *lock(&self.outcome) = Some(outcome);
        future.call_method1(intern!(py, "set_result"), (py.None(),)).map(drop)
    }

    fn take(&self) -> Option<Outcome> {
        lock(&self.outcome).take()
    }
}

/// An awaitable call, held by the coroutine that awaits it.
///
/// A canceled coroutine drops it, and that aborts the work. The Python result is built when the coroutine resumes.
#[pyclass(frozen, module = "replicant._native")]
pub struct Awaited {
    promise: Arc<Promise>,
    state: AtomicU8,
    driver: &'static Driver,
    /// The work, if there is any left.
    task: Option<AbortHandle>,
    /// Called when the coroutine is canceled.
    on_abandon: Option<OnAbandon>,
}

type OnAbandon = Box<dyn FnOnce(Python<'_>) + Send + Sync>;

const NEW: u8 = 0;
const WAITING: u8 = 1;
const FINISHED: u8 = 2;

impl Awaited {
    pub fn new(promise: Arc<Promise>, driver: &'static Driver, task: Option<AbortHandle>) -> Self {
        Self { promise, state: AtomicU8::new(NEW), driver, task, on_abandon: None }
    }

    /// Sets a function to call when the coroutine is canceled. It runs in a destructor, so it must not run Python code.
    pub fn on_abandon(mut self, call: impl FnOnce(Python<'_>) + Send + Sync + 'static) -> Self {
        self.on_abandon = Some(Box::new(call));
        self
    }
}

#[pymethods]
impl Awaited {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let _inside = gate::enter(py);
        if let Some(outcome) = self.promise.take() {
            self.state.store(FINISHED, Relaxed);
            return Err(PyStopIteration::new_err((outcome(py)?,)));
        }
        let future = self.promise.future.bind(py);
        if self.state.compare_exchange(NEW, WAITING, Relaxed, Relaxed).is_err() {
            // Raises if the future is canceled or has no result.
            future.call_method0(intern!(py, "result"))?;
            return Err(PyRuntimeError::new_err("cannot await the same call twice"));
        }
        // Tells the task to wait for this future.
        future.setattr(intern!(py, "_asyncio_future_blocking"), true)?;
        Ok(future.clone())
    }

    /// Used by `anext` with a default, like the method of asyncio futures.
    fn send<'py>(&self, py: Python<'py>, _value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.__next__(py)
    }

    #[pyo3(signature = (kind, value = None, _traceback = None, /))]
    fn throw<'py>(
        &self,
        kind: Bound<'py, PyAny>,
        value: Option<Bound<'py, PyAny>>,
        _traceback: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Err(PyErr::from_value(value.unwrap_or(kind)))
    }

    fn close(&self) {}

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // A running call also holds the future, and with it the waiting task.
        if Arc::strong_count(&self.promise) == 1 { visit.call(&self.promise.future) } else { Ok(()) }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // A forked child must not use the runtime of its parent.
        if !self.driver.is_of_this_process() {
            return;
        }
        // Even when finished: an observer may have ended a call whose work still runs.
        if let Some(task) = &self.task {
            task.abort();
        }
        // A call that was never awaited is not abandoned.
        if *self.state.get_mut() == WAITING
            && let Some(call) = self.on_abandon.take()
        {
            gate::attach(call);
        }
    }
}
