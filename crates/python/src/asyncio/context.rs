//! Context variables.

use pyo3::prelude::*;

use crate::once::Once;

/// Returns a context in which no variable is set.
pub fn empty_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static CONTEXT: Once<PyAny> = Once::new();
    CONTEXT.import(py, "contextvars", "Context")?.call0()
}

/// Returns a copy of the current context.
pub fn current_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static COPY: Once<PyAny> = Once::new();
    COPY.import(py, "contextvars", "copy_context")?.call0()
}
