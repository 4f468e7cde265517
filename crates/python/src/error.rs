//! Errors of the core as exceptions; `replicant._errors` has a class for each error code.

use std::{
    error::Error as _,
    sync::{Arc, Mutex},
};

use pyo3::{
    exceptions::{PyRuntimeError, PyStopAsyncIteration, PyStopIteration},
    prelude::*,
    types::PyDict,
};
use replicant::Error;

use crate::{once::Once, source::ReadFailure, value};

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

/// Returns the exception for an error of the core.
pub fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    of_call(py, error, None)
}

/// Returns the exception for an error of a call. Its objects belong to the client `owner`.
pub fn of_call(py: Python<'_>, error: &Error, owner: Option<&Py<PyAny>>) -> PyErr {
    build(py, error, owner).unwrap_or_else(|failure| failure)
}

fn build(py: Python<'_>, error: &Error, owner: Option<&Py<PyAny>>) -> PyResult<PyErr> {
    if let Some(failure) = error.source().and_then(|source| source.downcast_ref::<ReadFailure>()) {
        return Ok(reraised(py, failure.raised.clone_ref(py)));
    }
    static FROM_FIELDS: Once<PyAny> = Once::new();
    let from_fields = FROM_FIELDS.import(py, "replicant._errors", "from_fields")?;
    let fields = value::to_python(py, error.to_value(), None)?;
    Ok(PyErr::from_value(from_fields.call1((fields.cast_into::<PyDict>()?, owner))?))
}
