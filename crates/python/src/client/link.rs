//! The core's client for one call.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3_async_runtimes::TaskLocals;
use replicant::{Client as Core, Error, ErrorKind};

use crate::{
    asyncio::current_context,
    error,
    lock::lock,
    transport::{PythonTransport, Raised},
};

/// The core's client for one call, and what its errors need.
pub struct Link {
    pub core: Core,
    /// The exception that the transport raised.
    raised: Option<Raised>,
    /// The Python client of the call.
    owner: Option<Py<PyAny>>,
}

impl Link {
    pub fn new(core: Core, owner: Option<Py<PyAny>>) -> Self {
        Self { core, raised: None, owner }
    }

    /// Returns a link whose requests are sent by `adapter`.
    ///
    /// It serves one call only: the event loop that awaits the call must also await the transport.
    pub fn through(
        py: Python<'_>,
        core: &Core,
        adapter: &Py<PyAny>,
        awaited: bool,
        owner: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let locals = awaited.then(|| TaskLocals::with_running_loop(py)?.copy_context(py)).transpose()?;
        let raised = Raised::default();
        let context = current_context(py)?.unbind();
        let transport = PythonTransport::new(adapter.clone_ref(py), locals, context, raised.clone());
        Ok(Self { core: core.with_transport(Arc::new(transport)), raised: Some(raised), owner })
    }

    /// Returns the exception for an error.
    pub fn error(&self, py: Python<'_>, error: &Error) -> PyErr {
        // If the transport raised, the core reports `Internal` or `OutcomeUnknown`, so re-raise the original.
        let foreign = matches!(error.kind(), ErrorKind::Internal | ErrorKind::OutcomeUnknown);
        let raised = self.raised.as_ref().filter(|_| foreign).and_then(|raised| lock(raised).take());
        raised.unwrap_or_else(|| error::of_call(py, error, self.owner.as_ref()))
    }
}
