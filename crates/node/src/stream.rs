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

use futures_util::{FutureExt, StreamExt};
use napi::bindgen_prelude::{BufferSlice, Either, Env, PromiseRaw, spawn};
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
    queue: Arc<Queue>,
}

#[napi]
impl NativeStream {
    pub(crate) fn new(items: Items, inbox: Inbox) -> Self {
        Self { unread: Some(items), queue: Arc::new(Queue::new(inbox)) }
    }

    /// What has arrived, `null` if nothing has.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env) -> napi::Result<Option<Either<String, BufferSlice<'env>>>> {
        let taken = self.queue.take(|bytes| BufferSlice::copy_from(env, bytes));
        Ok(match taken {
            None => None,
            Some(Batch::Json(json)) => Some(Either::A(json)),
            Some(Batch::Bytes(buffer)) => Some(Either::B(buffer?)),
        })
    }

    /// Starts the reading on its first call. Hands in under `number` that there is something to take,
    /// that it is over, or what ended the stream.
    #[napi(catch_unwind)]
    pub fn ready(&mut self, number: u32) {
        if let Some(items) = self.unread.take() {
            spawn(read(items, Arc::clone(&self.queue)));
        }
        self.queue.want(number);
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

enum Batch<B> {
    Json(String),
    Bytes(B),
}

/// What has arrived and was not taken.
struct Queue {
    inbox: Inbox,
    state: Mutex<State>,
    /// Something was taken, or is wanted.
    taken: Notify,
    closed: Notify,
    /// The reader has let go of its connection.
    released: Notify,
}

#[derive(Default)]
struct State {
    /// Copied out of what came, so that the memory which the socket is read into is used again at once,
    /// instead of going back to the system and coming from it anew.
    bytes: VecDeque<u8>,
    /// Items as JSON, separated by commas.
    json: String,
    /// Who is to be told that something is there.
    wanted: Option<u32>,
    ended: bool,
    failure: Option<Error>,
}

impl State {
    fn size(&self) -> usize {
        self.bytes.len() + self.json.len()
    }

    /// What is to be told, and to whom.
    fn news(&mut self) -> Option<(u32, News)> {
        let number = self.wanted?;
        let news = if self.size() > 0 {
            News::Arrived
        } else if !self.ended {
            return None;
        } else {
            self.bytes = VecDeque::new();
            self.failure.take().map_or(News::Over, |error| News::Failure(Box::new(error)))
        };
        self.wanted = None;
        Some((number, news))
    }
}

impl Queue {
    fn new(inbox: Inbox) -> Self {
        Self {
            inbox,
            state: Mutex::default(),
            taken: Notify::new(),
            closed: Notify::new(),
            released: Notify::new(),
        }
    }

    /// Changes the state, and tells what there is to tell of it.
    fn update(&self, change: impl FnOnce(&mut State)) {
        let news = {
            let mut state = self.lock();
            change(&mut state);
            state.news()
        };
        if let Some((number, news)) = news {
            self.inbox.put(number, news);
        }
    }

    /// Adds an item, and waits until the next one may be read: bytes and events are read ahead as
    /// far as there is room; a value (a page of a list) costs a request, and waits to be asked for.
    async fn put(&self, item: Item) -> Result<()> {
        if let Item::Bytes(bytes) = item {
            for part in bytes.chunks(AHEAD) {
                self.update(|state| {
                    if !state.ended {
                        state.bytes.extend(part);
                    }
                });
                self.room(|state| state.size() < AHEAD).await;
            }
            return Ok(());
        }
        let json = value::item(&item)?;
        self.update(|state| {
            if state.ended {
                return;
            }
            if !state.json.is_empty() {
                state.json.push(',');
            }
            state.json.push_str(&json);
        });
        let costly = matches!(item, Item::Value(_));
        self.room(|state| if costly { state.wanted.is_some() } else { state.size() < AHEAD }).await;
        Ok(())
    }

    /// Waits until there is room for more, or nothing more is asked for.
    async fn room(&self, enough: impl Fn(&State) -> bool) {
        loop {
            let taken = self.taken.notified();
            {
                let state = self.lock();
                if enough(&state) || state.ended {
                    return;
                }
            }
            taken.await;
        }
    }

    /// `copy` makes what leaves of a piece.
    fn take<B>(&self, copy: impl FnOnce(&[u8]) -> B) -> Option<Batch<B>> {
        let mut state = self.lock();
        let batch = if !state.bytes.is_empty() {
            let (first, _) = state.bytes.as_slices();
            let size = first.len().min(PIECE);
            let piece = copy(&first[..size]);
            state.bytes.drain(..size);
            Batch::Bytes(piece)
        } else if !state.json.is_empty() {
            Batch::Json(format!("[{}]", std::mem::take(&mut state.json)))
        } else {
            return None;
        };
        // Not for every piece: a change of threads costs more than to copy one.
        let room = state.size() <= AHEAD / 2;
        drop(state);
        if room {
            self.taken.notify_one();
        }
        Some(batch)
    }

    /// Has `number` told as soon as there is something to take, or nothing will come.
    fn want(&self, number: u32) {
        self.update(|state| state.wanted = Some(number));
        self.taken.notify_one();
    }

    fn end(&self, outcome: Result<()>) {
        self.update(|state| {
            if !state.ended {
                state.failure = outcome.err();
            }
            state.ended = true;
        });
    }

    /// Ends it from the outside; what was not taken is dropped.
    fn close(&self) {
        self.update(|state| {
            state.ended = true;
            state.bytes = VecDeque::new();
            state.json.clear();
        });
        self.closed.notify_one();
        self.taken.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
