//! The jobs of the server. Their number and their age are bounded.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::files::Files;
use crate::job::{Job, Kind, Shape};
use crate::support::json::{Raw, array};
use crate::support::lock;
use crate::support::time::Timestamp;

/// All jobs, by id, by time and by the key in their stream URL.
pub(crate) struct Jobs {
    store: Mutex<Store>,
    /// How many jobs are kept, except running ones.
    most: usize,
    /// How long a finished job is kept, in real time.
    age: Duration,
}

#[derive(Default)]
struct Store {
    by_id: HashMap<String, Arc<Job>>,
    /// Without the examples of models, which no list contains.
    by_time: BTreeMap<Timestamp, Arc<Job>>,
    by_stream: HashMap<String, Arc<Job>>,
    dropped: u64,
}

impl Store {
    /// Forgets a job.
    fn remove(&mut self, job: &Job, files: &Files) {
        self.by_id.remove(&job.spec.id);
        self.by_time.remove(&job.spec.created_at);
        if let Some(key) = &job.spec.stream_key {
            self.by_stream.remove(key);
        }
        files.remove_outputs(&job.files());
    }
}

impl Jobs {
    pub(crate) fn new(most: usize, age: Duration) -> Self {
        Self { store: Mutex::default(), most: most.max(1), age }
    }

    /// Adds a job. If there are too many, the oldest that have ended are dropped.
    pub(crate) fn add(&self, job: &Arc<Job>, files: &Files) {
        let mut store = lock(&self.store);
        store.by_id.insert(job.spec.id.clone(), job.clone());
        if let Some(key) = &job.spec.stream_key {
            store.by_stream.insert(key.clone(), job.clone());
        }
        if job.spec.kind == Kind::Example {
            return;
        }
        store.by_time.insert(job.spec.created_at, job.clone());
        let excess = store.by_time.len().saturating_sub(self.most);
        let ended = store.by_time.values().filter(|job| job.status().is_terminal());
        let dropped: Vec<_> = ended.take(excess).cloned().collect();
        for job in dropped {
            store.remove(&job, files);
            store.dropped += 1;
        }
    }

    /// Drops the jobs whose age exceeds the bound, and removes the data of those whose retention time has passed.
    pub(crate) fn sweep(&self, now: Timestamp, files: &Files) {
        let old: Vec<_> = {
            let store = lock(&self.store);
            let until = now.minus(self.age);
            store.by_time.range(..until).map(|(_, job)| job.clone()).collect()
        };
        for job in old.iter().filter(|job| job.status().is_terminal()) {
            let mut store = lock(&self.store);
            store.remove(job, files);
            store.dropped += 1;
        }
        for job in self.all() {
            job.remove_expired_data(now);
        }
    }

    /// Forgets all jobs. Running ones end as canceled.
    pub(crate) fn clear(&self, now: Timestamp, files: &Files) {
        let store = std::mem::take(&mut *lock(&self.store));
        for job in store.by_id.values() {
            job.cancel(now);
            files.remove_outputs(&job.files());
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Job>> {
        lock(&self.store).by_id.get(id).cloned()
    }

    pub(crate) fn with_stream(&self, key: &str) -> Option<Arc<Job>> {
        lock(&self.store).by_stream.get(key).cloned()
    }

    /// Returns all jobs except examples, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Job>> {
        lock(&self.store).by_time.values().cloned().collect()
    }

    /// Returns the newest jobs except examples, newest first.
    pub(crate) fn newest(&self, count: usize) -> Vec<Arc<Job>> {
        lock(&self.store).by_time.values().rev().take(count).cloned().collect()
    }

    /// Returns how many jobs there are, except examples.
    pub(crate) fn count(&self) -> usize {
        lock(&self.store).by_time.len()
    }

    /// Returns all jobs except examples, oldest first, as they are read.
    pub(crate) fn view(&self, origin: &str) -> Raw {
        array(&self.all().iter().map(|job| job.view(origin, Shape::Read)).collect::<Vec<_>>())
    }

    /// Returns how many jobs have been dropped to bound the memory.
    pub(crate) fn dropped(&self) -> u64 {
        lock(&self.store).dropped
    }
}
