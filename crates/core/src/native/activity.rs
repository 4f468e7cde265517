//! Lets the runtime notice, before a request that follows a pause, which connections the server has closed meanwhile.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::unsent::before_sending;

/// A pause in which a server may have closed a connection. Servers keep an unused one open for seconds.
const PAUSE: Duration = Duration::from_millis(500);

/// When the connections of a runtime were used last.
pub(super) struct Activity {
    /// In milliseconds of the wall clock, which continues while the machine sleeps.
    last: AtomicU64,
}

impl Activity {
    pub fn new() -> Self {
        Self { last: AtomicU64::new(now()) }
    }

    /// Records that the connections are in use. Does not end a pause, because others may have been closed meanwhile.
    pub fn record(&self) {
        if !self.is_pause() {
            self.last.store(now(), Ordering::Relaxed);
        }
    }

    /// Waits, after a pause, until the runtime has polled its sockets. A closed connection leaves its pool only then, and a
    /// process that was stopped may send a request before it happens. All requests that begin meanwhile wait as well.
    pub async fn settle(&self) {
        if self.is_pause() {
            // Spawned, because only the scheduler polls the sockets. Twice, because the first time wakes the connection.
            let turns = tokio::spawn(async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            });
            let _ = before_sending(turns).await;
        }
        self.last.store(now(), Ordering::Relaxed);
    }

    /// Returns `true` also if the clock was set back.
    fn is_pause(&self) -> bool {
        let unused = now().checked_sub(self.last.load(Ordering::Relaxed));
        unused.is_none_or(|unused| Duration::from_millis(unused) >= PAUSE)
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
