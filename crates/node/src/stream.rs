//! Streams: a task reads ahead into a bounded queue, from which JavaScript takes.
//!
//! A promise costs a hundred times as much as a synchronous call. So [`NativeStream::take`] returns what has arrived
//! without one (bytes in chunks of up to 64 KiB, anything else as one JSON text), and JavaScript awaits
//! [`NativeStream::ready`] only when nothing has.

mod queue;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt, StreamExt};
use napi::bindgen_prelude::{BufferSlice, Either, Env, PromiseRaw, spawn};
use napi_derive::napi;
use replicant::{BoxStream, Item, Result, background};

use self::queue::{Batch, Queue};
use crate::{promises::CompletionChannel, runtime};

type Items = BoxStream<'static, Result<Item>>;

/// Items that arrive over time. Dropping the stream closes its connection.
#[napi]
pub struct NativeStream {
    unread: Option<Items>,
    queue: Arc<Queue>,
}

#[napi]
impl NativeStream {
    pub(crate) fn new(items: Items, channel: CompletionChannel) -> Self {
        Self { unread: Some(items), queue: Arc::new(Queue::new(channel)) }
    }

    /// Returns what has arrived, or `null` if nothing has.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env) -> napi::Result<Option<Either<String, BufferSlice<'env>>>> {
        let taken = self.queue.take(|bytes| BufferSlice::copy_from(env, bytes));
        Ok(match taken {
            None => None,
            Some(Batch::Json(json)) => Some(Either::A(json)),
            Some(Batch::Bytes(buffer)) => Some(Either::B(buffer?)),
        })
    }

    /// Starts reading on the first call. Sends a message with `number` when there is something to take, or when the
    /// stream ended or failed.
    #[napi(catch_unwind)]
    pub fn ready(&mut self, number: u32) {
        if let Some(items) = self.unread.take() {
            spawn(read(items, Arc::clone(&self.queue)));
        }
        self.queue.notify_when_ready(number);
    }

    /// Ends the stream. Resolves when the requests that follow, such as a cancel, are sent.
    #[napi(catch_unwind)]
    pub fn close<'env>(&mut self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let queue = Arc::clone(&self.queue);
        let unread = self.unread.take().is_some();
        queue.close();
        env.spawn_future(async move {
            if !unread {
                queue.released.notified().await;
                background::drain(background::AT_EXIT).await;
            }
            Ok(())
        })
    }
}

impl Drop for NativeStream {
    /// Ends the task, which would otherwise keep the connection after the stream is collected.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Reads until the stream ends or the queue is closed. Drops the items before it says so.
async fn read(mut items: Items, queue: Arc<Queue>) {
    let outcome = loop {
        let next = AssertUnwindSafe(items.next()).catch_unwind();
        let item = tokio::select! {
            biased;
            () = queue.closed.notified() => break Ok(()),
            item = next => item,
        };
        match item {
            Ok(Some(Ok(item))) => {
                if let Err(error) = queue.push(item).await {
                    break Err(error);
                }
            }
            Ok(Some(Err(error))) => break Err(error),
            Ok(None) => break Ok(()),
            Err(panic) => break Err(runtime::from_panic(&*panic)),
        }
    };
    drop(items);
    queue.end(outcome);
    queue.released.notify_one();
}
