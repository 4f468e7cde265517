//! Limits of the requests that abandoned calls leave behind.
//!
//! A create continues after its call was abandoned, because only its response has the id that a cancel needs. Without
//! limits, a program that abandons calls in a loop would open a connection for each.

use std::{
    future::{Future, poll_fn},
    sync::{Arc, Mutex},
    task::Context,
    time::Duration,
};

use futures_util::{
    future::{Either, select},
    pin_mut,
};
use tokio::sync::Notify;

use super::background::CANCEL_TIMEOUT;
use crate::{
    http::time_limit::within,
    platform::{Runtime, lock},
};

/// New creates are delayed while this many abandoned ones are in flight.
const MAX_CREATES: usize = 64;
/// How long a new create waits for an abandoned one to end. Then the oldest of them is dropped.
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// How long the response to an abandoned create is awaited, in addition to the hold of the server.
const AFTER_HOLD: Duration = Duration::from_secs(5);
/// The number of cancels that are sent at a time.
const MAX_CANCELS: usize = 64;

/// The abandoned creates and the cancels of a client.
#[derive(Default)]
pub(crate) struct Abandoned {
    /// Oldest first.
    creates: Mutex<Vec<Create>>,
    /// Notified when a create has ended.
    ended: Notify,
    /// When each cancel began.
    cancels: Mutex<Vec<Duration>>,
    /// Notified when a cancel has ended.
    canceled: Notify,
}

struct Create {
    /// Tells it to stop.
    dropped: Arc<Notify>,
    /// When it ends at the latest.
    until: Duration,
}

impl Abandoned {
    /// Delays a new create while too many abandoned ones are in flight.
    pub async fn make_room(&self, runtime: &Arc<dyn Runtime>) {
        if self.has_room(runtime) {
            return;
        }
        let room = async {
            while !self.has_room(runtime) {
                notified(runtime, &self.ended).await;
            }
        };
        if within(runtime, LONGEST_DELAY, room).await.is_none() {
            let mut creates = lock(&self.creates);
            if !creates.is_empty() {
                creates.remove(0).dropped.notify_one();
            }
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
        let limit = hold.saturating_add(AFTER_HOLD);
        let entry = Entry::new(self, runtime.monotonic().saturating_add(limit));
        let create = within(runtime, limit, create);
        let dropped = notified(runtime, &entry.dropped);
        pin_mut!(create, dropped);
        match select(create, dropped).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => None,
        }
    }

    /// Waits until another cancel may be sent. It ends when the permit is dropped.
    pub async fn cancel_permit(&self, runtime: &Arc<dyn Runtime>) -> CancelPermit<'_> {
        loop {
            let now = runtime.monotonic();
            if self.may_cancel(now) {
                return CancelPermit { among: self, began: now };
            }
            within(runtime, LONGEST_DELAY, notified(runtime, &self.canceled)).await;
        }
    }

    /// Counts a cancel that begins now, unless there are too many.
    fn may_cancel(&self, now: Duration) -> bool {
        let mut cancels = lock(&self.cancels);
        // A Worker's runtime ends a request without dropping its tasks, so these cancels do not end themselves.
        cancels.retain(|began| now.saturating_sub(*began) <= CANCEL_TIMEOUT);
        let room = cancels.len() < MAX_CANCELS;
        if room {
            cancels.push(now);
        }
        room
    }

    fn has_room(&self, runtime: &Arc<dyn Runtime>) -> bool {
        let mut creates = lock(&self.creates);
        if creates.len() >= MAX_CREATES {
            // As in `may_cancel`.
            let now = runtime.monotonic();
            creates.retain(|create| now <= create.until);
        }
        creates.len() < MAX_CREATES
    }
}

/// Waits for a notification, which may come from another call.
async fn notified(runtime: &Arc<dyn Runtime>, notify: &Notify) {
    let notified = notify.notified();
    pin_mut!(notified);
    poll_fn(|context| notified.as_mut().poll(&mut Context::from_waker(&runtime.waker(context)))).await;
}

/// A cancel in flight.
pub(crate) struct CancelPermit<'a> {
    among: &'a Abandoned,
    began: Duration,
}

impl Drop for CancelPermit<'_> {
    fn drop(&mut self) {
        let mut cancels = lock(&self.among.cancels);
        if let Some(at) = cancels.iter().position(|began| *began == self.began) {
            cancels.swap_remove(at);
        }
        drop(cancels);
        self.among.canceled.notify_one();
    }
}

/// An abandoned create in flight.
struct Entry<'a> {
    among: &'a Abandoned,
    dropped: Arc<Notify>,
}

impl<'a> Entry<'a> {
    fn new(among: &'a Abandoned, until: Duration) -> Self {
        let dropped = Arc::new(Notify::new());
        lock(&among.creates).push(Create { dropped: dropped.clone(), until });
        Self { among, dropped }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        lock(&self.among.creates).retain(|create| !Arc::ptr_eq(&create.dropped, &self.dropped));
        self.among.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::TokioRuntime;

    #[tokio::test]
    async fn a_create_that_never_ends_delays_others_for_a_limited_time() {
        let runtime: Arc<dyn Runtime> = Arc::new(TokioRuntime::with_rate(1000.0));
        let abandoned = Abandoned::default();
        for _ in 0..MAX_CREATES {
            std::mem::forget(Entry::new(&abandoned, runtime.monotonic().saturating_add(AFTER_HOLD)));
        }
        assert!(!abandoned.has_room(&runtime));
        runtime.sleep(AFTER_HOLD + LONGEST_DELAY).await;
        assert!(abandoned.has_room(&runtime));
    }

    #[tokio::test]
    async fn a_cancel_that_never_ends_keeps_its_permit_for_a_limited_time() {
        let runtime: Arc<dyn Runtime> = Arc::new(TokioRuntime::with_rate(1000.0));
        let abandoned = Abandoned::default();
        for _ in 0..MAX_CANCELS {
            std::mem::forget(abandoned.cancel_permit(&runtime).await);
        }
        assert!(!abandoned.may_cancel(runtime.monotonic()));
        let began = runtime.monotonic();
        drop(abandoned.cancel_permit(&runtime).await);
        assert!(runtime.monotonic() - began > CANCEL_TIMEOUT / 2);
    }
}
