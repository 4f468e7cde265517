//! Replies of operations as Python objects.

use std::{mem, process, sync::Arc};

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use replicant::{
    Reply,
    operation::{Payload, PredictionGuard},
};

use crate::{
    error,
    once::{Once, intern},
    value,
};

/// Returns a payload as a Python object; JSON text becomes Python objects directly.
pub fn to_python<'py>(
    py: Python<'py>,
    payload: Payload,
    client: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match payload {
        Payload::Json(text) => match value::json::to_python(py, &text, None) {
            Some(object) => Ok(object),
            None => value::exact_json::to_python(py, &text),
        },
        Payload::Live(value, guard) => {
            let reply = value::to_python(py, value, client)?;
            reply.set_item(intern!(py, "guard"), Guard { guard, process: process::id() })?;
            Ok(reply)
        }
        payload => {
            let value = payload.into_value().map_err(|error| error::to_python(py, &error))?;
            value::to_python(py, value, client)
        }
    }
}

/// Returns the value of a reply. An object remembers the status and the headers that it came with.
pub fn reply_to_python<'py>(
    py: Python<'py>,
    reply: Reply<Payload>,
    client: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    static MEMBERS: Once<PyAny> = Once::new();
    // A call of several requests, such as `run`, has no response.
    if reply.headers.is_empty() {
        return to_python(py, reply.value, client);
    }
    let members = MEMBERS.import(py, "replicant._members", "Members")?.call0()?.cast_into::<PyDict>()?;
    let object = match &reply.value {
        Payload::Json(text) => value::json::to_python(py, text, Some(members.clone())),
        _ => None,
    };
    let object = match object {
        Some(object) => object,
        None => to_python(py, reply.value, client)?,
    };
    if !object.is(&members) {
        // A list, a text, or an object of a kind that the core has decoded, such as a page.
        let Ok(decoded) = object.cast::<PyDict>() else { return Ok(object) };
        members.update(decoded.as_mapping())?;
    }
    let response = Response { status: reply.status, headers: reply.headers };
    members.as_any().setattr(intern!(py, "response"), Bound::new(py, response)?)?;
    Ok(members.into_any())
}

/// Cancels a prediction on drop, unless the reader of its output has taken it over.
#[pyclass(frozen, module = "replicant._native")]
struct Guard {
    guard: Arc<dyn PredictionGuard>,
    process: u32,
}

#[pymethods]
impl Guard {
    fn disarm(&self) {
        self.guard.disarm();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The prediction of a parent goes on when a forked child drops its copy.
        if self.process != process::id() {
            mem::forget(self.guard.clone());
        }
    }
}

/// The status and the headers of a response, which become Python objects on demand.
#[pyclass(frozen, module = "replicant._native")]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
}

#[pymethods]
impl Response {
    fn __call__<'py>(&self, py: Python<'py>) -> PyResult<(u16, Bound<'py, PyTuple>)> {
        Ok((self.status, PyTuple::new(py, self.headers.iter().map(|(name, value)| (name, value)))?))
    }
}
