//! Limits of the requests that abandoned calls leave behind.
//!
//! A create continues after its call was abandoned, because only its response has the id that a cancel needs. Without
//! limits, a program that abandons calls in a loop would open a connection for each.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{
    future::{Either, select},
    pin_mut,
};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::{
    http::time_limit::within,
    platform::{Runtime, lock},
};

/// The number of abandoned creates from which on new ones are delayed.
const MAX_CREATES: usize = 64;
/// How long a new create waits for an abandoned one to end. Then the oldest of them is dropped.
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// How long the response to an abandoned create is awaited, in addition to the hold of the server.
const AFTER_HOLD: Duration = Duration::from_secs(5);
/// The number of cancels that are sent at a time.
const MAX_CANCELS: usize = 64;

/// The abandoned creates and the cancels of a client.
pub(crate) struct Abandoned {
    /// Drops a create, oldest first.
    creates: Mutex<VecDeque<Arc<Notify>>>,
    /// Notified when a create has ended.
    ended: Notify,
    cancels: Semaphore,
}

impl Default for Abandoned {
    fn default() -> Self {
        Self { creates: Mutex::default(), ended: Notify::new(), cancels: Semaphore::new(MAX_CANCELS) }
    }
}

impl Abandoned {
    /// Delays a new create while too many abandoned ones are in flight.
    pub async fn make_room(&self, runtime: &Arc<dyn Runtime>) {
        if self.has_room() {
            return;
        }
        let room = async {
            while !self.has_room() {
                self.ended.notified().await;
            }
        };
        if within(runtime, LONGEST_DELAY, room).await.is_none()
            && let Some(oldest) = lock(&self.creates).pop_front()
        {
            oldest.notify_one();
        }
    }

    /// Awaits an abandoned create whose response the server may hold for `hold`. Returns `None` if it takes too long or
    /// is dropped in favor of newer ones.
    pub async fn outcome<T>(
        &self,
        runtime: &Arc<dyn Runtime>,
        hold: Duration,
        create: impl Future<Output = T>,
    ) -> Option<T> {
        let entry = Entry::new(self);
        let create = within(runtime, hold.saturating_add(AFTER_HOLD), create);
        let dropped = entry.dropped.notified();
        pin_mut!(create, dropped);
        match select(create, dropped).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => None,
        }
    }

    /// Waits until another cancel may be sent. It ends when the permit is dropped.
    pub async fn cancel_permit(&self) -> Option<SemaphorePermit<'_>> {
        self.cancels.acquire().await.ok()
    }

    fn has_room(&self) -> bool {
        lock(&self.creates).len() < MAX_CREATES
    }
}

/// An abandoned create in flight.
struct Entry<'a> {
    among: &'a Abandoned,
    dropped: Arc<Notify>,
}

impl<'a> Entry<'a> {
    fn new(among: &'a Abandoned) -> Self {
        let dropped = Arc::new(Notify::new());
        lock(&among.creates).push_back(dropped.clone());
        Self { among, dropped }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        lock(&self.among.creates).retain(|dropped| !Arc::ptr_eq(dropped, &self.dropped));
        self.among.ended.notify_one();
    }
}
