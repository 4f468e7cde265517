//! Decides which waiting prediction is polled next, alone or with a page of the list. A state machine without I/O, to which
//! callers pass the time.
//!
//! There is no task of its own: each waiting task asks [`Schedule::step`] what to do. At most one of those that are due is the
//! head. It waits for the next request that the budget allows, sends it, and wakes the most urgent of the others, which is the
//! next head. All others sleep until they are due, and check the head from time to time: if its task does not act, another
//! takes over.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    super::pause::Hints,
    budget::{Allowance, Budget},
    entry::{Activity, Entry, Known, Place},
    pages::{PageRequest, Pages},
};

/// How late a head may be. Each head that is late halves it for the next, because tasks of a blocked runtime all resume at once.
const GRACE: Duration = Duration::from_secs(1);
/// How long a prediction has no turn after its task did not act.
const SKIPPED: Duration = Duration::from_secs(30);
/// How often the due tasks check the head, all together, per second.
const CHECKS_PER_SECOND: u32 = 1000;
const LONGEST_CHECK: Duration = Duration::from_secs(10);

/// What a task does next.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// To ask again at this time, or when woken.
    SleepUntil(Duration),
    /// To poll its prediction.
    Poll,
    /// To request a page of the list, for others too.
    Page(PageRequest),
    /// To report a status.
    Changed(String),
}

/// The task whose turn is next.
#[derive(Debug, Clone, Copy)]
struct Head {
    place: Place,
    /// When it is late.
    until: Duration,
}

/// The predictions that are waited for.
#[derive(Default)]
pub(crate) struct Schedule {
    pub(super) entries: BTreeMap<Place, Entry>,
    /// Those that a list showed as ended, and since when. They are polled first.
    pub(super) ended: BTreeSet<(Duration, Place)>,
    pub(super) pages: Pages,
    budget: Budget,
    head: Option<Head>,
    /// How many heads in a row did not act.
    late: u32,
    joined: u64,
    pub(super) random: Random,
    /// The tasks to wake.
    pub(super) wake: Vec<Place>,
}

/// The source of jitter.
pub(super) struct Random(fastrand::Rng);

impl Default for Random {
    fn default() -> Self {
        Self(fastrand::Rng::new())
    }
}

impl Random {
    pub fn next(&mut self) -> f64 {
        self.0.f64()
    }
}

impl Schedule {
    #[cfg(test)]
    pub fn with_seed(seed: u64) -> Self {
        Self { random: Random(fastrand::Rng::with_seed(seed)), ..Self::default() }
    }

    /// Adds a prediction that was just seen. `created` is when the API created it.
    pub fn join(&mut self, known: Known, created: Option<u64>, now: Duration) -> Place {
        self.joined += 1;
        let place = (created.unwrap_or_default(), self.joined);
        self.entries.insert(place, Entry::new(known, now, self.random.next()));
        place
    }

    /// Records that a prediction has probably ended, so that it is polled before others.
    pub fn expect_end(&mut self, place: Place, now: Duration) {
        self.set_ended(place, Some(now));
    }

    /// Sets when a list showed that a prediction has ended. Returns the time before.
    fn set_ended(&mut self, place: Place, ended: Option<Duration>) -> Option<Duration> {
        let entry = self.entries.get_mut(&place)?;
        let before = std::mem::replace(&mut entry.ended, ended);
        if let Some(before) = before {
            self.ended.remove(&(before, place));
        }
        self.ended.extend(ended.map(|ended| (ended, place)));
        before
    }

    /// Removes a prediction.
    pub fn leave(&mut self, place: Place, now: Duration) {
        self.set_ended(place, None);
        self.entries.remove(&place);
        self.pass_turn_on(place, now);
    }

    /// Returns the tasks to wake.
    pub fn take_wakes(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.wake)
    }

    /// Decides what the task of a prediction does now.
    pub fn step(&mut self, place: Place, now: Duration, allowance: Allowance) -> Step {
        let step = self.decide(place, now, allowance);
        self.wake.retain(|other| *other != place);
        step
    }

    fn decide(&mut self, place: Place, now: Duration, allowance: Allowance) -> Step {
        let Some(entry) = self.entries.get_mut(&place) else { return Step::Poll };
        entry.skipped = Duration::ZERO;
        if let Some(status) = entry.changed.take() {
            return Step::Changed(status);
        }
        let (due, has_ended) = (entry.due(), entry.ended.is_some());
        if due > now {
            self.pass_turn_on(place, now);
            return Step::SleepUntil(due);
        }
        match self.head {
            Some(head) if head.place == place => {}
            Some(head) if now < head.until => return self.check_later(head.until),
            expired => {
                if let Some(entry) = expired.and_then(|head| self.entries.get_mut(&head.place)) {
                    entry.skipped = now.saturating_add(SKIPPED);
                    self.late += 1;
                }
                self.nominate(now);
            }
        }
        let is_spare = (has_ended && allowance.has_spare()) || allowance.is_ample();
        let earliest = if is_spare { now } else { self.budget.earliest(now, allowance) };
        let grace = self.grace();
        if let Some(head) = &mut self.head {
            head.until = earliest.max(now).saturating_add(grace);
            if head.place != place {
                let until = head.until;
                return self.check_later(until);
            }
        }
        if earliest > now {
            return Step::SleepUntil(earliest);
        }
        // A prediction that has ended meanwhile goes first.
        if let Some(first) = self.first_ended(now).filter(|first| *first != place) {
            self.head = Some(Head { place: first, until: now.saturating_add(self.grace()) });
            self.wake.push(first);
            return self.check_later(now.saturating_add(self.grace()));
        }
        self.late = 0;
        let step = self.act(place, now, allowance);
        if !is_spare || matches!(step, Step::Page(_)) {
            self.budget.take(now, allowance);
        }
        self.nominate(now);
        step
    }

    fn act(&mut self, place: Place, now: Duration, allowance: Allowance) -> Step {
        if !allowance.lists_pause
            && self.budget.earliest(now, allowance) <= now
            && let Some(page) = self.page_for(place, now)
        {
            return Step::Page(page);
        }
        if let Some(entry) = self.entries.get_mut(&place) {
            entry.activity = Activity::Polls;
            // `polled` still asks the entry whether a list showed the end.
            if let Some(ended) = entry.ended {
                self.ended.remove(&(ended, place));
            }
        }
        Step::Poll
    }

    /// Records the response to a poll.
    pub fn polled(&mut self, place: Place, status: &str, hints: Hints, now: Duration) {
        let random = self.random.next();
        let listed_end = self.set_ended(place, None).is_some();
        let Some(entry) = self.entries.get_mut(&place) else { return };
        entry.activity = Activity::Waits;
        entry.known.hints = hints;
        entry.poll(status, now, random);
        if listed_end {
            entry.doubted = now.saturating_add(entry.pause);
        }
    }

    /// Records a poll that failed. The next one follows after a pause and `wait`.
    pub fn failed(&mut self, place: Place, wait: Duration, now: Duration) {
        let random = self.random.next();
        self.set_ended(place, None);
        let Some(entry) = self.entries.get_mut(&place) else { return };
        let status = entry.known.status.clone();
        entry.activity = Activity::Waits;
        entry.poll(&status, now, random);
        entry.not_before = now.saturating_add(entry.pause).saturating_add(wait);
        entry.doubted = entry.not_before;
    }

    /// Makes the most urgent of those that are due the head, and wakes it.
    pub(super) fn nominate(&mut self, now: Duration) {
        let first = self.most_urgent(now);
        self.head = first.map(|place| Head { place, until: now.saturating_add(self.grace()) });
        self.wake.extend(first);
    }

    fn grace(&self) -> Duration {
        GRACE / (1 << self.late.min(5))
    }

    fn first_ended(&self, now: Duration) -> Option<Place> {
        let acts = |place: &Place| self.entries.get(place).is_some_and(|entry| entry.acts(now));
        self.ended.iter().map(|(_, place)| *place).find(acts)
    }

    fn most_urgent(&self, now: Duration) -> Option<Place> {
        if let Some(first) = self.first_ended(now) {
            return Some(first);
        }
        let due = self.entries.iter().filter(|(_, entry)| entry.acts(now));
        let first = due.map(|(place, entry)| (entry.urgency(now), *place));
        first.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, place)| place)
    }

    /// Passes the turn on, if `place` has it.
    fn pass_turn_on(&mut self, place: Place, now: Duration) {
        if self.head.is_some_and(|head| head.place == place) {
            self.nominate(now);
        }
    }

    fn check_later(&self, until: Duration) -> Step {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let later = (Duration::from_secs(1) * count / CHECKS_PER_SECOND).min(LONGEST_CHECK);
        Step::SleepUntil(until.saturating_add(later))
    }
}
