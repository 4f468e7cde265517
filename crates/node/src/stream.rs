//! Streams: a task reads ahead into a bounded queue, from which JavaScript takes.
//!
//! A promise costs a hundred times as much as a synchronous call. So [`NativeStream::take`] returns what has arrived
//! without one (bytes in chunks of up to 64 KiB, anything else as one JSON text), and JavaScript awaits
//! [`NativeStream::ready`] only when nothing has.

mod queue;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt, StreamExt};
use napi::bindgen_prelude::{BufferSlice, Either, Env, ObjectFinalize, PromiseRaw};
use napi_derive::napi;
use replicant::{BoxStream, Error, Item, Result, background::Tasks};

use self::queue::{Batch, Queue};
use crate::promises::CompletionChannel;

type Items = BoxStream<'static, Result<Item>>;

/// Memory in bytes that an open connection needs.
const CONNECTION: usize = 1 << 18;

/// How many times the memory of a stream is counted. V8 collects streams that were abandoned when memory outside of it has
/// grown by 64 MiB, which is too late.
const WEIGHT: usize = 3;

/// Items that arrive over time. Dropping the stream closes its connection.
#[napi(custom_finalize)]
pub struct NativeStream {
    unread: Option<Items>,
    /// The requests that follow the stream.
    tasks: Tasks,
    queue: Arc<Queue>,
    /// Bytes reported to V8.
    reported: i64,
}

#[napi]
impl NativeStream {
    pub(crate) fn new(items: Items, channel: CompletionChannel) -> Self {
        Self::followed_by(Tasks::default(), items, channel)
    }

    pub(crate) fn followed_by(tasks: Tasks, items: Items, channel: CompletionChannel) -> Self {
        Self { unread: Some(items), tasks, queue: Arc::new(Queue::new(channel)), reported: 0 }
    }

    /// Returns what has arrived, or `null` if nothing has or the event loop must turn first.
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
    pub fn ready(&mut self, env: &Env, number: u32) {
        if let Some(items) = self.unread.take() {
            self.queue.channel.start(read(items, Arc::clone(&self.queue)));
        }
        let ahead = self.queue.notify_when_ready(number);
        self.report(env, WEIGHT * (CONNECTION + ahead));
    }

    /// Ends the stream. Resolves when the requests that follow, such as a cancel, are sent.
    #[napi(catch_unwind)]
    pub fn close<'env>(&mut self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let (queue, tasks) = (Arc::clone(&self.queue), self.tasks.clone());
        let unread = self.unread.take().is_some();
        queue.close();
        self.report(env, 0);
        env.spawn_future(async move {
            if !unread {
                // The sender lives as long as the queue.
                let _ = queue.released.subscribe().wait_for(|released| *released).await;
                tasks.done_at_exit().await;
            }
            Ok(())
        })
    }
}

impl NativeStream {
    /// Reports the memory that the stream may need to V8.
    fn report(&mut self, env: &Env, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or_default();
        if bytes != self.reported && env.adjust_external_memory(bytes - self.reported).is_ok() {
            self.reported = bytes;
        }
    }
}

impl ObjectFinalize for NativeStream {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.report(&env, 0);
        Ok(())
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
            Err(panic) => break Err(Error::from_panic(&*panic)),
        }
    };
    drop(items);
    queue.end(outcome);
    queue.released.send_replace(true);
}
