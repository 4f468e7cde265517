//! Programs that gevent or eventlet has patched: a blocking call lets other greenlets run.

use std::time::Duration;

use pyo3::{prelude::*, types::PyDict};

/// The cooperative `time.sleep` of gevent or eventlet.
pub struct Greenlets<'py>(Bound<'py, PyAny>);

impl<'py> Greenlets<'py> {
    /// Returns the cooperative `sleep` if the program is patched.
    pub fn current(py: Python<'py>) -> PyResult<Option<Self>> {
        const PATCHERS: [(&str, &str); 2] =
            [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")];
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
        for (module, is_patched) in PATCHERS {
            if let Some(module) = modules.get_item(module)?
                && module.call_method1(is_patched, ("time",))?.is_truthy()?
            {
                return Ok(Some(Self(py.import("time")?.getattr("sleep")?)));
            }
        }
        Ok(None)
    }

    /// Lets other greenlets run. Raises the exception of a greenlet that is killed or has timed out.
    pub fn rest(&self, pause: Duration) -> PyResult<()> {
        self.0.call1((pause.as_secs_f64(),)).map(drop)
    }
}
