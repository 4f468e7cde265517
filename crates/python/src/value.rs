//! Values of the core as Python objects, and back. All data crosses here.

pub mod exact_json;
mod from_python;
pub mod json;

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyList, PyString},
};
use replicant::{Number, Value};

use crate::once::Once;

pub use self::from_python::from_python;

/// Returns a value of the core as a Python object. `client` downloads its files.
pub fn to_python<'py>(
    py: Python<'py>,
    value: Value,
    client: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(bool) => PyBool::new(py, bool).to_owned().into_any(),
        Value::Number(Number::Int(int)) => int.into_pyobject(py)?.into_any(),
        Value::Number(Number::UInt(int)) => int.into_pyobject(py)?.into_any(),
        Value::Number(Number::Big(digits)) => exact_json::integer(py, &digits)?,
        Value::Number(Number::Float(float)) => PyFloat::new(py, float).into_any(),
        Value::String(string) => PyString::new(py, &string).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item, client)?)?;
            }
            list.into_any()
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (name, member) in members {
                dict.set_item(json::name(py, &name), to_python(py, member, client)?)?;
            }
            dict.into_any()
        }
        Value::Bytes(bytes) => PyBytes::new(py, &bytes).into_any(),
        Value::FileUrl(url) => file_output(py, &url, client)?,
        Value::Json(text) => exact_json::to_python(py, &text)?,
        Value::File(_) => return Err(PyTypeError::new_err("a file for upload cannot be returned")),
    })
}

/// Returns the `FileOutput` for a URL.
pub fn file_output<'py>(
    py: Python<'py>,
    url: &str,
    client: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: Once<PyAny> = Once::new();
    CLASS.import(py, "replicant._files", "FileOutput")?.call1((url, client))
}
