//! The Python object that receives the notices of one call.

use std::sync::{Arc, Mutex};

use pyo3::{exceptions::PyKeyboardInterrupt, prelude::*, types::PyDict};
use replicant::{
    Error, ErrorKind, Result, Value,
    bindings::{Wanted, lock},
    hooks::HeaderChanges,
    telemetry::Level,
};
use tokio::sync::oneshot;

use super::{Notice, deliver_late};
use crate::{
    once::{Once, intern},
    raised::Raised,
    value,
};

/// A `replicant._telemetry.Receiver`.
pub struct Receiver {
    object: Py<PyAny>,
    pub wanted: Wanted,
    /// The exception that a hook raised.
    pub raised: Raised,
}

/// The level `INFO` of Python's `logging`. Calls with warnings only need no receiver.
const INFO: u8 = 20;

impl Receiver {
    /// Returns the receiver of a call in the current context; `None` if nothing receives more than warnings, which takes
    /// little time.
    pub fn current(py: Python<'_>, hooks: Option<&Py<PyAny>>) -> PyResult<Option<Arc<Self>>> {
        deliver_late(py);
        static MODULES: Once<PyDict> = Once::new();
        static RECEIVER_OF: Once<PyAny> = Once::new();
        let modules = MODULES.get_or_try_init(|| {
            PyResult::Ok(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind())
        })?;
        let modules = modules.bind(py);
        // A program that logs or traces has imported these.
        let logs = modules.contains(intern!(py, "logging"))? && is_logging(py)?;
        let traces = modules.contains(intern!(py, "opentelemetry.trace"))?;
        if !logs && !traces && hooks.is_none() {
            return Ok(None);
        }
        let receiver =
            RECEIVER_OF.import(py, "replicant._telemetry", "receiver_of")?.call1((hooks, logs, traces))?;
        if receiver.is_none() {
            return Ok(None);
        }
        let level: String = receiver.getattr(intern!(py, "level"))?.extract()?;
        let spans = receiver.getattr(intern!(py, "spans"))?.extract()?;
        let (on_request, on_response, on_retry) = receiver.getattr(intern!(py, "asks"))?.extract()?;
        let level = Level::from_name(&level).unwrap_or(Level::Off);
        let wanted = Wanted { level, spans, on_request, on_response, on_retry };
        Ok(Some(Arc::new(Self { object: receiver.unbind(), wanted, raised: Raised::default() })))
    }

    /// Passes a notice on. An exception of a hook ends the call. A hook may be async if the call is `awaited`, on the running
    /// event loop.
    pub fn receive(&self, py: Python<'_>, notice: Notice, awaited: bool) {
        match notice {
            Notice::State(_) => {}
            Notice::Record(record) => {
                let record = value::to_python(py, record, None);
                let object = self.object.bind(py);
                let done = record.and_then(|record| object.call_method1(intern!(py, "record"), (record,)));
                if let Err(error) = done {
                    report(py, error, Some(object));
                }
            }
            Notice::Ask(question, answer) => {
                let reply = Reply { answer: Mutex::new(Some(answer)), raised: self.raised.clone() };
                if let Err(error) = self.ask(py, question, reply, awaited) {
                    report(py, error, None);
                }
            }
        }
    }

    fn ask(&self, py: Python<'_>, question: Value, reply: Reply, awaited: bool) -> PyResult<()> {
        let reply = Bound::new(py, reply)?;
        let question = value::to_python(py, question, None)?;
        let asked = self.object.bind(py).call_method1(intern!(py, "ask"), (question, &reply, awaited));
        if let Err(error) = asked {
            reply.get().fail_with(error);
        }
        Ok(())
    }
}

/// Logs a warning of a call without a receiver.
pub fn log(py: Python<'_>, warning: Value) {
    static LOG: Once<PyAny> = Once::new();
    let done = LOG
        .import(py, "replicant._telemetry", "log")
        .and_then(|log| log.call1((value::to_python(py, warning, None)?,)));
    if let Err(error) = done {
        report(py, error, None);
    }
}

/// Reports an exception that ends nothing. Ctrl-C is kept for the wait that delivers notices, which it ends.
fn report(py: Python<'_>, error: PyErr, object: Option<&Bound<'_, PyAny>>) {
    let interrupted = error.is_instance_of::<PyKeyboardInterrupt>(py)
        && py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main")).is_ok();
    if !interrupted {
        error.write_unraisable(py, object);
    }
}

/// Returns `true` if the logger `replicant` is enabled for more than warnings.
fn is_logging(py: Python<'_>) -> PyResult<bool> {
    static LOGGER: Once<PyAny> = Once::new();
    let logger = LOGGER.get_or_try_init(|| {
        let logging = py.import("logging")?;
        PyResult::Ok(logging.call_method1("getLogger", ("replicant",))?.unbind())
    })?;
    logger.bind(py).call_method1(intern!(py, "isEnabledFor"), (INFO,))?.is_truthy()
}

/// Where a hook sends its answer. A reply that is dropped changes nothing.
#[pyclass(frozen, module = "replicant._native")]
struct Reply {
    answer: Mutex<Option<oneshot::Sender<Result<HeaderChanges>>>>,
    raised: Raised,
}

impl Reply {
    fn send(&self, answer: Result<HeaderChanges>) {
        let sender = lock(&self.answer).take();
        // Fails if the call was abandoned.
        drop(sender.map(|sender| sender.send(answer)));
    }

    fn fail_with(&self, exception: PyErr) {
        // First, because the call may end as soon as it has the answer.
        *lock(&self.raised) = Some(exception);
        self.send(Err(Error::new(ErrorKind::Internal, "a hook raised an exception")));
    }
}

#[pymethods]
impl Reply {
    /// Sends the headers to change; a header without a value is removed.
    fn __call__(&self, changes: HeaderChanges) {
        self.send(Ok(changes));
    }

    /// Ends the call with an exception.
    fn fail(&self, exception: Bound<'_, PyAny>) {
        self.fail_with(PyErr::from_value(exception));
    }
}
