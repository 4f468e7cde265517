//! Errors of the core as exceptions; `replicant._errors` has a class for each error code.

use std::error::Error as _;

use pyo3::{prelude::*, types::PyDict};
use replicant::Error;

use crate::{once::Once, raised::reraised, source::ReadFailure, value};

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
