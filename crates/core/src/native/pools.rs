//! Connection pools, one for each tokio runtime. A connection is driven by a task of the runtime that opened it: a request of
//! another one would end, or be blocked, with that runtime.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    runtime::{Handle, Id},
    task::AbortHandle,
};

use crate::{error::Result, platform::lock};

/// What each runtime that sends requests has of its own.
pub(super) struct PerRuntime<T>(Mutex<HashMap<Id, Entry<T>>>);

struct Entry<T> {
    value: Arc<T>,
    /// A task that ends with its runtime.
    runtime: AbortHandle,
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        self.runtime.abort();
    }
}

impl<T> PerRuntime<T> {
    pub fn new() -> Self {
        Self(Mutex::default())
    }

    /// Returns the value of the current runtime, which `build` builds on first use. Forgets those of runtimes that have ended.
    pub fn get(&self, build: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let runtime = Handle::current();
        let mut entries = lock(&self.0);
        // A runtime may get the id of an earlier one.
        if let Some(entry) = entries.get(&runtime.id()).filter(|entry| !entry.runtime.is_finished()) {
            return Ok(entry.value.clone());
        }
        entries.retain(|_, entry| !entry.runtime.is_finished());
        let value = Arc::new(build()?);
        let task = runtime.spawn(std::future::pending::<()>()).abort_handle();
        entries.insert(runtime.id(), Entry { value: value.clone(), runtime: task });
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn get(pools: &PerRuntime<u8>, runtime: &Runtime, value: u8) -> u8 {
        runtime.block_on(async { *pools.get(|| Ok(value)).unwrap() })
    }

    #[test]
    fn each_runtime_has_its_own_and_ended_ones_are_forgotten() {
        let runtimes = [
            Builder::new_current_thread().build().unwrap(),
            Builder::new_multi_thread().worker_threads(1).build().unwrap(),
        ];
        let pools = PerRuntime::new();
        for round in 0..2 {
            assert_eq!(get(&pools, &runtimes[0], round), 0);
            assert_eq!(get(&pools, &runtimes[1], round + 1), 1);
        }
        drop(runtimes);
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(get(&pools, &runtime, 5), 5);
        assert_eq!(lock(&pools.0).len(), 1);

        assert_eq!(runtime.metrics().num_alive_tasks(), 1);
        drop(pools);
        while runtime.metrics().num_alive_tasks() > 0 {
            runtime.block_on(tokio::task::yield_now());
        }
    }
}
