//! `replicant._native`: the binding between the core and the Python package `replicant`, which alone uses it.
//!
//! It converts values, errors and streams, and knows no endpoint: operations are named by the core's tables. Each
//! module uses only modules that come before it in the list in `tests/layers.rs`.

mod asyncio;
mod awaitable;
mod client;
mod command_line;
mod error;
mod folder;
mod once;
mod raised;
mod read_ahead;
mod reading;
mod reply;
mod runtime;
mod secret;
mod source;
mod stream;
mod telemetry;
mod transport;
mod turns;
mod value;

use pyo3::prelude::*;

/// The module `replicant._native`.
#[pymodule(gil_used = false)]
mod _native {
    use std::{
        sync::atomic::{AtomicBool, Ordering::Relaxed},
        time::Duration,
    };

    use pyo3::{
        prelude::*,
        types::{PyDict, PyString, PyTuple},
    };
    use replicant::{
        ErrorKind,
        bindings::{close_in_child, is_secret_option},
        operation,
    };

    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::command_line::command_line;
    #[pymodule_export]
    use crate::folder::CheckpointFolder;
    #[pymodule_export]
    use crate::secret::Secret;
    #[pymodule_export]
    use crate::stream::Stream;
    #[pymodule_export]
    use crate::turns::Turns;
    use crate::{
        error,
        once::Once,
        read_ahead, reply,
        runtime::{self, gate},
        secret, telemetry, value,
    };

    /// Runs an operation that needs neither client nor network.
    #[pyfunction]
    #[pyo3(signature = (name, params, /))]
    fn compute<'py>(name: &str, params: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let py = params.py();
        let _inside = gate::enter(py);
        let params = value::from_python(params.as_any())?;
        let result = runtime::guard(|| operation::compute(name, params));
        reply::to_python(py, result.map_err(|error| error::to_python(py, &error))?, None)
    }

    /// Returns a text as a `Secret`, and anything else unchanged.
    #[pyfunction]
    #[pyo3(signature = (value, /))]
    fn conceal<'py>(value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        secret::conceal(value)
    }

    /// Returns True if a header or query parameter is likely to be a secret.
    #[pyfunction]
    #[pyo3(signature = (name, value, /))]
    fn is_secret(name: &Bound<'_, PyString>, value: &Bound<'_, PyString>) -> bool {
        is_secret_option(&name.to_string_lossy(), &value.to_string_lossy())
    }

    /// Waits for background requests, such as cancels.
    #[pyfunction]
    #[pyo3(signature = (seconds, /))]
    fn drain(py: Python<'_>, seconds: f64) {
        let _inside = gate::enter(py);
        runtime::drain(py, Duration::from_secs_f64(seconds.clamp(0.0, 60.0)));
    }

    /// Starts again in a forked child.
    #[pyfunction]
    #[pyo3(pass_module)]
    fn forked(module: &Bound<'_, PyModule>) -> PyResult<()> {
        close_in_child();
        gate::start_in_child();
        watch(module)
    }

    /// Lets worker processes, which run no exit handlers, end all work too.
    fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
        static WATCH: Once<PyAny> = Once::new();
        let watch = WATCH.import(module.py(), "replicant._workers", "watch")?;
        watch.call1((module.getattr("finish")?,)).map(drop)
    }

    /// Ends all work at the end of the process.
    #[pyfunction]
    fn finish(py: Python<'_>) {
        telemetry::stop_asking();
        runtime::finish(py, read_ahead::close_all);
        telemetry::deliver_late(py);
    }

    /// Whether an interpreter runs the handlers. The end of another one, a sub-interpreter, does not end the process.
    static IS_REGISTERED: AtomicBool = AtomicBool::new(false);

    fn register(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
        // A cancel caused by the last line of a script must be sent before the process ends.
        py.import("atexit")?.call_method1("register", (module.getattr("finish")?,))?;
        if let Some(register) = py.import("os")?.getattr_opt("register_at_fork")? {
            let hooks = PyDict::new(py);
            hooks.set_item("after_in_child", module.getattr("forked")?)?;
            register.call((), Some(&hooks))?;
        }
        watch(module)
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("OPERATIONS", PyTuple::new(py, operation::OPERATIONS)?)?;
        module.add("STREAMS", PyTuple::new(py, operation::STREAMS)?)?;
        module.add("COMPUTATIONS", PyTuple::new(py, operation::COMPUTATIONS)?)?;
        module.add("ERROR_CODES", PyTuple::new(py, ErrorKind::ALL.iter().map(|kind| kind.code()))?)?;
        if !IS_REGISTERED.swap(true, Relaxed) {
            register(py, module)?;
        }
        Ok(())
    }
}
