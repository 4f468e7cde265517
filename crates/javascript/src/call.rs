//! How calls begin and end.

use std::{
    future::{Future, pending},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures_util::FutureExt;
use replicant::{
    BoxFuture, BoxStream, Client, Error, Item, Observer, Result, Value,
    bindings::Following,
    operation,
    platform::{MaybeSend, MaybeSync},
    transport::Transport,
};
use tokio::{pin, sync::Notify};

use crate::{CallResult, Message, to_json};

/// Sends messages to JavaScript, in order.
pub trait Channel: Clone + MaybeSend + MaybeSync + 'static {
    /// Sends a message about the call, stream or receiver with this number.
    fn send(&self, number: u32, message: Message);

    /// Resolves when the thread ends, and no longer handles messages. Never by default.
    fn ended(&self) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

/// Returns an observer that sends the states of a call.
pub fn observer(channel: &impl Channel, number: u32) -> Observer {
    let channel = channel.clone();
    Arc::new(move |state: Value| {
        if let Ok(json) = to_json(&state) {
            channel.send(number, Message::State(json));
        }
    })
}

/// A call or a stream that was not started.
pub struct Call {
    client: Client,
    following: Option<Following>,
}

impl Call {
    /// Makes a call. A `transport` of its own runs in the async context of the call.
    pub fn new<T: Transport + 'static>(
        client: &Client,
        transport: Option<T>,
        following: Option<Following>,
    ) -> Self {
        let mut client = client.clone();
        if let Some(transport) = transport {
            client = client.with_transport(Arc::new(transport));
        }
        if let Some(following) = &following {
            client = following.client(&client);
        }
        Self { client, following }
    }

    /// Runs an operation until it ends or is stopped. Returns its result as a message.
    pub fn run(
        self,
        operation: &str,
        params: Value,
        observer: Option<Observer>,
        stopped: Option<Arc<Notify>>,
    ) -> impl Future<Output = Message> + use<> {
        let Self { client, following } = self;
        let work = operation::call_as_text(&client, operation, params, observer);
        let work = match &following {
            Some(following) => following.work(work),
            None => work,
        };
        async move {
            let outcome = until_stopped(stopped, async { CallResult::new(work.await?) }).await;
            drop(following);
            Message::from(outcome)
        }
    }

    /// Opens a stream. Nothing is sent before it is read.
    pub fn open(self, operation: &str, params: Value) -> BoxStream<'static, Result<Item>> {
        let items = operation::open(&self.client, operation, params);
        match self.following {
            Some(following) => following.stream(items),
            None => items,
        }
    }
}

/// Runs `work` until it ends or is stopped. When stopped, drops it immediately and returns `None`. A panic becomes an
/// error.
async fn until_stopped(
    stopped: Option<Arc<Notify>>,
    work: impl Future<Output = Result<CallResult>>,
) -> Option<Result<CallResult>> {
    let work = AssertUnwindSafe(work).catch_unwind();
    pin!(work);
    let stop = async {
        match stopped {
            Some(stopped) => stopped.notified().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop => None,
        done = work => Some(done.unwrap_or_else(|panic| Err(Error::from_panic(&*panic)))),
    }
}
