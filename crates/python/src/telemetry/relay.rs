//! Brings what the core reports to the receiver of a call.

use std::sync::{Arc, LazyLock};

use pyo3::prelude::*;
use replicant::{
    Value,
    bindings::{Following, HookResult},
};
use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};

use super::{Notice, Receiver, keep_for_later};
use crate::asyncio::{CompletionChannel, current_context};

/// Whether the process ends, so that nothing waits for a hook.
static OVER: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Stops calling hooks: requests that follow, such as cancels, are sent at once.
pub fn stop_asking() {
    OVER.send_replace(true);
}

/// Follows a blocking call, whose thread receives the notices.
pub fn follow_blocking(receiver: &Arc<Receiver>, notices: UnboundedSender<Notice>) -> Following {
    let to = receiver.clone();
    follow(receiver, move |notice| {
        if let Err(unsent) = notices.send(notice) {
            keep_for_later(to.clone(), unsent.0);
        }
    })
}

/// Follows an awaited call, whose event loop receives the notices in the context of the caller.
pub fn follow_awaited(py: Python<'_>, receiver: &Arc<Receiver>) -> PyResult<Following> {
    let channel = CompletionChannel::current(py)?;
    let context = Arc::new(current_context(py)?.unbind());
    let to = receiver.clone();
    Ok(follow(receiver, move |notice| {
        let mut undelivered = Undelivered { receiver: to.clone(), notice: Some(notice) };
        channel.run(context.clone(), move |py| {
            if let Some(notice) = undelivered.notice.take() {
                undelivered.receiver.receive(py, notice);
            }
        });
    }))
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
