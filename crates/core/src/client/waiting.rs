//! State that waiting predictions share. Below 32, each is polled on its own; from 32 on, they share polls and pages of lists.
//!
//! All clients of a process with the same token and origin share one [`Waiting`], as they share their rate gates.

mod budget;
mod entry;
mod moment;
mod news;
mod pages;
#[cfg(test)]
mod scenarios;
mod schedule;
#[cfg(test)]
mod simulation;

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicBool},
    task::{Context, Poll, Waker},
    time::Duration,
};

pub(crate) use self::{
    budget::Allowance,
    entry::{Known, Listed},
    moment::{format as format_moment, parse as parse_moment},
    news::{News, Subscription},
    pages::{ArrivedPage, PageRequest},
};
use self::{
    entry::Place,
    news::Subscriptions,
    schedule::{Schedule, Step},
};
use super::pause::Hints;
use crate::platform::{Runtime, lock};

/// Fewer waiting predictions than this poll each on its own.
const MANY: usize = 32;

/// The predictions that are waited for.
pub(crate) struct Waiting {
    state: Mutex<State>,
    many: usize,
    webhooks_arrive: AtomicBool,
    /// Whether anything was announced in this process.
    has_news: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The number of seats.
    count: usize,
    schedule: Schedule,
    wakers: HashMap<Place, Waker>,
    subscriptions: Subscriptions,
}

impl Default for Waiting {
    fn default() -> Self {
        let (webhooks_arrive, has_news) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { state: Mutex::default(), many: MANY, webhooks_arrive, has_news }
    }
}

impl Waiting {
    /// Never lets predictions share their polls.
    #[cfg(test)]
    pub fn alone() -> Self {
        Self { many: usize::MAX, ..Self::default() }
    }

    /// Counts a waiting prediction.
    pub fn sit(self: &Arc<Self>, runtime: &Arc<dyn Runtime>) -> Seat {
        lock(&self.state).count += 1;
        Seat { waiting: self.clone(), runtime: runtime.clone(), place: None, end_is_near: false }
    }

    /// Returns the number of waiting predictions, of those that share their polls, and of those that have subscribed to news.
    #[cfg(test)]
    pub fn counts(&self) -> (usize, usize, usize) {
        let state = lock(&self.state);
        (state.count, state.schedule.entries.len(), state.subscriptions.len())
    }
}

impl State {
    /// Returns the tasks to wake, which is done without the lock.
    fn wakes(&mut self) -> Vec<Waker> {
        let places = self.schedule.take_wakes();
        places.iter().filter_map(|place| self.wakers.get(place).cloned()).collect()
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let wakers = state.wakes();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

/// What a waiting task does when its turn has come.
pub(crate) enum Turn {
    /// To poll its prediction.
    Poll,
    /// To request a page of the list.
    Page(PageOfAll),
    /// To report a status that a list showed.
    Changed(String),
}

/// A waiting prediction. Dropping it unregisters it.
pub(crate) struct Seat {
    waiting: Arc<Waiting>,
    runtime: Arc<dyn Runtime>,
    place: Option<Place>,
    /// Whether the prediction has probably ended.
    end_is_near: bool,
}

impl Seat {
    /// Returns `true` if so many wait that they share their polls.
    pub fn shares(&mut self) -> bool {
        let shares = self.is_shared();
        if !shares {
            self.leave();
        }
        shares
    }

    pub fn is_shared(&self) -> bool {
        lock(&self.waiting.state).count >= self.waiting.many
    }

    /// Waits for the next turn of a prediction that was just seen, as `known` and created at `created`.
    pub async fn next(
        &mut self,
        known: impl FnOnce() -> (Known, Option<u64>),
        allowance: impl Fn(Duration) -> Allowance,
    ) -> Turn {
        let place = match self.place {
            Some(place) => place,
            None => {
                let (known, created) = known();
                let now = self.runtime.monotonic();
                let mut state = lock(&self.waiting.state);
                let place = state.schedule.join(known, created, now);
                if std::mem::take(&mut self.end_is_near) {
                    state.schedule.expect_end(place, now);
                }
                drop(state);
                *self.place.insert(place)
            }
        };
        let mut timer = None;
        poll_fn(|context| {
            loop {
                let now = self.runtime.monotonic();
                let until = match self.step(place, now, allowance(now), context) {
                    Step::SleepUntil(until) => until,
                    Step::Poll => return Poll::Ready(Turn::Poll),
                    Step::Changed(status) => return Poll::Ready(Turn::Changed(status)),
                    Step::Page(request) => {
                        let (waiting, runtime) = (self.waiting.clone(), self.runtime.clone());
                        return Poll::Ready(Turn::Page(PageOfAll { waiting, runtime, request }));
                    }
                };
                // Rounded up, so that the time has come when the timer fires.
                let left = until.saturating_sub(now).saturating_add(Duration::from_millis(1));
                let sleep = timer.insert(self.runtime.sleep(left));
                if sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn step(&self, place: Place, now: Duration, allowance: Allowance, context: &Context<'_>) -> Step {
        let mut state = lock(&self.waiting.state);
        let known = state.wakers.get(&place).is_some_and(|waker| waker.will_wake(context.waker()));
        let before = if known { None } else { state.wakers.insert(place, context.waker().clone()) };
        let step = state.schedule.step(place, now, allowance);
        wake(state);
        // Without the lock, because dropping a waker may drop a task.
        drop(before);
        step
    }

    /// Lets the next turn come before those of others, because the prediction has probably ended.
    pub fn expect_end(&mut self) {
        self.leave();
        self.end_is_near = true;
    }

    /// Leaves the schedule. The next call of [`Seat::next`] joins it again.
    pub fn leave(&mut self) {
        let Some(place) = self.place.take() else { return };
        let now = self.runtime.monotonic();
        let mut state = lock(&self.waiting.state);
        let waker = state.wakers.remove(&place);
        state.schedule.leave(place, now);
        wake(state);
        drop(waker);
    }

    /// Records the response to a poll.
    pub fn polled(&self, status: &str, hints: Hints, now: Duration) {
        self.change(|schedule, place| schedule.polled(place, status, hints, now));
    }

    /// Records a poll that failed. The next one follows after a pause and `wait`.
    pub fn failed(&self, wait: Duration, now: Duration) {
        self.change(|schedule, place| schedule.failed(place, wait, now));
    }

    fn change(&self, change: impl FnOnce(&mut Schedule, Place)) {
        let Some(place) = self.place else { return };
        let mut state = lock(&self.waiting.state);
        change(&mut state.schedule, place);
        wake(state);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
        lock(&self.waiting.state).count -= 1;
    }
}

/// A page of the list that a task requests for all. If it is dropped, others take over.
pub(crate) struct PageOfAll {
    waiting: Arc<Waiting>,
    runtime: Arc<dyn Runtime>,
    pub request: PageRequest,
}

impl PageOfAll {
    /// Hands out the items of the page.
    pub fn arrived(self, page: &ArrivedPage<'_>) {
        let now = self.runtime.monotonic();
        let mut state = lock(&self.waiting.state);
        state.schedule.page_arrived(self.request.number, page, now);
        wake(state);
    }

    /// Records that the request failed.
    pub fn failed(self) {
        self.lost(true);
    }

    fn lost(&self, failed: bool) {
        let now = self.runtime.monotonic();
        let mut state = lock(&self.waiting.state);
        state.schedule.page_lost(self.request.number, failed, now);
        wake(state);
    }
}

impl Drop for PageOfAll {
    /// Has no effect after [`PageOfAll::arrived`] and [`PageOfAll::failed`], which end the request of the page.
    fn drop(&mut self) {
        self.lost(false);
    }
}
