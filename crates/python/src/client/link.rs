//! The core's client for one call.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3_async_runtimes::TaskLocals;
use replicant::{
    BoxFuture, Client as Core, Error, ErrorKind, Observer,
    bindings::{Following, lock},
    telemetry::{attach, attach_stream},
};

use crate::{
    asyncio::{CompletionChannel, current_context},
    error,
    raised::{Raised, reraised},
    read_ahead::Items,
    runtime::Inbox,
    telemetry::{Notice, Receiver, Relay, WARNINGS},
    transport::PythonTransport,
};

/// The core's client for one call, and what its errors need.
pub struct Link {
    pub core: Core,
    /// The exception that the transport or a hook raised.
    raised: Option<Raised>,
    /// What the core reports to, if there is a receiver, until the call has returned.
    following: Option<Following>,
    /// What brings the notices to the receiver, if there is one.
    pub relay: Option<Relay>,
}

impl Link {
    /// Returns the link of a call in the current context. `adapter` sends its requests, and `hooks` are called for them.
    pub fn new(
        py: Python<'_>,
        core: Core,
        adapter: Option<&Py<PyAny>>,
        hooks: Option<&Py<PyAny>>,
        awaited: bool,
    ) -> PyResult<Self> {
        let mut link = Self { core, raised: None, following: None, relay: None };
        if let Some(receiver) = Receiver::current(py, hooks)? {
            link.raised = Some(receiver.raised.clone());
            let relay = Relay::new(receiver);
            if awaited {
                relay.await_on(py, &CompletionChannel::current(py)?)?;
            }
            let following = relay.follow();
            link.core = following.client(&link.core);
            link.following = Some(following);
            link.relay = Some(relay);
        }
        match adapter {
            Some(adapter) => link.through(py, adapter, awaited),
            None => Ok(link),
        }
    }

    /// Sends the requests through `adapter`.
    ///
    /// The link serves one call only: the event loop that awaits the call must also await the transport.
    fn through(mut self, py: Python<'_>, adapter: &Py<PyAny>, awaited: bool) -> PyResult<Self> {
        let locals = awaited.then(|| TaskLocals::with_running_loop(py)?.copy_context(py)).transpose()?;
        let raised = self.raised.get_or_insert_default().clone();
        let context = current_context(py)?.unbind();
        let transport = PythonTransport::new(adapter.clone_ref(py), locals, context, raised);
        self.core = self.core.with_transport(Arc::new(transport));
        Ok(self)
    }

    /// Returns an observer for a blocking call if it is `observed`, and what brings the values and notices to it.
    pub fn observation(&self, observed: bool) -> (Option<Observer>, Option<Arc<Inbox<Notice>>>) {
        let notices = self.relay.as_ref().map(|relay| relay.notices.clone());
        if !observed {
            return (None, notices);
        }
        let notices = notices.unwrap_or_else(|| Arc::new(Inbox::new()));
        let to = notices.clone();
        (Some(Arc::new(move |value| to.send(Notice::State(value)))), Some(notices))
    }

    /// Passes a notice of a blocking call to the receiver.
    pub fn receive(&self, py: Python<'_>, notice: Notice) {
        if let Some(relay) = &self.relay {
            relay.receive(py, notice);
        }
    }

    /// Returns work that the receiver follows; its warnings are logged in any case.
    pub fn follow<T: 'static>(&self, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        match &self.following {
            Some(following) => following.work(work),
            None => attach(WARNINGS.clone(), work),
        }
    }

    /// Returns a stream that the receiver follows; its warnings are logged in any case. The call returns when the stream is dropped.
    pub fn follow_stream(&mut self, items: Items) -> Items {
        match self.following.take() {
            Some(following) => following.stream(items),
            None => attach_stream(WARNINGS.clone(), items),
        }
    }

    /// Returns the exception for an error. Its objects belong to the client `owner`.
    pub fn error(&self, py: Python<'_>, error: &Error, owner: Option<&Py<PyAny>>) -> PyErr {
        // If the transport or a hook raised, the core reports `Internal` or `OutcomeUnknown`, so re-raise the original.
        let foreign = matches!(error.kind(), ErrorKind::Internal | ErrorKind::OutcomeUnknown);
        let raised = self.raised.as_ref().filter(|_| foreign).and_then(|raised| lock(raised).take());
        match raised {
            Some(raised) => reraised(py, raised),
            None => error::of_call(py, error, owner),
        }
    }
}
