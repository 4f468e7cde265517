//! Brings what the core reports to the receiver of a call.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use pyo3::prelude::*;
use replicant::{
    Value,
    bindings::{Following, HookResult, PerProcess, lock},
};
use tokio::sync::{oneshot, watch};

use super::{Notice, Receiver, keep_for_later};
use crate::{
    asyncio::{CompletionChannel, current_context},
    runtime::Inbox,
};

/// Whether the process ends, so that nothing waits for a hook.
static OVER: PerProcess<watch::Sender<bool>> = PerProcess::new();

/// Stops calling hooks: requests that follow, such as cancels, are sent at once.
pub fn stop_asking() {
    OVER.get().send_replace(true);
}

/// What brings the notices of one call to its receiver: in the thread that waits for the call, or on the event loop of the
/// task that awaits it. A stream may be read by one after the other.
pub struct Relay {
    receiver: Arc<Receiver>,
    route: Arc<Mutex<Route>>,
    /// What waiting threads receive.
    pub notices: Arc<Inbox<Notice>>,
}

enum Route {
    /// To a thread that waits.
    Thread(Arc<Inbox<Notice>>),
    Task(Task),
    /// To nobody, because the call has returned.
    Nowhere,
}

/// The event loop of a task, and the context of the caller.
#[derive(Clone)]
struct Task {
    channel: Arc<CompletionChannel>,
    context: Arc<Py<PyAny>>,
}

impl Relay {
    pub fn new(receiver: Arc<Receiver>) -> Self {
        let notices = Arc::new(Inbox::new());
        let route = Arc::new(Mutex::new(Route::Thread(notices.clone())));
        Self { receiver, route, notices }
    }

    /// Returns what the core reports to.
    pub fn follow(&self) -> Following {
        let (to, route) = (self.receiver.clone(), self.route.clone());
        follow(&self.receiver, move |notice| pass(&route, &to, notice))
    }

    /// Lets the event loop of `channel` receive the notices that follow.
    pub fn await_on(&self, py: Python<'_>, channel: &Arc<CompletionChannel>) -> PyResult<()> {
        let is_same = match &*lock(&self.route) {
            Route::Task(task) => Arc::ptr_eq(&task.channel, channel),
            _ => false,
        };
        if !is_same {
            let context = Arc::new(current_context(py)?.unbind());
            drop(self.turn_to(Route::Task(Task { channel: channel.clone(), context })));
            self.receive_rest(py);
        }
        Ok(())
    }

    /// Calls `wait` with the notices, which this thread receives until then.
    pub fn receiving<T>(&self, py: Python<'_>, wait: impl FnOnce(&Inbox<Notice>) -> T) -> T {
        let before = self.turn_to(Route::Thread(self.notices.clone()));
        let result = wait(&self.notices);
        if let Route::Task(_) = before {
            drop(self.turn_to(before));
            self.receive_rest(py);
        }
        result
    }

    /// Changes the route, unless the call has returned. Returns what to drop while it is unlocked, because that may run
    /// Python code.
    fn turn_to(&self, route: Route) -> Route {
        let mut current = lock(&self.route);
        match *current {
            Route::Nowhere => route,
            _ => mem::replace(&mut *current, route),
        }
    }

    /// Leaves the questions that follow unanswered, and keeps the records for later, unless an event loop receives them.
    pub fn finish(&self) {
        let mut route = lock(&self.route);
        if let Route::Thread(_) = *route {
            *route = Route::Nowhere;
        }
        drop(route);
        while let Some(notice) = self.notices.now() {
            keep_for_later(self.receiver.clone(), notice);
        }
    }

    /// Passes a notice to the receiver, in the thread that waits for the call.
    pub fn receive(&self, py: Python<'_>, notice: Notice) {
        self.receiver.receive(py, notice, false);
    }

    /// Passes the remaining notices to the receiver.
    pub fn receive_rest(&self, py: Python<'_>) {
        while let Some(notice) = self.notices.now() {
            self.receive(py, notice);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.finish();
    }
}

fn pass(route: &Mutex<Route>, receiver: &Arc<Receiver>, notice: Notice) {
    let route = lock(route);
    match &*route {
        // While it is locked: `finish` must find what was sent before.
        Route::Thread(notices) => notices.send(notice),
        Route::Task(task) => {
            let Task { channel, context } = task.clone();
            // Nothing may wait for the interpreter while it is locked.
            drop(route);
            let mut undelivered = Undelivered { receiver: receiver.clone(), notice: Some(notice) };
            channel.run(context, move |py| {
                if let Some(notice) = undelivered.notice.take() {
                    undelivered.receiver.receive(py, notice, true);
                }
            });
        }
        Route::Nowhere => keep_for_later(receiver.clone(), notice),
    }
}

/// A notice on its way to an event loop, which may close before it delivers it.
struct Undelivered {
    receiver: Arc<Receiver>,
    notice: Option<Notice>,
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        if let Some(notice) = self.notice.take() {
            keep_for_later(self.receiver.clone(), notice);
        }
    }
}

fn follow(receiver: &Arc<Receiver>, notify: impl Fn(Notice) + Send + Sync + 'static) -> Following {
    let notify = Arc::new(notify);
    let (to, asked) = (receiver.clone(), notify.clone());
    let record = move |record: Value, returned| {
        // The event loop of a call that has returned may be closed.
        if returned {
            keep_for_later(to.clone(), Notice::Record(record));
        } else {
            notify(Notice::Record(record));
        }
    };
    let ask = move |question| -> HookResult {
        let (answer, answered) = oneshot::channel();
        asked(Notice::Ask(question, answer));
        Box::pin(async move {
            // The process may end before the event loop has another turn.
            let mut over = OVER.get().subscribe();
            let ending = async move { drop(over.wait_for(|over| *over).await) };
            tokio::select! {
                biased;
                answer = answered => answer.ok(),
                () = ending => None,
            }
        })
    };
    Following::new(receiver.wanted, record, ask)
}
