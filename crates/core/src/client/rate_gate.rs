//! A rate gate: requests wait here until the API allows them, first come, first served.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{rate_state::RateLimitState, response::RateLimit};
use crate::{
    http::{
        rate_limit::{Limit, Passed},
        request::Request,
    },
    platform::{Runtime, lock},
};

/// How long a request may miss its turn before it is skipped, because its task no longer runs: a Worker's runtime ends a
/// request without dropping its tasks.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Holds back requests of one kind.
pub(super) struct RateGate {
    state: Mutex<State>,
    /// The position of the next request.
    next: AtomicU64,
}

struct State {
    limit: Limit,
    /// The requests that wait, in the order of their positions.
    waiting: Vec<Waiter>,
}

struct Waiter {
    position: u64,
    waker: Waker,
    /// When its turn comes, as last estimated.
    due: Duration,
}

impl RateGate {
    pub fn new(limit: Limit) -> Self {
        let state = State { limit, waiting: Vec::new() };
        Self { state: Mutex::new(state), next: AtomicU64::new(0) }
    }

    /// Returns a position in the queue, which a request keeps until it succeeds.
    pub fn position(&self) -> QueuePosition<'_> {
        QueuePosition { gate: self, position: self.next.fetch_add(1, Ordering::Relaxed), waits: false }
    }

    /// Returns how long the next request would wait.
    pub fn wait(&self, now: Duration) -> Duration {
        lock(&self.state).limit.wait(0, now)
    }

    pub fn since_accepted(&self, began: Duration, now: Duration) -> Duration {
        lock(&self.state).limit.since_accepted(began, now)
    }

    /// Returns how many requests are left, as reported, or 0 if that is not known.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn left(&self) -> u64 {
        lock(&self.state).limit.left()
    }

    /// Returns the pace in requests per minute.
    pub fn per_minute(&self, now: Duration) -> Option<f64> {
        lock(&self.state).limit.per_minute(now)
    }

    pub fn state(&self, now: Duration) -> RateLimitState {
        let state = lock(&self.state);
        RateLimitState {
            per_minute: state.limit.per_minute(now),
            remaining: state.limit.remaining(),
            paused: state.limit.paused(now),
            waiting: state.waiting.len(),
        }
    }

    /// Changes the limit, and wakes the first waiting request if `change` returns `true`.
    fn change(&self, change: impl FnOnce(&mut Limit) -> bool) {
        let mut state = lock(&self.state);
        let first = change(&mut state.limit).then(|| state.first_waker()).flatten();
        drop(state);
        if let Some(waker) = first {
            waker.wake();
        }
    }
}

impl State {
    fn first_waker(&self) -> Option<Waker> {
        self.waiting.first().map(|waiter| waiter.waker.clone())
    }

    /// Returns the index of a position, or the one that it would have.
    fn index(&self, position: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&position, |waiter| waiter.position)
    }

    /// Returns the number of requests before a position.
    fn before(&mut self, position: u64, now: Duration) -> usize {
        while let Some(first) = self.waiting.first() {
            if first.position >= position || now.saturating_sub(first.due) < LONGEST_DELAY {
                break;
            }
            self.waiting.remove(0);
        }
        self.index(position).unwrap_or_else(|before| before)
    }
}

/// A position in the queue of a gate. Dropping it leaves the queue.
pub(super) struct QueuePosition<'a> {
    gate: &'a RateGate,
    position: u64,
    waits: bool,
}

impl<'a> QueuePosition<'a> {
    pub fn gate(&self) -> &'a RateGate {
        self.gate
    }

    /// Waits until the request may be sent. Returns `None` once it is abandoned.
    pub async fn turn(&mut self, runtime: &Arc<dyn Runtime>, request: &Request) -> Option<Permit<'a>> {
        let gate = self.gate;
        let mut timer = None;
        poll_fn(|context| {
            loop {
                if request.is_abandoned() {
                    self.leave();
                    return Poll::Ready(None);
                }
                let now = runtime.monotonic();
                let due = match self.poll(runtime, now, context) {
                    Ok(passed) => {
                        return Poll::Ready(Some(Permit { gate, passed, sent: false, responded: false }));
                    }
                    Err(due) => due,
                };
                // A new timer for each estimate: estimates change rarely, and a waiting request is polled rarely.
                let sleep = timer.insert(runtime.sleep(due.saturating_sub(now)));
                if sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Returns the request as passed, or when its turn comes.
    fn poll(
        &mut self,
        runtime: &Arc<dyn Runtime>,
        now: Duration,
        context: &Context<'_>,
    ) -> Result<Passed, Duration> {
        let mut state = lock(&self.gate.state);
        let before = state.before(self.position, now);
        let wait = state.limit.wait(before, now);
        if wait.is_zero() {
            let passed = state.limit.pass(now);
            drop(state);
            self.leave();
            return Ok(passed);
        }
        // Rounded up, so that the time has come when the timer fires.
        let due = now.saturating_add(wait).saturating_add(Duration::from_millis(1));
        let waiter = Waiter { position: self.position, waker: runtime.waker(context), due };
        match state.index(self.position) {
            Ok(at) => state.waiting[at] = waiter,
            Err(at) => state.waiting.insert(at, waiter),
        }
        self.waits = true;
        Err(due)
    }

    /// Leaves the queue, and wakes the first of the others: its turn may come earlier now.
    fn leave(&mut self) {
        if !std::mem::take(&mut self.waits) {
            return;
        }
        let mut state = lock(&self.gate.state);
        if let Ok(at) = state.index(self.position) {
            state.waiting.remove(at);
        }
        let first = state.first_waker();
        drop(state);
        if let Some(waker) = first {
            waker.wake();
        }
    }
}

impl Drop for QueuePosition<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The permission to send one request. It is given back on drop unless the request was sent.
pub(super) struct Permit<'a> {
    gate: &'a RateGate,
    passed: Passed,
    sent: bool,
    /// Whether the API has responded, for example with a redirect.
    responded: bool,
}

impl Permit<'_> {
    pub fn gate(&self) -> &RateGate {
        self.gate
    }

    /// Records that the request may reach the API.
    pub fn use_up(&mut self) {
        self.sent = true;
    }

    /// Records that the last attempt to send the request cannot have reached the API.
    pub fn give_back(&mut self) {
        self.sent = self.responded;
    }

    /// Learns from a response other than 429.
    pub fn accepted(&mut self, headers: &[(String, String)], now: Duration) {
        self.responded = true;
        let reported = RateLimit::reported(headers);
        self.gate.change(|limit| limit.accepted(self.passed, reported, now));
    }

    /// Learns from a 429. All requests pause for `pause`. If it is `None`, this request is not sent again, and the others pause
    /// for `asked`. Returns how long the request waits.
    pub fn rejected(
        self,
        pause: Option<Duration>,
        asked: Option<Duration>,
        now: Duration,
    ) -> Option<Duration> {
        if let Some(pauses) = pause.or(asked) {
            self.gate.change(|limit| {
                limit.rejected(self.passed, pauses, now);
                false
            });
        }
        pause.map(|pause| pause.max(self.gate.wait(now)))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.sent {
            self.gate.change(|limit| {
                limit.take_back(self.passed);
                true
            });
        }
    }
}
