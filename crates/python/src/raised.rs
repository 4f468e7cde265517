//! Exceptions of the user's code.

use std::sync::{Arc, Mutex};

use pyo3::{
    exceptions::{PyRuntimeError, PyStopAsyncIteration, PyStopIteration},
    prelude::*,
};

use crate::once::Once;

/// An exception of the user's code that ends a call; re-raised to the caller as it is.
pub type Raised = Arc<Mutex<Option<PyErr>>>;

/// Returns an exception of the user's code as its caller gets it. The exceptions that end an iterator or a coroutine become
/// causes, because a call that raises them would look like one that returned.
pub fn reraised(py: Python<'_>, raised: PyErr) -> PyErr {
    let ends =
        raised.is_instance_of::<PyStopIteration>(py) || raised.is_instance_of::<PyStopAsyncIteration>(py);
    if !ends {
        return raised;
    }
    let error = PyRuntimeError::new_err(format!("a function of the program raised {raised}"));
    error.set_cause(py, Some(raised));
    error
}

/// Returns the exception for a call in a place where it is impossible, which changes nothing: another place may succeed.
pub fn misplaced(py: Python<'_>, message: &'static str) -> PyErr {
    static CLASS: Once<PyAny> = Once::new();
    let made =
        CLASS.import(py, "replicant._exception", "MisplacedError").and_then(|class| class.call1((message,)));
    made.map_or_else(|failure| failure, PyErr::from_value)
}
