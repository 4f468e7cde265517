//! `replicant._native`: the core, as Python's `replicant` package drives it.
//!
//! Private to that package. It moves values, errors and streams across and knows no endpoint: what
//! can be called is named by strings of the core's operation table.

mod awaiting;
mod client;
mod emulator;
mod engine;
mod error;
mod json;
mod reader;
mod runtime;
mod source;
mod stream;
mod transport;
mod value;

use pyo3::prelude::*;

/// The module `replicant._native`.
#[pymodule(gil_used = false)]
mod _native {
    use std::time::Duration;

    use pyo3::{
        prelude::*,
        types::{PyDict, PyTuple},
    };
    use replicant::{ErrorKind, background, operation};

    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::emulator::Emulator;
    #[pymodule_export]
    use crate::stream::Stream;
    use crate::{error, runtime, value};

    /// Carries out an operation that needs neither client nor network.
    #[pyfunction]
    #[pyo3(signature = (name, params, /))]
    fn compute<'py>(name: &str, params: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let py = params.py();
        let params = value::from_python(params.as_any())?;
        let result = runtime::guard(|| operation::compute(name, params));
        value::of_answer(py, result.map_err(|error| error::to_python(py, &error))?, None)
    }

    /// Waits for requests that were left running in the background, such as cancels.
    #[pyfunction]
    #[pyo3(signature = (seconds, /))]
    fn drain(py: Python<'_>, seconds: f64) {
        runtime::drain(py, Duration::from_secs_f64(seconds.clamp(0.0, 60.0)));
    }

    /// What the end of the process does.
    #[pyfunction]
    fn finish(py: Python<'_>) {
        runtime::finish(py, background::AT_EXIT);
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("OPERATIONS", PyTuple::new(py, operation::OPERATIONS)?)?;
        module.add("STREAMS", PyTuple::new(py, operation::STREAMS)?)?;
        module.add("COMPUTATIONS", PyTuple::new(py, operation::COMPUTATIONS)?)?;
        module.add("ERROR_CODES", PyTuple::new(py, ErrorKind::ALL.iter().map(|kind| kind.code()))?)?;
        // A cancel caused by a script's last line must leave before the process does.
        py.import("atexit")?.call_method1("register", (module.getattr("finish")?,))?;
        Ok(())
    }
}
