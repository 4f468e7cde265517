//! Streams: a task reads ahead into a bounded queue, JavaScript takes what is there.
//!
//! A promise costs a hundred times what a synchronous call does. So [`NativeStream::take`] hands over
//! what has arrived without one (bytes in pieces of up to 64 KiB, anything else as one JSON text),
//! and [`NativeStream::ready`] is awaited only when there is nothing.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use napi::bindgen_prelude::{BufferSlice, Either, Env, PromiseRaw};
use napi_derive::napi;
use replicant::{BoxStream, Error, Item, Result};
use tokio::sync::Notify;

use crate::{
    inbox::{Inbox, News},
    runtime, value,
};

/// Bytes that are read ahead. More was measured to be slower.
const AHEAD: usize = 1 << 20;

/// Bytes that cross at once. Larger pieces are no faster, and their memory comes from the system and
/// goes back to it, piece by piece, where that of these is used again.
const PIECE: usize = 1 << 16;

/// How long a closed stream's last requests may keep the process.
const DRAIN: Duration = replicant::background::AT_EXIT;

type Items = BoxStream<'static, Result<Item>>;

/// Items that arrive over time. Dropping it frees its connection.
#[napi]
pub struct NativeStream {
    unread: Option<Items>,
    inbox: Inbox,
    queue: Arc<Queue>,
}

#[napi]
impl NativeStream {
    pub(crate) fn new(items: Items, inbox: Inbox) -> Self {
        Self { unread: Some(items), inbox, queue: Arc::default() }
    }

    /// What has arrived, `null` if nothing has.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env) -> napi::Result<Option<Either<String, BufferSlice<'env>>>> {
        Ok(match self.queue.take() {
            None => None,
            Some(Batch::Json(json)) => Some(Either::A(json)),
            Some(Batch::Bytes(bytes)) => Some(Either::B(BufferSlice::copy_from(env, bytes)?)),
        })
    }

    /// Starts the reading on its first call. Hands in under `number` that there is something to take,
    /// that it is over, or what ended the stream.
    #[napi(catch_unwind)]
    pub fn ready(&mut self, number: u32) {
        let start = self.unread.take();
        let queue = Arc::clone(&self.queue);
        self.inbox.expect(number, async move {
            if let Some(items) = start {
                tokio::spawn(read(items, Arc::clone(&queue)));
            }
            match queue.arrival().await {
                Ok(true) => News::Arrived,
                Ok(false) => News::Over,
                Err(error) => News::Failure(Box::new(error)),
            }
        });
    }

    /// Ends the stream. Resolves when the API has been told what it has to be told.
    #[napi(catch_unwind)]
    pub fn close<'env>(&mut self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let queue = Arc::clone(&self.queue);
        let idle = self.unread.take().is_some();
        queue.close();
        env.spawn_future(async move {
            if !idle {
                queue.released.notified().await;
                replicant::background::drain(DRAIN).await;
            }
            Ok(())
        })
    }
}

impl Drop for NativeStream {
    /// Without this the reader would keep its connection after the garbage collector took the stream.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Reads until the end or until the queue is closed. The items are dropped before that is announced.
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
                if let Err(error) = queue.put(item).await {
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

enum Batch {
    Json(String),
    Bytes(Bytes),
}

/// What has arrived and was not taken.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Something arrived, or the end.
    arrived: Notify,
    /// Something was taken, or is wanted.
    taken: Notify,
    closed: Notify,
    /// The reader has let go of its connection.
    released: Notify,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<Bytes>,
    /// Items as JSON, separated by commas.
    json: String,
    size: usize,
    /// Somebody waits, and nothing is there.
    wanted: bool,
    ended: bool,
    failure: Option<Error>,
}

impl Queue {
    /// Adds an item, and waits until the next one may be read: bytes and events are read ahead as
    /// far as there is room; a value (a page of a list) costs a request, and waits to be asked for.
    async fn put(&self, item: Item) -> Result<()> {
        let costly = matches!(item, Item::Value(_));
        match item {
            Item::Bytes(bytes) if bytes.is_empty() => return Ok(()),
            Item::Bytes(bytes) => {
                let mut state = self.lock();
                state.size += bytes.len();
                state.bytes.push_back(bytes);
            }
            item => {
                let json = value::item(&item)?;
                let mut state = self.lock();
                if !state.json.is_empty() {
                    state.json.push(',');
                }
                state.json.push_str(&json);
                state.size = state.json.len();
                state.wanted = false;
            }
        }
        self.arrived.notify_one();
        loop {
            let room = self.taken.notified();
            {
                let state = self.lock();
                let room = if costly { state.wanted } else { state.size < AHEAD };
                if room || state.ended {
                    return Ok(());
                }
            }
            room.await;
        }
    }

    fn take(&self) -> Option<Batch> {
        let mut state = self.lock();
        let batch = if let Some(first) = state.bytes.front_mut() {
            let piece = if first.len() > PIECE {
                first.split_to(PIECE)
            } else {
                state.bytes.pop_front().unwrap_or_default()
            };
            state.size -= piece.len();
            Batch::Bytes(piece)
        } else if !state.json.is_empty() {
            state.size = 0;
            Batch::Json(format!("[{}]", std::mem::take(&mut state.json)))
        } else {
            return None;
        };
        drop(state);
        self.taken.notify_one();
        Some(batch)
    }

    /// Waits until there is something to take (true), or nothing will come (false).
    async fn arrival(&self) -> Result<bool> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut state = self.lock();
                if !state.bytes.is_empty() || !state.json.is_empty() {
                    return Ok(true);
                }
                if let Some(failure) = state.failure.take() {
                    return Err(failure);
                }
                if state.ended {
                    return Ok(false);
                }
                state.wanted = true;
            }
            self.taken.notify_one();
            arrived.await;
        }
    }

    fn end(&self, outcome: Result<()>) {
        {
            let mut state = self.lock();
            if !state.ended {
                state.failure = outcome.err();
            }
            state.ended = true;
        }
        self.arrived.notify_one();
    }

    /// Ends it from the outside; what was not taken is dropped.
    fn close(&self) {
        {
            let mut state = self.lock();
            state.ended = true;
            state.bytes.clear();
            state.json.clear();
            state.size = 0;
        }
        self.closed.notify_one();
        self.taken.notify_one();
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
