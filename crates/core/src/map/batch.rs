//! A batch: what all its rows share.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::sync::{Notify, watch};

use super::{
    checkpoint::{Checkpoint, Opened},
    options::MapOptions,
    records::{HeaderOptions, Record, Step},
    recover::recover,
    save::SaveFolder,
    stats::{Counters, MapStats, Stopped},
};
use crate::{
    error::{Error, ErrorKind, Result},
    platform::{lock, real_sleep},
    predictions::batch_run::BatchRuns,
    value::Value,
};

/// How often, and after which time, to try again to open a checkpoint that is in use.
const LEAVING_CHECKS: u32 = 30;
const LEAVING_CHECK: Duration = Duration::from_millis(100);

/// A batch.
pub(super) struct Batch {
    pub runs: BatchRuns,
    pub options: MapOptions,
    pub counters: Mutex<Counters>,
    /// The rows whose creates were sent and whose predictions have not ended, with their keys.
    live: Mutex<HashMap<u64, Value>>,
    stopping: AtomicBool,
    stopped: Notify,
    /// The number of results that were not read.
    pub unread: AtomicUsize,
    pub read: Notify,
    /// Why the batch cannot go on: the checkpoint cannot be written.
    fatal: Mutex<Option<Error>>,
}

/// The files of a batch.
#[derive(Default)]
pub(super) struct Storage {
    pub checkpoint: Option<Checkpoint>,
    pub folder: Option<SaveFolder>,
    /// Its receivers learn when the storage is dropped.
    pub in_use: watch::Sender<()>,
}

impl Batch {
    pub fn new(runs: BatchRuns, options: MapOptions) -> Self {
        let counters = Counters::new(&options, runs.client().runtime().monotonic());
        Self {
            runs,
            options,
            counters: Mutex::new(counters),
            live: Mutex::default(),
            stopping: AtomicBool::new(false),
            stopped: Notify::new(),
            unread: AtomicUsize::new(0),
            read: Notify::new(),
            fatal: Mutex::default(),
        }
    }

    pub fn now(&self) -> Duration {
        self.runs.client().runtime().monotonic()
    }

    /// Opens the files of the batch, and finds the predictions of rows that an earlier process left behind.
    pub async fn open(&self) -> Result<Storage> {
        self.options.check()?;
        let reference = self.runs.reference()?;
        let mut storage = Storage::default();
        if let Some(path) = &self.options.save_to {
            storage.folder = Some(SaveFolder::open(path).await?);
        }
        if let Some(path) = &self.options.checkpoint {
            let Opened { checkpoint, unknown, ids } =
                self.open_checkpoint(path, &reference.to_string()).await?;
            if !unknown.is_empty() {
                let (client, options) = (self.runs.client(), self.runs.options());
                recover(client, options, &reference, &checkpoint, unknown, ids).await?;
            }
            storage.checkpoint = Some(checkpoint);
        }
        Ok(storage)
    }

    /// Opens the checkpoint. Waits for a batch that was just left, which still records its cancels.
    async fn open_checkpoint(&self, path: &Path, model: &str) -> Result<Opened> {
        let options = HeaderOptions { save_to: self.options.save_to.is_some() };
        for _ in 0..LEAVING_CHECKS {
            match Checkpoint::open(path.to_owned(), model.to_owned(), options).await {
                Err(error) if error.kind() == ErrorKind::Conflict => real_sleep(LEAVING_CHECK).await,
                opened => return opened,
            }
        }
        let problem =
            format!("is in use by another batch: {}; wait for its end, or use another file", path.display());
        Err(Error::invalid_argument("checkpoint", problem))
    }

    pub fn stats(&self) -> MapStats {
        let mut stats = lock(&self.counters).at(self.now());
        stats.running = stats.rows.saturating_sub(stats.finished());
        stats
    }

    /// Creates no more predictions.
    pub fn stop(&self, why: Stopped) {
        lock(&self.counters).stop(why);
        self.stopping.store(true, SeqCst);
        self.stopped.notify_waiters();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// Waits until [`Batch::stop`] is called.
    pub async fn stopped(&self) {
        loop {
            let stopped = self.stopped.notified();
            if self.is_stopping() {
                return;
            }
            stopped.await;
        }
    }

    /// Reserves a prediction. Returns `false` if a limit is reached. Those that were reserved before are created.
    pub fn reserve(&self) -> bool {
        lock(&self.counters).reserve()
    }

    pub fn began(&self, index: u64, key: &Value) {
        lock(&self.live).insert(index, key.clone());
    }

    pub fn ended(&self, index: u64) {
        lock(&self.live).remove(&index);
    }

    /// Records that the running predictions are about to be canceled, so that a resumed batch runs their rows again.
    pub async fn record_cancels(&self, storage: &Storage) {
        self.stopping.store(true, SeqCst);
        let Some(checkpoint) = storage.checkpoint.as_ref().filter(|_| self.runs.cancels()) else { return };
        let cancels: Vec<_> = lock(&self.live).values().map(|key| Record::new(Step::Cancel, key)).collect();
        let recorded = join_all(cancels.iter().map(|cancel| checkpoint.append(cancel))).await;
        if recorded.iter().any(Result::is_err) {
            // A resumed batch would take the cancels for those of the user, so it waits for the predictions instead.
            self.runs.leave();
        }
    }

    /// Appends a record to the checkpoint, if there is one. A failure ends the batch.
    pub async fn record(&self, storage: &Storage, record: impl FnOnce() -> Record) -> Result<()> {
        let Some(checkpoint) = &storage.checkpoint else { return Ok(()) };
        let appended = checkpoint.append(&record()).await;
        appended.map_err(|error| {
            let reported = Error::new(error.kind(), error.message()).with_never_sent();
            lock(&self.fatal).get_or_insert(error);
            reported
        })
    }

    pub fn take_fatal(&self) -> Option<Error> {
        lock(&self.fatal).take()
    }
}
