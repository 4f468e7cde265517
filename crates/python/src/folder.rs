//! A folder of checkpoints for the batches of Ray.

use std::path::PathBuf;

use pyo3::prelude::*;
use replicant::{Value, bindings};

use crate::{error, runtime::gate, value};

/// A folder of checkpoints, one for each of the batches into which another program cuts the rows.
#[pyclass(frozen, module = "replicant._native")]
pub struct CheckpointFolder(bindings::CheckpointFolder);

#[pymethods]
impl CheckpointFolder {
    /// `retries` and `retry_unknown` are those of the batches.
    #[new]
    #[pyo3(signature = (path, /, retries = 0, retry_unknown = false))]
    fn new(path: PathBuf, retries: u32, retry_unknown: bool) -> Self {
        Self(bindings::CheckpointFolder::new(path, retries, retry_unknown))
    }

    /// Returns the path of the checkpoint of a batch, which has what any file of the folder has of its rows.
    #[pyo3(signature = (keys, /))]
    fn prepare(&self, py: Python<'_>, keys: Vec<Bound<'_, PyAny>>) -> PyResult<String> {
        let _inside = gate::enter(py);
        let keys: Vec<Value> = keys.iter().map(value::from_python).collect::<PyResult<_>>()?;
        let path = gate::detach(py, || self.0.prepare(&keys));
        path.map(|path| path.to_string_lossy().into_owned()).map_err(|error| error::to_python(py, &error))
    }

    /// Returns True if a row of a prepared batch needs a create.
    #[pyo3(signature = (key, /))]
    fn needs_create(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let _inside = gate::enter(key.py());
        Ok(self.0.needs_create(&value::from_python(key)?))
    }
}
