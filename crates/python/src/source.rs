//! The half of a stream that the runtime's threads see: reading ahead, closing, letting go.

use std::{
    collections::VecDeque,
    mem, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use futures_util::{FutureExt, StreamExt};
use replicant::{BoxStream, Error, Value, operation::Item};
use tokio::sync::watch;

use crate::runtime;

/// How many items are taken at once, if they are there.
const BATCH: usize = 256;

pub type Items = BoxStream<'static, Result<Item, Error>>;

/// A stream as it is read and closed, from whichever thread.
pub struct Source {
    items: tokio::sync::Mutex<Option<Items>>,
    /// What was read and not yet asked for. It is kept here rather than carried by the future that
    /// read it, so that cancelling that future loses nothing.
    ready: Mutex<VecDeque<Result<Item, Error>>>,
    head: Mutex<Head>,
    closed: watch::Sender<bool>,
    owner: u32,
}

/// The first value, where it is not an item like the others.
pub enum Head {
    NotWanted,
    Awaited,
    Here(Value),
}

/// The streams that are in use, which the end of the process closes.
static LIVE: Mutex<Vec<Weak<Source>>> = Mutex::new(Vec::new());

/// Closes every stream of this process that is still open.
///
/// Python drops what a program leaves behind only after it has waited for background work, and by then
/// nobody would send the cancel of a prediction that was streamed.
pub fn close_all() {
    let live = mem::take(&mut *LIVE.lock().unwrap_or_else(PoisonError::into_inner));
    for source in live.iter().filter_map(Weak::upgrade).filter(|source| source.owner == process::id()) {
        source.close();
    }
}

impl Source {
    /// A source that the end of the process closes.
    pub fn live(items: Option<Items>, head: bool) -> Arc<Self> {
        let source = Arc::new(Self::new(items, head));
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        // Swept when it has doubled, so that a stream costs the same however many there were.
        if live.len() == live.capacity() {
            live.retain(|source| source.strong_count() > 0);
        }
        live.push(Arc::downgrade(&source));
        source
    }

    /// A source of `items`; without any, one that is closed.
    pub fn new(items: Option<Items>, head: bool) -> Self {
        Self {
            closed: watch::Sender::new(items.is_none()),
            items: tokio::sync::Mutex::new(items),
            ready: Mutex::default(),
            head: Mutex::new(if head { Head::Awaited } else { Head::NotWanted }),
            owner: process::id(),
        }
    }

    /// Reads until at least one item is ready or the stream has ended.
    pub async fn read(&self) {
        // First, so that it goes last: after the lock, also when this is cancelled.
        let _let_go = LetGo(self);
        let mut closed = self.closed.subscribe();
        let ended = tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => true,
            ended = self.read_on() => ended,
        };
        if ended {
            self.items.lock().await.take();
        }
    }

    /// Reads until the head is here, so that what it stands for has begun. Returns the error that prevents it.
    pub async fn start(&self) -> Option<Error> {
        let _let_go = LetGo(self);
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => None,
            failure = self.read_head() => failure,
        }
    }

    async fn read_head(&self) -> Option<Error> {
        let mut items = self.items.lock().await;
        let stream = items.as_mut().filter(|_| matches!(*self.head(), Head::Awaited))?;
        let failure = match stream.next().await {
            Some(Ok(Item::Value(value))) => {
                *self.head() = Head::Here(value);
                return None;
            }
            Some(Ok(item)) => {
                self.ready().push_back(Ok(item));
                return None;
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        items.take();
        failure
    }

    async fn read_on(&self) -> bool {
        let mut items = self.items.lock().await;
        let Some(items) = items.as_mut() else { return true };
        // Another reader may have been here while this one waited for the lock.
        if !self.ready().is_empty() {
            return false;
        }
        let first = loop {
            match items.next().await {
                Some(Ok(Item::Value(value))) if matches!(*self.head(), Head::Awaited) => {
                    *self.head() = Head::Here(value);
                }
                Some(item) => break item,
                None => return true,
            }
        };
        let mut ended = first.is_err();
        let mut batch = vec![first];
        // After a value, such as a page, there would be a request that nobody has asked for yet.
        let values = matches!(batch[0], Ok(Item::Value(_)));
        while !ended && !values && batch.len() < BATCH {
            match items.next().now_or_never() {
                Some(Some(item)) => {
                    ended = item.is_err();
                    batch.push(item);
                }
                Some(None) => ended = true,
                None => break,
            }
        }
        self.ready().extend(batch);
        ended
    }

    pub fn ready(&self) -> MutexGuard<'_, VecDeque<Result<Item, Error>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more will be read.
    pub fn is_over(&self) -> bool {
        self.items.try_lock().is_ok_and(|items| items.is_none())
    }

    pub fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn close(&self) {
        self.closed.send_replace(true);
        self.ready().clear();
        self.let_go();
    }

    /// Drops the stream, unless somebody reads just now: then it is they who do it when they stop.
    fn let_go(&self) {
        if let Ok(mut items) = self.items.try_lock() {
            drop(items.take());
        }
    }
}

/// Drops what was closed while it was read.
struct LetGo<'a>(&'a Source);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        if *self.0.closed.borrow() {
            self.0.let_go();
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let items = self.items.get_mut().take();
        if self.owner != process::id() {
            // A forked child shares the connection with its parent and must not touch it.
            mem::forget(items);
        } else if let Ok(runtime) = runtime::get() {
            let _inside = runtime.enter();
            drop(items);
        }
    }
}
