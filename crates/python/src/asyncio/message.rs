//! What a channel delivers to its event loop.

use std::sync::{Arc, Mutex};

use pyo3::{prelude::*, types::PyDict};
use replicant::{Value, bindings::lock};

use super::{
    context::empty_context,
    promise::{Outcome, Promise},
};
use crate::{once::intern, raised::reraised, runtime::gate, value};

pub enum Message {
    /// A call is finished.
    Finished { promise: Arc<Promise>, outcome: Outcome },
    /// An observer is to be called with a value.
    Observed { observer: Arc<LoopObserver>, value: Value },
    /// Work to do in a context. If the loop is closed, it is dropped.
    Work { context: Arc<Py<PyAny>>, work: Work },
}

pub type Work = Box<dyn FnOnce(Python<'_>) + Send>;

impl Message {
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Finished { .. })
    }

    pub fn deliver(self, py: Python<'_>) {
        let (delivered, to) = match self {
            Self::Finished { promise, outcome } => (promise.settle(py, outcome), promise.future(py)),
            Self::Observed { observer, value } => (observer.call(py, value), observer.observer.clone_ref(py)),
            Self::Work { work, .. } => return work(py),
        };
        // An exception of one message must not prevent the delivery of the others.
        if let Err(error) = delivered {
            error.write_unraisable(py, Some(to.bind(py)));
        }
    }

    /// Returns a context to deliver this in: a copy of the caller's for an observer, otherwise an empty one.
    fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Observed { observer, .. } => observer.context.bind(py).call_method0(intern!(py, "copy")),
            Self::Work { context, .. } => context.bind(py).call_method0(intern!(py, "copy")),
            Self::Finished { .. } => empty_context(py),
        }
    }
}

/// The observer of a call, whose exception ends that call.
pub struct LoopObserver {
    pub observer: Py<PyAny>,
    pub client: Py<PyAny>,
    pub promise: Arc<Promise>,
    /// The context variables of the caller.
    pub context: Py<PyAny>,
}

impl LoopObserver {
    fn call(&self, py: Python<'_>, value: Value) -> PyResult<()> {
        let value = value::to_python(py, value, Some(self.client.bind(py)));
        let called = value.and_then(|value| self.observer.bind(py).call1((value,)).map(drop));
        called.or_else(|raised| self.promise.settle(py, Box::new(|py| Err(reraised(py, raised)))))
    }
}

/// A callback that delivers one message.
#[pyclass(frozen, module = "replicant._native")]
pub struct Deliver(Mutex<Option<Message>>);

impl Deliver {
    /// Delivers each message in its own context, through `event_loop`.
    pub fn schedule(event_loop: &Bound<'_, PyAny>, messages: Vec<Message>) -> PyResult<()> {
        let py = event_loop.py();
        let arguments = PyDict::new(py);
        for message in messages {
            arguments.set_item(intern!(py, "context"), message.context(py)?)?;
            let deliver = Bound::new(py, Self(Mutex::new(Some(message))))?;
            event_loop.call_method(intern!(py, "call_soon"), (deliver,), Some(&arguments))?;
        }
        Ok(())
    }
}

#[pymethods]
impl Deliver {
    fn __call__(&self, py: Python<'_>) {
        let _inside = gate::enter(py);
        let message = lock(&self.0).take();
        if let Some(message) = message {
            message.deliver(py);
        }
    }
}
