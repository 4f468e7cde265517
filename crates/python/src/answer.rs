//! Answers of operations as Python objects.

use pyo3::prelude::*;
use replicant::operation::Answer;

use crate::{error, value};

/// Returns an answer as a Python object; JSON text becomes Python objects directly.
pub fn to_python<'py>(
    py: Python<'py>,
    answer: Answer,
    client: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Answer::Json(text) = &answer
        && let Some(object) = value::json::to_python(py, text)
    {
        return Ok(object);
    }
    let value = answer.into_value().map_err(|error| error::to_python(py, &error))?;
    value::to_python(py, value, client)
}
