//! Errors: the core's fields become the exception class that `replicant._errors` has for the code.

use pyo3::{prelude::*, sync::PyOnceLock, types::PyDict};
use replicant::Error;

use crate::value;

/// The exception for an error of the core.
pub fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    owned(py, error, None)
}

/// The same for an error of a call, whose objects belong to the client `owner`.
pub fn owned(py: Python<'_>, error: &Error, owner: Option<&Py<PyAny>>) -> PyErr {
    raise(py, error, owner).unwrap_or_else(|failure| failure)
}

fn raise(py: Python<'_>, error: &Error, owner: Option<&Py<PyAny>>) -> PyResult<PyErr> {
    static FROM_FIELDS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = FROM_FIELDS.import(py, "replicant._errors", "from_fields")?;
    let fields = value::to_python(py, error.to_value(), None)?;
    Ok(PyErr::from_value(make.call1((fields.cast_into::<PyDict>()?, owner))?))
}
