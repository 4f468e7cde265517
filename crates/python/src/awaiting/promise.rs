//! A call between its start and its outcome, as the coroutine that awaits it sees it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU8, Ordering::Relaxed},
};

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyRuntimeError, PyStopIteration},
    intern,
    prelude::*,
};
use tokio::task::AbortHandle;

use crate::engine::Engine;

/// Makes the Python result of what is finished; run by the thread of the event loop.
pub type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Where the outcome of a call and the task that awaits it meet.
pub struct Promise {
    /// Wakes the task: an asyncio future, whose own result is nothing.
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

    /// Wakes the task with `outcome`, unless it has one or is cancelled.
    pub fn settle(&self, py: Python<'_>, outcome: Outcome) -> PyResult<()> {
        let future = self.future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(());
        }
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        future.call_method1(intern!(py, "set_result"), (py.None(),)).map(drop)
    }

    fn take(&self) -> Option<Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A call that is awaited, as the coroutine that awaits it holds it.
///
/// Who is cancelled lets go of it, and that drops the work: the outcome is made of what came only when
/// the coroutine goes on.
#[pyclass(frozen, module = "replicant._native")]
pub struct Awaited {
    promise: Arc<Promise>,
    state: AtomicU8,
    engine: &'static Engine,
    task: AbortHandle,
    /// Called when the outcome is not wanted any more.
    given_up: Option<Then>,
}

type Then = Box<dyn FnOnce(Python<'_>) + Send + Sync>;

const NEW: u8 = 0;
const WAITING: u8 = 1;
const FINISHED: u8 = 2;

impl Awaited {
    pub fn new(promise: Arc<Promise>, engine: &'static Engine, task: AbortHandle) -> Self {
        Self { promise, state: AtomicU8::new(NEW), engine, task, given_up: None }
    }

    /// Has `then` called when it is given up; in a destructor, where nothing of Python may be called.
    pub fn or_else(mut self, then: impl FnOnce(Python<'_>) + Send + Sync + 'static) -> Self {
        self.given_up = Some(Box::new(then));
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
        if let Some(outcome) = self.promise.take() {
            self.state.store(FINISHED, Relaxed);
            return Err(PyStopIteration::new_err((outcome(py)?,)));
        }
        let future = self.promise.future.bind(py);
        if self.state.compare_exchange(NEW, WAITING, Relaxed, Relaxed).is_err() {
            // Raises that it was cancelled, or that there is nothing yet.
            future.call_method0(intern!(py, "result"))?;
            return Err(PyRuntimeError::new_err("cannot await the same call twice"));
        }
        // How a task knows that it is to wait for what it is given.
        future.setattr(intern!(py, "_asyncio_future_blocking"), true)?;
        Ok(future.clone())
    }

    /// What `anext` with a default asks of it, as asyncio's own futures have it.
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
        // While the work goes on, it holds the future as well, and with it the task that waits.
        if Arc::strong_count(&self.promise) == 1 { visit.call(&self.promise.future) } else { Ok(()) }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // A forked child must not touch the runtime of its parent.
        if !self.engine.is_of_this_process() {
            return;
        }
        // Also when it is finished: an observer may have ended a call whose work goes on.
        self.task.abort();
        // One that nobody ever awaited gives up nothing.
        if *self.state.get_mut() == WAITING
            && let Some(then) = self.given_up.take()
        {
            Python::try_attach(then);
        }
    }
}
