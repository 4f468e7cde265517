//! Brings what the core reports to the receiver of a call.

use std::sync::{Arc, LazyLock, Mutex};

use pyo3::prelude::*;
use replicant::{
    Value,
    bindings::{Following, HookResult},
};
use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};

use super::{Notice, Notices, Receiver, keep_for_later, notices};
use crate::{
    asyncio::{CompletionChannel, current_context},
    lock::lock,
};

/// Whether the process ends, so that nothing waits for a hook.
static OVER: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Stops calling hooks: requests that follow, such as cancels, are sent at once.
pub fn stop_asking() {
    OVER.send_replace(true);
}

/// What brings the notices of one call to its receiver: in the thread that waits for the call, or on the event loop of the
/// task that awaits it. A stream may be read by one after the other.
pub struct Relay {
    receiver: Arc<Receiver>,
    pub following: Following,
    route: Arc<Route>,
    /// What a waiting thread receives.
    notices: Mutex<Option<Notices>>,
}

struct Route {
    /// The task; `None` while a thread waits.
    task: Mutex<Option<Task>>,
    thread: UnboundedSender<Notice>,
}

/// The event loop of a task, and the context of the caller.
#[derive(Clone)]
struct Task {
    channel: Arc<CompletionChannel>,
    context: Arc<Py<PyAny>>,
}

impl Relay {
    pub fn new(receiver: Arc<Receiver>) -> Self {
        let (thread, notices) = notices();
        let route = Arc::new(Route { task: Mutex::default(), thread });
        let (to, through) = (receiver.clone(), route.clone());
        let following = follow(&receiver, move |notice| through.pass(&to, notice));
        Self { receiver, following, route, notices: Mutex::new(Some(notices)) }
    }

    /// Lets the event loop of `channel` receive the notices that follow.
    pub fn await_on(&self, py: Python<'_>, channel: &Arc<CompletionChannel>) -> PyResult<()> {
        let is_same = lock(&self.route.task).as_ref().is_some_and(|task| Arc::ptr_eq(&task.channel, channel));
        if !is_same {
            let context = Arc::new(current_context(py)?.unbind());
            self.route.turn_to(Task { channel: channel.clone(), context });
            self.receive_rest(py);
        }
        Ok(())
    }

    /// Calls `wait` with the notices, which this thread receives until then.
    pub fn receiving<T>(&self, py: Python<'_>, wait: impl FnOnce(&mut Option<Notices>) -> T) -> T {
        let task = lock(&self.route.task).take();
        let mut notices = self.take();
        let result = wait(&mut notices);
        if let Some(notices) = notices {
            *lock(&self.notices) = Some(notices);
        }
        if let Some(task) = task {
            self.route.turn_to(task);
            self.receive_rest(py);
        }
        result
    }

    /// Takes what a waiting thread receives.
    pub fn take(&self) -> Option<Notices> {
        lock(&self.notices).take()
    }

    /// Returns the sender of the notices of a waiting thread.
    pub fn thread(&self) -> UnboundedSender<Notice> {
        self.route.thread.clone()
    }

    /// Passes a notice to the receiver, in the thread that waits for the call.
    pub fn receive(&self, py: Python<'_>, notice: Notice) {
        self.receiver.receive(py, notice, false);
    }

    /// Passes the remaining notices to the receiver.
    pub fn receive_rest(&self, py: Python<'_>) {
        while let Some(notice) = self.next() {
            self.receive(py, notice);
        }
    }

    fn next(&self) -> Option<Notice> {
        lock(&self.notices).as_mut()?.try_recv().ok()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        while let Some(notice) = self.next() {
            keep_for_later(self.receiver.clone(), notice);
        }
    }
}

impl Route {
    fn turn_to(&self, task: Task) {
        // Dropped when it is unlocked, because that may run Python code.
        let earlier = lock(&self.task).replace(task);
        drop(earlier);
    }

    fn pass(&self, receiver: &Arc<Receiver>, notice: Notice) {
        // Cloned, because nothing may wait for the interpreter while it is locked.
        let task = lock(&self.task).clone();
        match task {
            Some(task) => {
                let mut undelivered = Undelivered { receiver: receiver.clone(), notice: Some(notice) };
                task.channel.run(task.context, move |py| {
                    if let Some(notice) = undelivered.notice.take() {
                        undelivered.receiver.receive(py, notice, true);
                    }
                });
            }
            None => {
                if let Err(unsent) = self.thread.send(notice) {
                    keep_for_later(receiver.clone(), unsent.0);
                }
            }
        }
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
            let mut over = OVER.subscribe();
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
