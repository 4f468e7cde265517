//! What async functions of the program return.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::prelude::*;
use pyo3_async_runtimes::{TaskLocals, into_future_with_locals};
use replicant::BoxFuture;

use crate::{once::intern, runtime::gate};

/// The result of an awaitable.
pub type PythonFuture = BoxFuture<'static, PyResult<Py<PyAny>>>;

/// Returns `true` for what an async function returns.
pub fn is_awaitable(object: &Bound<'_, PyAny>) -> bool {
    object.hasattr(intern!(object.py(), "__await__")).unwrap_or_default()
}

/// Closes a coroutine that nothing will await, so that Python does not warn about it. Returns `true` if it is one.
pub fn close(object: &Bound<'_, PyAny>) -> bool {
    let is_async = is_awaitable(object);
    if is_async {
        let _ = object.call_method0(intern!(object.py(), "close"));
    }
    is_async
}

/// Awaits `awaitable` on the event loop of `locals`. Fails if the loop ends before.
pub fn on_loop(locals: &TaskLocals, awaitable: Bound<'_, PyAny>) -> PyResult<PythonFuture> {
    let py = awaitable.py();
    let started = AtomicBool::new(false);
    let scheduled = Bound::new(py, Scheduled { awaitable: awaitable.unbind(), started })?;
    Ok(Box::pin(into_future_with_locals(locals, scheduled.into_any())?))
}

/// An awaitable that a loop may never await, because it ends.
#[pyclass(frozen, module = "replicant._native")]
struct Scheduled {
    awaitable: Py<PyAny>,
    started: AtomicBool,
}

#[pymethods]
impl Scheduled {
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.started.store(true, Relaxed);
        self.awaitable.bind(py).call_method0(intern!(py, "__await__"))
    }
}

impl Drop for Scheduled {
    fn drop(&mut self) {
        if !*self.started.get_mut() {
            gate::attach(|py| close(self.awaitable.bind(py)));
        }
    }
}
