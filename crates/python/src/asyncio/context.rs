//! Context variables.

use pyo3::{prelude::*, sync::PyOnceLock};

/// Returns a context in which no variable is set.
pub fn empty_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CONTEXT.import(py, "contextvars", "Context")?.call0()
}

/// Returns a copy of the current context.
pub fn current_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    COPY.import(py, "contextvars", "copy_context")?.call0()
}
