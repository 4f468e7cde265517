//! Brings what the core reports to the receiver of a call.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use pyo3::prelude::*;
use replicant::{
    BoxFuture, BoxStream, Client, Result, Value,
    hooks::{HeaderChanges, Hooks, Questions},
    telemetry::{Sink, attach, attach_stream, current_span},
};
use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};

use super::{Notice, Receiver, keep_for_later};
use crate::asyncio::{CompletionChannel, current_context};

/// How long a background request waits for a hook when its call has returned.
const GONE: Duration = Duration::from_secs(1);

/// Whether the process ends, so that nothing waits for a hook.
static OVER: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Has the requests that are still to be sent, such as cancels, wait for no hook.
pub fn stop_asking() {
    OVER.send_replace(true);
}

type Notify = Arc<dyn Fn(Notice) + Send + Sync>;

/// A call whose work is followed by a receiver.
pub struct Following {
    pub receiver: Arc<Receiver>,
    sink: Arc<Sink>,
    hooks: Option<Arc<dyn Hooks>>,
    /// Dropped when the call has returned.
    _waiting: watch::Sender<()>,
}

impl Following {
    /// Follows a blocking call, whose thread receives the notices.
    pub fn blocking(receiver: Arc<Receiver>, inbox: UnboundedSender<Notice>) -> Self {
        let to = receiver.clone();
        Self::new(receiver, move |notice| {
            if let Err(unsent) = inbox.send(notice) {
                keep_for_later(to.clone(), unsent.0);
            }
        })
    }

    /// Follows an awaited call, whose event loop receives the notices in the context of the caller.
    pub fn awaited(py: Python<'_>, receiver: Arc<Receiver>) -> PyResult<Self> {
        let channel = CompletionChannel::current(py)?;
        let context = Arc::new(current_context(py)?.unbind());
        let to = receiver.clone();
        Ok(Self::new(receiver, move |notice| {
            let receiver = to.clone();
            channel.run(context.clone(), move |py| receiver.receive(py, notice));
        }))
    }

    fn new(receiver: Arc<Receiver>, notify: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        let (waiting, returned) = watch::channel(());
        let (to, gone) = (receiver.clone(), returned.clone());
        let notify: Notify = Arc::new(move |notice| {
            // The event loop of a call that has returned may be closed.
            if matches!(notice, Notice::Record(_)) && gone.has_changed().is_err() {
                keep_for_later(to.clone(), notice);
            } else {
                notify(notice);
            }
        });
        let (request, response, retry) = receiver.asks;
        let hooks = (request || response || retry).then(|| {
            let relay = Relay { notify: notify.clone(), returned };
            let ask = move |question| relay.ask(question);
            Arc::new(Questions { request, response, retry, ask }) as Arc<dyn Hooks>
        });
        let receive = Arc::new(move |record: Value| notify(Notice::Record(record)));
        Self { sink: Sink::new(receiver.level, receiver.spans, receive), receiver, hooks, _waiting: waiting }
    }

    /// Returns a client that calls the hooks.
    pub fn client(&self, core: &Client) -> Client {
        match &self.hooks {
            Some(hooks) => core.with_hooks(hooks.clone()),
            None => core.clone(),
        }
    }

    pub fn work<T: 'static>(&self, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        attach(self.sink.clone(), work)
    }

    pub fn stream<T: 'static>(&self, items: BoxStream<'static, T>) -> BoxStream<'static, T> {
        attach_stream(self.sink.clone(), items)
    }
}

/// Asks the hooks of a call.
struct Relay {
    notify: Notify,
    returned: watch::Receiver<()>,
}

impl Relay {
    fn ask(&self, mut question: Value) -> BoxFuture<'static, Result<HeaderChanges>> {
        if let Some(span) = current_span() {
            question["span"] = span.into();
        }
        let (answer, mut answered) = oneshot::channel();
        (self.notify)(Notice::Ask(question, answer));
        let mut returned = self.returned.clone();
        Box::pin(async move {
            let gone = async {
                while returned.changed().await.is_ok() {}
                tokio::time::sleep(GONE).await;
            };
            // The process may end before the event loop has another turn.
            let mut over = OVER.subscribe();
            let ending = async move { drop(over.wait_for(|over| *over).await) };
            tokio::select! {
                biased;
                // Without an answer the request is sent as it is.
                answer = &mut answered => answer.unwrap_or_else(|_| Ok(HeaderChanges::new())),
                () = gone => Ok(HeaderChanges::new()),
                () = ending => Ok(HeaderChanges::new()),
            }
        })
    }
}
