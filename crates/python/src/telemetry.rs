//! What a call reports while it runs: events for `logging`, spans for OpenTelemetry, and requests for the hooks of the
//! user. `replicant._telemetry` has the other half.
//!
//! The core reports from any thread. A notice crosses to Python where its call is awaited: a blocking call handles it
//! between two waits, an awaited one on its event loop, both in the context of the caller.

mod receiver;
mod relay;

use std::{
    mem,
    sync::{Arc, LazyLock, Mutex},
};

use pyo3::prelude::*;
use replicant::{
    Result, Value,
    bindings::{PerProcess, lock},
    hooks::HeaderChanges,
    telemetry::{Level, Sink},
};
use tokio::sync::oneshot;

pub use self::{
    receiver::Receiver,
    relay::{Relay, stop_asking},
};

/// A message from the core to the Python code that waits for a call.
pub enum Notice {
    /// A value for the observer of the call.
    State(Value),
    /// An event or a span.
    Record(Value),
    /// A question to the hooks, and where to send the answer.
    Ask(Value, oneshot::Sender<Result<HeaderChanges>>),
}

/// The maximum number of records to keep for later.
const MAX_LATE: usize = 1000;

/// Records that arrived when their call had returned, such as those of a cancel in the background. A call without a
/// receiver has warnings only.
static LATE: PerProcess<Mutex<Vec<Late>>> = PerProcess::new();

type Late = (Option<Arc<Receiver>>, Value);

/// Receives the warnings of calls without a receiver: they are too rare to build one for each call.
pub static WARNINGS: LazyLock<Arc<Sink>> =
    LazyLock::new(|| Sink::new(Level::Warn, false, Arc::new(|warning| keep(None, warning))));

fn keep(receiver: Option<Arc<Receiver>>, record: Value) {
    let mut late = lock(LATE.get());
    if late.len() < MAX_LATE {
        late.push((receiver, record));
    }
}

fn keep_for_later(receiver: Arc<Receiver>, notice: Notice) {
    // An unanswered question is dropped, and the core goes on without the hooks.
    if let Notice::Record(record) = notice {
        keep(Some(receiver), record);
    }
}

/// Delivers the records that arrived when their calls had returned.
pub fn deliver_late(py: Python<'_>) {
    // No Python code may run while this is locked.
    let late = mem::take(&mut *lock(LATE.get()));
    for (receiver, record) in late {
        match receiver {
            Some(receiver) => receiver.receive(py, Notice::Record(record), false),
            None => receiver::log(py, record),
        }
    }
}
