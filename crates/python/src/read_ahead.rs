//! Reads the items of a stream ahead of the consumer, from any thread.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use futures_util::{FutureExt, StreamExt};
use replicant::{BoxStream, Error, Value, bindings::lock, operation::Item};
use tokio::sync::watch;

use crate::runtime::{self, gate};

/// The maximum number of items to read at once.
const BATCH: usize = 256;

pub type Items = BoxStream<'static, Result<Item, Error>>;

/// A stream and the items that were read from it.
pub struct ReadAhead {
    items: tokio::sync::Mutex<Option<Items>>,
    /// The items that were read and not yet requested. Kept here rather than in the future that reads them, so
    /// that canceling the future loses nothing.
    ready: Mutex<VecDeque<Result<Item, Error>>>,
    head: Mutex<Head>,
    closed: watch::Sender<bool>,
    /// Whether the stream has ended or was dropped.
    ended: AtomicBool,
    /// The number of forks before it was opened.
    forks: u32,
}

/// The first value of a stream that does not begin with an item.
pub enum Head {
    NotWanted,
    Awaited,
    Here(Value),
}

/// The open streams, which the end of the process closes.
static LIVE: Mutex<Vec<Weak<ReadAhead>>> = Mutex::new(Vec::new());

/// Closes every open stream of this process.
///
/// Python drops leftover objects only after it has waited for background work, too late to send the cancel of a
/// streamed prediction.
pub fn close_all() {
    let live = mem::take(&mut *lock(&LIVE));
    for source in live.iter().filter_map(Weak::upgrade).filter(|source| !source.is_of_parent()) {
        source.close();
    }
}

impl ReadAhead {
    /// Returns a stream that the end of the process closes.
    pub fn live(items: Items, head: Head) -> Arc<Self> {
        let source = Arc::new(Self::new(Some(items), head));
        let mut live = lock(&LIVE);
        // Swept when it would grow, so that the cost per stream stays constant.
        if live.len() == live.capacity() {
            live.retain(|source| source.strong_count() > 0);
        }
        live.push(Arc::downgrade(&source));
        source
    }

    /// Returns a stream that has ended.
    pub fn closed() -> Self {
        Self::new(None, Head::NotWanted)
    }

    /// Returns a stream of `items` that begins with an item.
    pub fn of(items: Items) -> Self {
        Self::new(Some(items), Head::NotWanted)
    }

    fn new(items: Option<Items>, head: Head) -> Self {
        Self {
            closed: watch::Sender::new(items.is_none()),
            ended: AtomicBool::new(items.is_none()),
            items: tokio::sync::Mutex::new(items),
            ready: Mutex::default(),
            head: Mutex::new(head),
            forks: gate::forks(),
        }
    }

    /// Returns `true` if a parent of this process opened the stream.
    pub fn is_of_parent(&self) -> bool {
        self.forks != gate::forks()
    }

    /// Reads until at least one item is ready or the stream has ended.
    pub async fn read(&self) {
        // Declared first, so that it is dropped after the lock, also when this is canceled.
        let _release = Release(self);
        let mut closed = self.closed.subscribe();
        let is_closed = tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => true,
            () = self.read_on() => false,
        };
        if is_closed {
            self.end(&mut *self.items.lock().await);
        }
    }

    /// Reads the head. Returns the error that replaces it.
    pub async fn start(&self) -> Option<Error> {
        let _release = Release(self);
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
        self.end(&mut items);
        failure
    }

    async fn read_on(&self) {
        let mut stream = self.items.lock().await;
        let Some(items) = stream.as_mut() else { return };
        // Another reader may have read while this one waited for the lock.
        if !self.ready().is_empty() {
            return;
        }
        let first = loop {
            match items.next().await {
                Some(Ok(Item::Value(value))) if matches!(*self.head(), Head::Awaited) => {
                    *self.head() = Head::Here(value);
                }
                Some(item) => break item,
                // Under the lock, because a stream that has ended must not be polled by another reader.
                None => return self.end(&mut stream),
            }
        };
        let mut ended = first.is_err();
        let mut batch = vec![first];
        // Reading on after a value, such as a page, would send a request that was not asked for.
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
        if ended {
            self.end(&mut stream);
        }
    }

    fn end(&self, items: &mut Option<Items>) {
        self.ended.store(true, SeqCst);
        items.take();
    }

    pub fn ready(&self) -> MutexGuard<'_, VecDeque<Result<Item, Error>>> {
        lock(&self.ready)
    }

    /// Returns `true` if the stream has ended or is closed.
    pub fn has_ended(&self) -> bool {
        self.ended.load(SeqCst)
    }

    pub fn head(&self) -> MutexGuard<'_, Head> {
        lock(&self.head)
    }

    pub fn close(&self) {
        if self.is_of_parent() {
            return;
        }
        self.closed.send_replace(true);
        self.ready().clear();
        self.release();
    }

    /// Drops the stream, unless a reader holds it: then the reader drops it when it stops.
    fn release(&self) {
        if let Ok(mut items) = self.items.try_lock() {
            self.end(&mut items);
        }
    }
}

/// Drops a stream that was closed during a read.
struct Release<'a>(&'a ReadAhead);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        if *self.0.closed.borrow() {
            self.0.release();
        }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        let Some(items) = self.items.get_mut().take() else { return };
        if self.is_of_parent() {
            // A forked child shares the connection with its parent and must not use it.
            mem::forget(items);
        } else if let Ok(runtime) = runtime::get() {
            let _inside = runtime.enter();
            drop(items);
        }
    }
}
