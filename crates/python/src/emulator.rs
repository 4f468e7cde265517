//! The emulator inside this process, for tests.

use std::io::{Error, ErrorKind};

use pyo3::{exceptions::PyValueError, prelude::*};

use crate::runtime::gate;

/// A running emulator. It stops when it is stopped or garbage-collected.
#[pyclass(frozen, module = "replicant._native")]
pub struct Emulator(replicant_emulator::Emulator);

#[pymethods]
impl Emulator {
    /// Starts an emulator with the command-line options of the program.
    #[new]
    #[pyo3(signature = (arguments, /))]
    fn new(py: Python<'_>, arguments: Vec<String>) -> PyResult<Self> {
        let _inside = gate::enter(py);
        let arguments =
            replicant_emulator::arguments::parse(arguments.into_iter()).map_err(PyValueError::new_err)?;
        let config = arguments.map(|arguments| arguments.config).unwrap_or_default();
        // An option out of range is not an error of the operating system.
        let refused = |error: Error| match error.kind() {
            ErrorKind::InvalidInput => PyValueError::new_err(error.to_string()),
            _ => error.into(),
        };
        gate::detach(py, || replicant_emulator::Emulator::start(config)).map(Self).map_err(refused)
    }

    fn addresses(&self) -> String {
        self.0.addresses_json()
    }

    fn requests(&self) -> String {
        self.0.requests_json()
    }

    fn add_faults(&self, rules: &str) -> PyResult<()> {
        self.0.add_faults(rules).map_err(PyValueError::new_err)
    }

    fn stop(&self, py: Python<'_>) {
        let _inside = gate::enter(py);
        gate::detach(py, || self.0.stop());
    }
}
