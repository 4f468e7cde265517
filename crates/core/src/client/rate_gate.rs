//! The rate gate: requests wait here until the API allows them, first come, first served.
//!
//! All clients of a process with the same token and origin share their gates, so that one limit holds for all of them.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, LazyLock, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use sha2::{Digest, Sha256};
use url::Url;

#[cfg(not(target_arch = "wasm32"))]
use super::waiting::{Allowance, Waiting};
use super::{options::RateLimitOption, response::RateLimit};
use crate::{
    http::{
        rate_limit::{Limiter, Passed, Reported},
        request::Request,
    },
    platform::{Runtime, lock, process_id},
    value::Value,
};

/// Documented limits of the API, in requests per minute. The limit of polls is that of recorded responses.
pub(super) const CREATES: f64 = 600.0;
const POLLS: f64 = 60_000.0;
const OTHERS: f64 = 3000.0;
/// How long after its turn a waiting request is skipped. Its task no longer runs: a Worker's runtime ends a request without
/// dropping its tasks.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Identifies clients that share their gates, without the token.
type Key = [u8; 32];

static SHARED: LazyLock<Mutex<HashMap<Key, Weak<RateGates>>>> = LazyLock::new(Mutex::default);

/// The gates of a token at an origin.
pub(crate) struct RateGates {
    creates: RateGate,
    polls: RateGate,
    others: RateGate,
    /// The predictions that wait in a process. A forked child has its own: its parent may hold the lock of the others.
    #[cfg(not(target_arch = "wasm32"))]
    waiting: Mutex<(u32, Arc<Waiting>)>,
}

/// The kinds of requests, each of which has its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Poll,
    Other,
}

impl Kind {
    /// Returns the kind of a request to a path of the API, or `None` for a cancel, which must not wait.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        match method {
            "POST" if path.ends_with("/predictions") => Some(Self::Create),
            "POST" if path.ends_with("/cancel") => None,
            "GET" if path.contains("/predictions/") => Some(Self::Poll),
            _ => Some(Self::Other),
        }
    }
}

impl RateGates {
    fn new(maximum: Option<f64>) -> Self {
        Self {
            creates: RateGate::new(Limiter::new(CREATES, maximum, true)),
            polls: RateGate::new(Limiter::new(POLLS, None, false)),
            others: RateGate::new(Limiter::new(OTHERS, None, false)),
            #[cfg(not(target_arch = "wasm32"))]
            waiting: Mutex::default(),
        }
    }

    /// Returns the predictions that wait in this process.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn waiting(&self) -> Arc<Waiting> {
        let (process, mut waiting) = (process_id(), lock(&self.waiting));
        if waiting.0 != process {
            *waiting = (process, Arc::default());
        }
        waiting.1.clone()
    }

    /// Returns what polls and lists may send.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn reads(&self, now: Duration) -> Allowance {
        let (polls, others) = (self.polls.state(now), self.others.state(now));
        let per_minute = polls.per_minute.into_iter().chain(others.per_minute).reduce(f64::min);
        let left = lock(&self.polls.state).limiter.left();
        Allowance { per_minute, paused: polls.paused, left, lists_pause: !others.paused.is_zero() }
    }

    /// Returns the gates of a client, or `None` if it has none. Clients with a clock of their own share no gates.
    pub fn of(
        limit: RateLimitOption,
        token: Option<&str>,
        base_url: &Url,
        shares_clock: bool,
    ) -> Option<Arc<Self>> {
        let maximum = match limit {
            RateLimitOption::Off => return None,
            RateLimitOption::Learned => None,
            RateLimitOption::PerMinute(maximum) => Some(maximum),
        };
        if cfg!(target_arch = "wasm32") || !shares_clock {
            return Some(Arc::new(Self::new(maximum)));
        }
        let mut hasher = Sha256::new();
        let maximum_bytes = maximum.unwrap_or_default().to_bits().to_le_bytes();
        for part in [token.unwrap_or_default().as_bytes(), &maximum_bytes] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.update(base_url.origin().ascii_serialization());
        let mut shared = lock(&SHARED);
        if let Some(gates) = shared.get(&Key::from(hasher.clone().finalize())).and_then(Weak::upgrade) {
            return Some(gates);
        }
        shared.retain(|_, gates| gates.strong_count() > 0);
        let gates = Arc::new(Self::new(maximum));
        shared.insert(hasher.finalize().into(), Arc::downgrade(&gates));
        Some(gates)
    }

    pub(super) fn gate(&self, kind: Kind) -> &RateGate {
        match kind {
            Kind::Create => &self.creates,
            Kind::Poll => &self.polls,
            Kind::Other => &self.others,
        }
    }

    /// Returns the state of each gate.
    pub fn state(&self, now: Duration) -> RateLimits {
        RateLimits {
            creates: self.creates.state(now),
            polls: self.polls.state(now),
            others: self.others.state(now),
        }
    }
}

/// The rate limits of a client; see [`Client::rate_limit`](super::Client::rate_limit).
///
/// ```
/// # fn main() -> replicant::Result<()> {
/// let client = replicant::Client::from_env()?;
/// if let Some(limits) = client.rate_limit() {
///     println!("{} creates wait for {:?}", limits.creates.waiting, limits.creates.paused);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RateLimits {
    /// Creates of predictions.
    pub creates: RateLimitState,
    /// Reads of a single prediction.
    pub polls: RateLimitState,
    /// All other requests.
    pub others: RateLimitState,
}

/// The state of one rate limit.
///
/// ```
/// # fn main() -> replicant::Result<()> {
/// let creates = replicant::Client::from_env()?.rate_limit().map(|limits| limits.creates);
/// println!("{:?} creates a minute", creates.and_then(|creates| creates.per_minute));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RateLimitState {
    /// Requests per minute that are sent at most. `None` while nothing limits them.
    pub per_minute: Option<f64>,
    /// Number of requests left, as last reported by the API.
    pub remaining: Option<u64>,
    /// How long no request is sent, because the API asked to wait.
    pub paused: Duration,
    /// Number of requests that wait.
    pub waiting: usize,
}

impl RateLimits {
    /// Returns the members as an object, for the bindings. Durations are in seconds.
    pub fn to_value(self) -> Value {
        let state = |state: RateLimitState| {
            Value::from_members([
                ("per_minute", state.per_minute.into()),
                ("remaining", state.remaining.into()),
                ("paused", state.paused.as_secs_f64().into()),
                ("waiting", state.waiting.into()),
            ])
        };
        Value::from_members([
            ("creates", state(self.creates)),
            ("polls", state(self.polls)),
            ("others", state(self.others)),
        ])
    }
}

/// Holds back requests of one kind.
pub(super) struct RateGate {
    state: Mutex<State>,
    /// The number of tickets.
    tickets: AtomicU64,
}

struct State {
    limiter: Limiter,
    /// The requests that wait, in the order of their tickets.
    waiting: Vec<Waiter>,
    /// The process of the waiting requests. Those of a parent do not run in a forked child.
    process: u32,
}

struct Waiter {
    ticket: u64,
    waker: Waker,
    /// When its turn comes, as last estimated.
    due: Duration,
}

impl RateGate {
    fn new(limiter: Limiter) -> Self {
        let state = State { limiter, waiting: Vec::new(), process: 0 };
        Self { state: Mutex::new(state), tickets: AtomicU64::new(0) }
    }

    /// Returns a place in the queue, which a request keeps until it succeeds.
    pub fn place(&self) -> Place<'_> {
        Place { gate: self, ticket: self.tickets.fetch_add(1, Ordering::Relaxed), waits: false }
    }

    /// Returns how long the next request would wait.
    pub fn wait(&self, now: Duration) -> Duration {
        lock(&self.state).limiter.wait(0, now)
    }

    pub fn since_accepted(&self, began: Duration, now: Duration) -> Duration {
        lock(&self.state).limiter.since_accepted(began, now)
    }

    /// Returns the pace in requests per minute.
    pub fn per_minute(&self, now: Duration) -> Option<f64> {
        lock(&self.state).limiter.per_minute(now)
    }

    fn state(&self, now: Duration) -> RateLimitState {
        let state = lock(&self.state);
        RateLimitState {
            per_minute: state.limiter.per_minute(now),
            remaining: state.limiter.remaining(),
            paused: state.limiter.paused(now),
            waiting: state.waiting.len(),
        }
    }

    /// Changes the limiter, and wakes the first waiting request if `change` returns `true`.
    fn change(&self, change: impl FnOnce(&mut Limiter) -> bool) {
        let mut state = lock(&self.state);
        let first = change(&mut state.limiter).then(|| state.first_waker()).flatten();
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

    /// Returns where a ticket is, or where it would be.
    fn position(&self, ticket: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&ticket, |waiter| waiter.ticket)
    }

    /// Returns the number of requests before a ticket.
    fn before(&mut self, ticket: u64, now: Duration) -> usize {
        if self.waiting.is_empty() {
            return 0;
        }
        let process = process_id();
        if self.process != process {
            self.waiting.clear();
            self.process = process;
        }
        while let Some(first) = self.waiting.first() {
            if first.ticket >= ticket || now.saturating_sub(first.due) < LONGEST_DELAY {
                break;
            }
            self.waiting.remove(0);
        }
        self.position(ticket).unwrap_or_else(|before| before)
    }
}

/// A place in the queue of a gate. Dropping it gives it up.
pub(super) struct Place<'a> {
    gate: &'a RateGate,
    ticket: u64,
    waits: bool,
}

impl<'a> Place<'a> {
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
                let due = match self.poll(now, context) {
                    Ok(passed) => return Poll::Ready(Some(Permit { gate, passed, sent: false })),
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
    fn poll(&mut self, now: Duration, context: &Context<'_>) -> Result<Passed, Duration> {
        let mut state = lock(&self.gate.state);
        let before = state.before(self.ticket, now);
        let wait = state.limiter.wait(before, now);
        if wait.is_zero() {
            let passed = state.limiter.pass(now);
            drop(state);
            self.leave();
            return Ok(passed);
        }
        // Rounded up, so that the time has come when the timer fires.
        let due = now.saturating_add(wait).saturating_add(Duration::from_millis(1));
        state.process = process_id();
        let waiter = Waiter { ticket: self.ticket, waker: context.waker().clone(), due };
        match state.position(self.ticket) {
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
        if let Ok(at) = state.position(self.ticket) {
            state.waiting.remove(at);
        }
        let first = state.first_waker();
        drop(state);
        if let Some(waker) = first {
            waker.wake();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The permission to send one request. It is given back on drop unless the request was sent.
pub(super) struct Permit<'a> {
    gate: &'a RateGate,
    passed: Passed,
    sent: bool,
}

impl Permit<'_> {
    /// Records that the request may reach the API.
    pub fn use_up(&mut self) {
        self.sent = true;
    }

    /// Records that the request cannot have reached the API.
    pub fn give_back(&mut self) {
        self.sent = false;
    }

    /// Learns from a response other than 429.
    pub fn accepted(&mut self, headers: &[(String, String)], now: Duration) {
        let reported = RateLimit::of(headers)
            .and_then(|limit| Some(Reported { remaining: limit.remaining?, reset: limit.reset }));
        self.gate.change(|limiter| limiter.accepted(self.passed, reported, now));
    }

    /// Learns from a 429. All requests pause for `pause`, or for `asked` if this request is not sent again: `None`. Returns how
    /// long the request waits.
    pub fn rejected(
        self,
        pause: Option<Duration>,
        asked: Option<Duration>,
        now: Duration,
    ) -> Option<Duration> {
        if let Some(pauses) = pause.or(asked) {
            self.gate.change(|limiter| {
                limiter.rejected(self.passed, pauses, now);
                false
            });
        }
        pause.map(|pause| pause.max(self.gate.wait(now)))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.sent {
            self.gate.change(|limiter| {
                limiter.take_back(self.passed);
                true
            });
        }
    }
}
