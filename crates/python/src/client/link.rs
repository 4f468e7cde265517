//! The core's client for one call.

use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3_async_runtimes::TaskLocals;
use replicant::{BoxFuture, Client as Core, Error, ErrorKind, Observer, bindings::Following};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    asyncio::current_context,
    error,
    lock::lock,
    raised::{Raised, reraised},
    read_ahead::Items,
    telemetry::{Notice, Notices, Receiver, follow_awaited, follow_blocking, keep_all_for_later, notices},
    transport::PythonTransport,
};

/// The core's client for one call, and what its errors need.
pub struct Link {
    pub core: Core,
    /// The exception that the transport or a hook raised.
    raised: Option<Raised>,
    /// The Python client of the call.
    owner: Option<Py<PyAny>>,
    following: Option<(Arc<Receiver>, Following)>,
    /// Both ends of the channel to the thread of a blocking call, if a receiver follows it.
    notify: Option<UnboundedSender<Notice>>,
    notices: Mutex<Option<Notices>>,
}

impl Link {
    /// Returns the link of a call in the current context. `adapter` sends its requests, and `hooks` are called for them.
    pub fn new(
        py: Python<'_>,
        core: Core,
        adapter: Option<&Py<PyAny>>,
        hooks: Option<&Py<PyAny>>,
        awaited: bool,
        owner: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let receiver = Receiver::current(py, hooks)?;
        let mut link =
            Self { core, raised: None, owner, following: None, notify: None, notices: Mutex::default() };
        if let Some(receiver) = receiver {
            link.raised = Some(receiver.raised.clone());
            let following = if awaited {
                follow_awaited(py, &receiver)?
            } else {
                let (send, receive) = notices();
                link.notify = Some(send.clone());
                link.notices = Mutex::new(Some(receive));
                follow_blocking(&receiver, send)
            };
            link.core = following.client(&link.core);
            link.following = Some((receiver, following));
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
    pub fn observation(&self, observed: bool) -> (Option<Observer>, Option<Notices>) {
        let taken = lock(&self.notices).take();
        if !observed {
            return (None, taken);
        }
        let (send, receive) = match (&self.notify, taken) {
            (Some(send), Some(receive)) => (send.clone(), receive),
            _ => notices(),
        };
        (Some(Arc::new(move |value| drop(send.send(Notice::State(value))))), Some(receive))
    }

    /// Takes the notices of a stream while a thread waits for an item.
    pub fn take_notices(&self) -> Option<Notices> {
        lock(&self.notices).take()
    }

    pub fn put_notices(&self, notices: Notices) {
        *lock(&self.notices) = Some(notices);
    }

    /// Passes a notice to the receiver.
    pub fn receive(&self, py: Python<'_>, notice: Notice) {
        if let Some((receiver, _)) = &self.following {
            receiver.receive(py, notice);
        }
    }

    /// Passes the remaining notices of a finished call to the receiver.
    pub fn receive_rest(&self, py: Python<'_>, notices: Option<Notices>) {
        let Some(mut notices) = notices else { return };
        while let Ok(notice) = notices.try_recv() {
            self.receive(py, notice);
        }
    }

    /// Returns work that the receiver follows.
    pub fn follow<T: 'static>(&self, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        match &self.following {
            Some((_, following)) => following.work(work),
            None => work,
        }
    }

    /// Returns a stream that the receiver follows.
    pub fn follow_stream(&self, items: Items) -> Items {
        match &self.following {
            Some((_, following)) => following.stream(items),
            None => items,
        }
    }

    /// Returns the exception for an error.
    pub fn error(&self, py: Python<'_>, error: &Error) -> PyErr {
        // If the transport or a hook raised, the core reports `Internal` or `OutcomeUnknown`, so re-raise the original.
        let foreign = matches!(error.kind(), ErrorKind::Internal | ErrorKind::OutcomeUnknown);
        let raised = self.raised.as_ref().filter(|_| foreign).and_then(|raised| lock(raised).take());
        match raised {
            Some(raised) => reraised(py, raised),
            None => error::of_call(py, error, self.owner.as_ref()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let notices = lock(&self.notices).take();
        if let (Some((receiver, _)), Some(notices)) = (&self.following, notices) {
            keep_all_for_later(receiver, notices);
        }
    }
}
