//! What is known of one waiting prediction.

use std::time::Duration;

use super::{
    super::pause::{Hints, adaptive_pause},
    moment::Moment,
};

/// How long a prediction that is missing in pages is polled alone at first.
const UNLISTED: Duration = Duration::from_secs(20);

/// How long pages alone are trusted at first. The time doubles.
const ALONE: Duration = Duration::from_secs(300);
/// The least time for which a prediction is polled alone after a late page.
const LATE: Duration = Duration::from_secs(1);

/// A place in the schedule, in the order of creation: when the API created the prediction (0 if unknown), and a number.
pub(crate) type Place = (Moment, u64);

/// An item of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub id: &'a str,
    pub created: Option<Moment>,
    pub status: &'a str,
    /// Whether the status is terminal.
    pub ended: bool,
}

/// A prediction as last seen.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub id: String,
    pub status: String,
    /// When it was created, on the clock of the client.
    pub created: Duration,
    pub hints: Hints,
}

/// Returns when a prediction that was polled is polled again, even if lists show that it runs: they may be wrong.
fn next_alone(known: &Known, now: Duration) -> Duration {
    now.saturating_add(now.saturating_sub(known.created).max(ALONE))
}

/// What happens to a waiting prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    Waits,
    /// Its own poll has been sent.
    Polls,
    /// A page that should contain it has been requested; after `until` it is not relied on any more.
    Listed {
        page: u64,
        until: Duration,
    },
}

#[derive(Debug)]
pub(super) struct Entry {
    pub known: Known,
    pub activity: Activity,
    /// When its status was last seen.
    pub seen: Duration,
    pub pause: Duration,
    /// When it is polled alone, whatever lists show.
    alone: Duration,
    /// The earliest time for its next poll, after a failed one.
    pub not_before: Duration,
    /// When a list showed that it has ended.
    pub ended: Option<Duration>,
    /// Until then, a list that shows its end is ignored: a poll said otherwise.
    pub doubted: Duration,
    /// A status that a list showed and that has not been reported.
    pub changed: Option<String>,
    /// How many pages lacked it since the last one that had it.
    misses: u32,
    /// Until then, no page is requested for it.
    unlisted: Duration,
    /// Its task did not act when its turn came, so it has none until then.
    pub skipped: Duration,
}

impl Entry {
    pub fn new(known: Known, now: Duration, random: f64) -> Self {
        let pause = adaptive_pause(now.saturating_sub(known.created), &known.status, known.hints, random);
        Self {
            activity: Activity::Waits,
            seen: now,
            pause,
            alone: next_alone(&known, now),
            not_before: Duration::ZERO,
            ended: None,
            doubted: Duration::ZERO,
            changed: None,
            misses: 0,
            unlisted: Duration::ZERO,
            skipped: Duration::ZERO,
            known,
        }
    }

    /// Returns when it is to be polled.
    pub fn due(&self) -> Duration {
        let due = self.seen.saturating_add(self.pause).min(self.alone).max(self.not_before);
        match (self.activity, self.ended) {
            (Activity::Polls, _) => Duration::MAX,
            (_, Some(ended)) => ended.max(self.not_before),
            (Activity::Listed { until, .. }, None) => due.max(until),
            (Activity::Waits, None) => due,
        }
    }

    /// Returns `true` if it is due and its task is believed to act.
    pub fn acts(&self, now: Duration) -> bool {
        self.due() <= now && self.skipped <= now
    }

    /// Returns how urgent a poll is: the time since it was last seen in relation to its pause. Those whose model usually runs for
    /// much longer come later.
    pub fn urgency(&self, now: Duration) -> f64 {
        let left = self
            .known
            .hints
            .usual
            .and_then(|usual| usual.checked_sub(now.saturating_sub(self.known.created)));
        self.age(now) / self.pause.max(left.unwrap_or_default() / 4).as_secs_f64()
    }

    /// Returns `true` if a page that contains it saves a poll soon.
    pub fn profits(&self, now: Duration) -> bool {
        let is_free = self.activity == Activity::Waits && self.ended.is_none();
        is_free && self.unlisted <= now && now < self.alone && self.age(now) * 2.0 >= self.pause.as_secs_f64()
    }

    /// Records that a page lacked it. After two of them it is polled alone for a while: the list may be late, or never show it.
    pub fn miss(&mut self, now: Duration) {
        self.misses = self.misses.saturating_add(1);
        if let Some(more) = self.misses.checked_sub(2) {
            self.unlisted = now.saturating_add(UNLISTED * (1 << more.min(5)));
        }
    }

    fn age(&self, now: Duration) -> f64 {
        now.saturating_sub(self.seen).as_secs_f64()
    }

    /// Records the status that a poll showed.
    pub fn poll(&mut self, status: &str, now: Duration, random: f64) {
        self.alone = next_alone(&self.known, now);
        self.see(status, now, random);
    }

    /// Records the status that a poll or a list showed.
    fn see(&mut self, status: &str, now: Duration, random: f64) {
        if self.known.status != status {
            status.clone_into(&mut self.known.status);
        }
        self.seen = now;
        self.pause = adaptive_pause(now.saturating_sub(self.known.created), status, self.known.hints, random);
    }

    /// Records that it is newer than all of a list, which may be late.
    pub fn miss_late(&mut self, now: Duration) {
        self.unlisted = now.saturating_add(self.pause.max(LATE));
    }

    /// Records what a list shows. Returns `true` if its task is to report a status.
    pub fn list(&mut self, listed: &Listed<'_>, now: Duration, random: f64) -> bool {
        (self.misses, self.unlisted) = (0, Duration::ZERO);
        if listed.ended {
            // A poll confirms the end: the item of a list may lack the output and the logs, and a poll may be newer.
            if now >= self.doubted && self.ended.is_none() {
                self.ended = Some(now);
            }
            return false;
        }
        let is_older = listed.status == "starting" && self.known.status != "starting";
        let is_new = !is_older && listed.status != self.known.status;
        if is_new {
            self.changed = Some(listed.status.to_owned());
        }
        let status = if is_older { self.known.status.clone() } else { listed.status.to_owned() };
        self.see(&status, now, random);
        is_new
    }
}
