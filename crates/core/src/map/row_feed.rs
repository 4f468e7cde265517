//! Batches whose rows a binding supplies on request.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use super::{Map, Stopped, batch::Batch, item::MapItem, row::Row};
use crate::{
    error::{Error, Result},
    platform::{BoxStream, PerProcess, lock},
    value::Value,
};

/// The shortest time between two reports of the progress, on the client's clock.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// The batches that run, by number.
static FEEDS: PerProcess<Mutex<HashMap<u64, Weak<RowFeed>>>> = PerProcess::new();
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A batch whose rows are supplied on request.
pub(crate) struct RowFeed {
    number: u64,
    batch: Mutex<Option<Arc<Batch>>>,
    queue: Mutex<Queue>,
    /// The most rows to keep.
    capacity: usize,
    /// Whether each row must have a key.
    pub keyed: bool,
    /// The number of rows, if it is known.
    total: Option<u64>,
    requests: mpsc::UnboundedSender<usize>,
}

#[derive(Default)]
struct Queue {
    rows: VecDeque<Row>,
    /// Whether there are no more rows.
    ended: bool,
    /// Whether rows were requested that have not arrived.
    requested: bool,
    waker: Option<Waker>,
}

impl Drop for RowFeed {
    fn drop(&mut self) {
        lock(FEEDS.get()).remove(&self.number);
    }
}

/// Returns a batch by its number.
pub(crate) fn find(number: u64) -> Result<Arc<RowFeed>> {
    let found = lock(FEEDS.get()).get(&number).and_then(Weak::upgrade);
    found.ok_or_else(|| Error::invalid_argument("map", "is not the number of a running batch"))
}

impl RowFeed {
    pub fn new(
        capacity: usize,
        keyed: bool,
        total: Option<u64>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<usize>) {
        let (requests, receiver) = mpsc::unbounded_channel();
        let number = NEXT.fetch_add(1, Relaxed);
        let (batch, queue) = (Mutex::default(), Mutex::default());
        let feed = Arc::new(Self { number, batch, queue, capacity, keyed, total, requests });
        lock(FEEDS.get()).insert(number, Arc::downgrade(&feed));
        (feed, receiver)
    }

    /// Adds a row.
    pub fn add(&self, row: Row) {
        self.change(|queue| queue.rows.push_back(row));
    }

    /// Ends the response to a request for rows. `end` means that no rows follow.
    pub fn responded(&self, end: bool) {
        self.change(|queue| {
            queue.ended |= end;
            queue.requested = false;
            self.request(queue);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        let waker = {
            let mut queue = lock(&self.queue);
            change(&mut queue);
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Creates no more predictions.
    pub fn stop(&self) {
        if let Some(batch) = &*lock(&self.batch) {
            batch.stop(Stopped::Requested);
        }
    }

    /// Returns the progress, or null before the batch has begun.
    pub fn stats(&self) -> Value {
        lock(&self.batch).as_ref().map_or(Value::Null, |batch| batch.stats().to_value(self.total))
    }

    /// Requests rows if fewer than half of the most are left.
    fn request(&self, queue: &mut Queue) {
        if !queue.requested && !queue.ended && queue.rows.len() <= self.capacity / 2 {
            queue.requested = true;
            // Without a receiver, nobody supplies rows.
            let _ = self.requests.send(self.capacity - queue.rows.len());
        }
    }
}

/// The rows of a [`RowFeed`].
pub(crate) struct Rows(pub Arc<RowFeed>);

impl Stream for Rows {
    type Item = Result<Row>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queue = lock(&self.0.queue);
        let row = queue.rows.pop_front();
        self.0.request(&mut queue);
        match row {
            Some(row) => Poll::Ready(Some(Ok(row))),
            None if queue.ended => Poll::Ready(None),
            None => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// A batch as a stream of messages: its number, requests for rows, results and the progress.
struct Messages {
    map: Map,
    feed: Arc<RowFeed>,
    requests: mpsc::UnboundedReceiver<usize>,
    reports: bool,
    reported: Option<Duration>,
    /// What is sent before anything else.
    next: Option<Result<Value>>,
    ended: bool,
}

fn message(name: &str, value: impl Into<Value>) -> Value {
    Value::from_members([(name, value.into())])
}

/// Begins a batch. The messages are `{"map": number}`, `{"pull": rows}`, `{"item"}`, `{"progress"}` and, at the end, also
/// before an error, `{"stats"}`.
pub(super) fn messages(
    map: Map,
    feed: Arc<RowFeed>,
    requests: mpsc::UnboundedReceiver<usize>,
    reports: bool,
) -> BoxStream<'static, Result<Value>> {
    let next = Some(Ok(message("map", feed.number)));
    let state = Messages { map, feed, requests, reports, reported: None, next, ended: false };
    Box::pin(stream::unfold(state, |mut state| async move { Some((state.next().await?, state)) }))
}

impl Messages {
    async fn next(&mut self) -> Option<Result<Value>> {
        if let Some(message) = self.next.take() {
            // Here, because the stream is polled within the async runtime.
            self.map.begin();
            *lock(&self.feed.batch) = self.map.batch().cloned();
            return Some(message);
        }
        if self.ended {
            return None;
        }
        let result: Option<Result<MapItem>> = tokio::select! {
            // Results first: reading rows may take long.
            biased;
            result = self.map.next() => result,
            Some(rows) = self.requests.recv() => return Some(Ok(message("pull", rows))),
        };
        match result {
            Some(Ok(item)) => {
                let item = message("item", item.into_value());
                let Some(progress) = self.progress() else { return Some(Ok(item)) };
                // The progress first, so that it counts the item that it is read with.
                self.next = Some(Ok(item));
                Some(Ok(progress))
            }
            ended => {
                self.ended = true;
                self.next = ended.map(|ended| ended.map(|_| Value::Null));
                Some(Ok(message("stats", self.feed.stats())))
            }
        }
    }

    /// Returns a report of the progress if it is wanted and the last one is some time ago.
    fn progress(&mut self) -> Option<Value> {
        let now = lock(&self.feed.batch).as_ref().filter(|_| self.reports)?.now();
        if self.reported.is_some_and(|last| now.saturating_sub(last) < REPORT_INTERVAL) {
            return None;
        }
        self.reported = Some(now);
        Some(message("progress", self.feed.stats()))
    }
}
