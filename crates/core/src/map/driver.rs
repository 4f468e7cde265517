//! Drives a batch: reads rows, runs them and passes their results on, in its own task.

use std::{
    collections::BTreeMap,
    future::pending,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::select, stream::FuturesUnordered};
use tokio::sync::mpsc;

use super::{
    batch::{Batch, Storage},
    checkpoint::Checkpoint,
    fingerprint::hash_of,
    hash::Hash,
    item::MapItem,
    options::OnError,
    records::Entry,
    row::{Keys, Numbered, Row, is_key},
    run_row::{Finished, RunRow},
    stats::Stopped,
};
use crate::{
    client::background,
    error::{Error, ErrorKind, Result},
    platform::{BoxFuture, BoxStream, lock, real_sleep, run_blocking},
    value::Value,
};

/// With ordered results, how far reading may run ahead of the next result to deliver, as a multiple of `concurrency`.
const ORDERED_WINDOW: u64 = 4;

/// After a limit, how many rows without a result in the checkpoint to read before the next one with a result; more if the
/// checkpoint has more results. The rows may be a queue that never ends.
const LEFT_OUT: usize = 1000;

/// How long creates of a batch that was left may use its checkpoint. Shorter than another batch waits for it.
const LAST_CREATES: Duration = Duration::from_secs(2);

/// Runs the rows of a batch and sends their results. Ends early once the receiver is dropped.
pub(super) async fn drive(
    batch: Arc<Batch>,
    rows: BoxStream<'static, Result<Row>>,
    results: mpsc::UnboundedSender<Result<MapItem>>,
) {
    let opened = tokio::select! {
        biased;
        opened = batch.open() => opened,
        () = results.closed() => return,
    };
    let storage = match opened {
        Ok(storage) => Arc::new(storage),
        Err(error) => {
            let _ = results.send(Err(error));
            return;
        }
    };
    let compares = storage.checkpoint.is_some();
    let hashed = move |row: Result<Row>| async move {
        let row = row?;
        let hash = if compares { hash_of(&row).await } else { Ok(Hash::of_row(&row.input)) };
        Ok((row, hash))
    };
    let driver = Driver {
        results,
        storage,
        running: FuturesUnordered::new(),
        rows: Some(Box::pin(rows.then(hashed))),
        next: 0,
        delivered: 0,
        is_limited: false,
        left_out: 0,
        waiting: BTreeMap::new(),
        keys: Keys::default(),
        last_error: None,
        batch,
    };
    driver.run().await;
}

/// A row, and the hash by which the checkpoint compares it.
type Hashed = (Row, Result<Hash>);

struct Driver {
    batch: Arc<Batch>,
    storage: Arc<Storage>,
    results: mpsc::UnboundedSender<Result<MapItem>>,
    running: FuturesUnordered<BoxFuture<'static, (u64, Finished)>>,
    /// `None` at the end of the rows.
    rows: Option<BoxStream<'static, Result<Hashed>>>,
    /// The index of the next row.
    next: u64,
    /// The index of the next result, if results are ordered.
    delivered: u64,
    /// Results that wait for earlier ones. `None` for a row without a result.
    waiting: BTreeMap<u64, Option<Box<MapItem>>>,
    keys: Keys,
    /// Whether only rows whose results the checkpoint has are of interest.
    is_limited: bool,
    /// How many rows in a row were left out because of a limit.
    left_out: usize,
    /// The error to end with.
    last_error: Option<Error>,
}

/// What the driver waits for.
enum Next {
    Finished(u64, Finished),
    Row(Option<Result<Hashed>>),
    Stopped,
    /// A result was read, so that there may be room for a row.
    HasRoom,
    Closed,
}

impl Driver {
    async fn run(mut self) {
        while self.rows.is_some() || !self.running.is_empty() {
            let next = AssertUnwindSafe(self.next_event()).catch_unwind().await;
            // Unwinding would cancel what runs without a record of it.
            let next = next.unwrap_or_else(|_| Next::Row(Some(Err(panicked()))));
            let step = match next {
                Next::Finished(index, finished) => self.finished(index, finished),
                Next::Row(Some(Ok((row, hash)))) => self.begin(row, hash),
                Next::Row(Some(Err(error))) => Err(error),
                Next::Row(None) | Next::Stopped => {
                    self.rows = None;
                    Ok(())
                }
                Next::HasRoom => Ok(()),
                Next::Closed => return self.leave().await,
            };
            let step = step.and_then(|()| self.batch.take_fatal().map_or(Ok(()), Err));
            if let Err(error) = step {
                self.flush();
                // Sent after the cancels are recorded, so that a reader that starts again finds a complete checkpoint.
                let results = self.results.clone();
                self.leave().await;
                let _ = results.send(Err(error));
                return;
            }
            if self.reads_no_more_rows() {
                self.rows = None;
            }
        }
        self.flush();
        if let Some(error) = self.last_error.take() {
            let _ = self.results.send(Err(error));
        }
    }

    async fn next_event(&mut self) -> Next {
        let (batch, running) = (&self.batch, &mut self.running);
        let has_room = {
            let most = batch.options.concurrency();
            let unread = batch.unread.load(SeqCst);
            let window = ORDERED_WINDOW * most as u64;
            running.len() < most
                && running.len() + unread < 2 * most
                && (!batch.options.ordered || self.next - self.delivered < window)
        };
        let rows = self.rows.as_mut();
        let reads = rows.is_some();
        let row = async {
            match rows.filter(|_| has_room) {
                Some(rows) => rows.next().await,
                None => pending().await,
            }
        };
        let finished = async {
            match running.next().await {
                Some(finished) => finished,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.results.closed() => Next::Closed,
            () = batch.stopped(), if reads => Next::Stopped,
            (index, finished) = finished => Next::Finished(index, finished),
            row = row => Next::Row(row),
            () = batch.read.notified(), if reads && !has_room => Next::HasRoom,
        }
    }

    /// Begins to run a row.
    fn begin(&mut self, row: Row, hash: Result<Hash>) -> Result<()> {
        let index = self.next;
        let hash = match row.check(index).and(hash) {
            Ok(hash) => hash,
            Err(error) => {
                let key = row.key.filter(is_key).unwrap_or_else(|| index.into());
                return self.reject(key, row.input, error);
            }
        };
        let row = Numbered::new(row, index, hash);
        let entry = match self.known(&row) {
            Ok(entry) => entry,
            Err(error) if error.argument() == Some("checkpoint") => return Err(error),
            Err(error) => return self.reject(row.key, row.input, error),
        };
        let retry_unknown = self.batch.options.retry_unknown;
        let runs = entry.as_ref().is_none_or(|entry| entry.needs_prediction(retry_unknown));
        self.next += 1;
        if runs && !self.batch.reserve() {
            // Rows whose results the checkpoint has may follow.
            self.left_out += 1;
            self.deliver(index, None);
            return Ok(());
        }
        self.left_out = 0;
        lock(&self.batch.counters).stats.rows += 1;
        let (batch, storage) = (self.batch.clone(), self.storage.clone());
        let row = RunRow { batch, storage, row: Arc::new(row), seconds: None, attempts: 0, interrupted: 0 };
        self.running.push(Box::pin(async move { (index, row.run(entry).await) }));
        Ok(())
    }

    /// Takes the key of a row. Returns what the checkpoint knows of it.
    fn known(&mut self, row: &Numbered) -> Result<Option<Entry>> {
        self.keys.take(row)?;
        match &self.storage.checkpoint {
            Some(checkpoint) => checkpoint.take(row, &self.batch.options),
            None => Ok(None),
        }
    }

    /// Ends a row that is not valid. After a limit, it is left out.
    fn reject(&mut self, key: Value, input: Value, error: Error) -> Result<()> {
        let index = self.next;
        self.next += 1;
        if self.is_limited {
            self.left_out += 1;
            self.deliver(index, None);
            return Ok(());
        }
        lock(&self.batch.counters).stats.rows += 1;
        let item = MapItem { error: Some(error), ..MapItem::new(key, index, input) };
        self.finished(index, Finished::Item(Box::new(item)))
    }

    /// Passes the result of a row on.
    fn finished(&mut self, index: u64, finished: Finished) -> Result<()> {
        let item = match finished {
            Finished::Item(mut item) => {
                let failure = lock(&self.batch.counters).finished(&item);
                if let Some(failure) = failure {
                    self.batch.stop(Stopped::ErrorRate);
                    self.last_error.get_or_insert(self.batch.runs.client().without_token(failure));
                }
                match (self.batch.options.errors, item.error.take()) {
                    (OnError::Raise, Some(error)) => {
                        let error = error.map_message(|why| format!("row {}: {why}", item.key));
                        if !item.resumed {
                            return Err(error);
                        }
                        // Each start of the batch would cancel what runs, because the checkpoint has the error again.
                        self.rows = None;
                        self.last_error.get_or_insert(error);
                        None
                    }
                    (OnError::Skip, Some(_)) => None,
                    (_, error) => {
                        item.error = error;
                        Some(item)
                    }
                }
            }
            Finished::Released => {
                self.released();
                None
            }
            Finished::Refused(error) => {
                self.batch.stop(Stopped::Refused);
                self.last_error.get_or_insert(error);
                self.released();
                None
            }
            Finished::Raised(error) => return Err(error),
        };
        self.deliver(index, item);
        Ok(())
    }

    /// Sends the result of a row, or `None`, once those of earlier rows are sent if results are ordered.
    fn deliver(&mut self, index: u64, item: Option<Box<MapItem>>) {
        if !self.batch.options.ordered {
            return self.send(item);
        }
        self.waiting.insert(index, item);
        while let Some(item) = self.waiting.remove(&self.delivered) {
            self.delivered += 1;
            self.send(item);
        }
    }

    /// Returns `true` if the rows that follow have no result. After a limit, the checkpoint may have some.
    fn reads_no_more_rows(&mut self) -> bool {
        let stopped = lock(&self.batch.counters).stats.stopped;
        let is_limit = matches!(stopped, Some(Stopped::MaxPredictions | Stopped::MaxSeconds));
        let Some(checkpoint) = self.storage.checkpoint.as_ref().filter(|_| is_limit) else {
            return stopped.is_some();
        };
        if !std::mem::replace(&mut self.is_limited, true) {
            checkpoint.keep_results(&self.batch.options);
        }
        let results = checkpoint.rows_left();
        results == 0 || self.left_out > results.max(LEFT_OUT)
    }

    /// Counts a row as not read.
    fn released(&self) {
        let mut counters = lock(&self.batch.counters);
        counters.stats.rows = counters.stats.rows.saturating_sub(1);
    }

    /// Sends the results that wait for earlier ones.
    fn flush(&mut self) {
        for (_, item) in std::mem::take(&mut self.waiting) {
            self.send(item);
        }
    }

    fn send(&self, item: Option<Box<MapItem>>) {
        if let Some(item) = item {
            self.batch.unread.fetch_add(1, SeqCst);
            let _ = self.results.send(Ok(*item));
        }
    }

    /// Abandons what runs, which cancels it.
    async fn leave(self) {
        self.batch.record_cancels(&self.storage).await;
        let Self { batch, storage, running, .. } = self;
        drop(running);
        if let Some(checkpoint) = storage.checkpoint.clone()
            && Arc::strong_count(&storage) > 1
        {
            let client = batch.runs.client();
            let close = Box::pin(close_late(storage, checkpoint));
            background::spawn(client, &client.runtime().spawner(), close);
        }
    }
}

/// Closes the checkpoint of a batch that was left once its last creates have ended, or after a while: a create may wait for its
/// response for a minute, and another batch finds its prediction by its input.
async fn close_late(storage: Arc<Storage>, checkpoint: Checkpoint) {
    let mut in_use = storage.in_use.subscribe();
    drop(storage);
    // `changed` returns when the last create has dropped the storage.
    select(pin!(in_use.changed()), pin!(real_sleep(LAST_CREATES))).await;
    // It waits for a write to the disk.
    let _ = run_blocking(move || checkpoint.close()).await;
}

fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "the batch is not complete: its rows or a hook panicked")
}
