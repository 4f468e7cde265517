//! Decides when a page of the list is cheaper than single polls, and hands out what it shows.

use std::{collections::HashMap, ops::Range, time::Duration};

use super::{
    entry::{Activity, Entry, Listed, Place},
    moment::Moment,
    schedule::Schedule,
};

/// Predictions on a page.
const PAGE: usize = 100;
/// A page must save at least so many polls, and one more for each [`BYTES_PER_POLL`] of a page.
const WORTH: usize = 4;
const BYTES_PER_POLL: usize = 64 * 1024;
/// Longer pages are not requested again for [`LONGEST_BREAK`]: inputs may contain whole files.
const LARGEST: usize = 4 * 1024 * 1024;
/// How many pages are requested at a time.
const MAX_IN_FLIGHT: usize = 4;
/// How long others rely on a page that has been requested.
const LEASE: Duration = Duration::from_secs(5);
/// No page is requested for this time after one that failed; twice as long after the next one, and so on.
const BREAK: Duration = Duration::from_secs(5);
const LONGEST_BREAK: Duration = Duration::from_secs(300);
/// The API stores times with less precision than creates show.
const PRECISION: Moment = 10_000;

/// A page to request: the newest predictions created before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRequest {
    pub number: u64,
    /// `created_before` of the request.
    pub before: Moment,
}

/// A page that has arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArrivedPage<'a> {
    pub items: &'a [Listed<'a>],
    /// The size of the response.
    pub bytes: usize,
    /// Whether no older predictions exist.
    pub is_last: bool,
}

/// A page that has been requested.
#[derive(Debug, Clone, Copy)]
struct Requested {
    number: u64,
    target: Place,
    before: Moment,
    /// Until when others rely on it.
    until: Duration,
}

/// What is known of the pages of the list.
#[derive(Default)]
pub(super) struct Pages {
    requested: Vec<Requested>,
    count: u64,
    /// The time in which as many predictions are created as a page has, if known.
    span: Option<Moment>,
    bytes: usize,
    failures: u32,
    not_before: Duration,
}

impl Pages {
    /// Returns how many pages are requested. A task that does not run may keep one forever.
    fn in_flight(&self, now: Duration) -> usize {
        self.requested.iter().filter(|page| now < page.until).count()
    }

    /// Requests no page for a time: the longest, or a longer one after each failure.
    fn back_off(&mut self, longest: bool, now: Duration) {
        if now < self.not_before && !longest {
            // Pages that were requested together fail together.
            return;
        }
        let shift = if longest { 16 } else { self.failures.min(16) };
        self.failures += 1;
        self.not_before = now.saturating_add((BREAK * (1 << shift)).min(LONGEST_BREAK));
    }

    fn learn(&mut self, span: Moment) {
        self.span = Some(self.span.map_or(span, |before| before / 2 + span / 2).max(1));
    }
}

impl Schedule {
    /// Returns the page that contains a prediction that is due, if that is cheaper than single polls.
    pub(super) fn page_for(&mut self, place: Place, now: Duration) -> Option<PageRequest> {
        let pages = &self.pages;
        let entry = self.entries.get(&place)?;
        if place.0 == 0
            || !entry.profits(now)
            || pages.in_flight(now) >= MAX_IN_FLIGHT
            || now < pages.not_before
        {
            return None;
        }
        let near = self.near(place, now);
        let at = near.iter().position(|other| other.place == place)?;
        let Candidate { range, profiting } = best_page(&near, at, pages.span);
        if profiting < WORTH + pages.bytes / BYTES_PER_POLL {
            return None;
        }
        self.pages.count += 1;
        let request = PageRequest { number: self.pages.count, before: near[range.start].place.0 + PRECISION };
        let until = now.saturating_add(LEASE);
        let listed = Activity::Listed { page: request.number, until };
        for near in near[range].iter().filter(|near| near.profits) {
            if let Some(entry) = self.entries.get_mut(&near.place) {
                entry.activity = listed;
            }
        }
        let PageRequest { number, before } = request;
        self.pages.requested.push(Requested { number, target: place, before, until });
        Some(request)
    }

    /// Returns those that may be on a page with `place`, the newest first.
    fn near(&self, place: Place, now: Duration) -> Vec<Near> {
        let known = |(place, entry): (&Place, &Entry)| Near {
            place: *place,
            profits: place.0 > 0 && entry.profits(now),
        };
        let newer = self.entries.range(place..).skip(1).take(PAGE - 1).map(known);
        let mut near: Vec<_> = newer.collect();
        near.reverse();
        near.extend(self.entries.range(..=place).rev().take(PAGE).map(known));
        near
    }

    /// Hands out the items of a page that has arrived.
    pub fn page_arrived(&mut self, number: u64, page: &ArrivedPage<'_>, now: Duration) {
        let ArrivedPage { items, bytes, is_last } = *page;
        let created = || items.iter().filter_map(|item| item.created);
        let Some(requested) = self.take_requested(number) else { return };
        let (newest, oldest) =
            (created().max().unwrap_or(requested.before), created().min().unwrap_or_default());
        self.pages.bytes = bytes.min(LARGEST);
        // Without timestamps, or if the API ignores the filter, nothing says where a prediction is.
        let ignores_filter = newest > requested.before + PRECISION || (oldest == 0 && !items.is_empty());
        let ids: HashMap<&str, usize> = items.iter().enumerate().map(|(at, item)| (item.id, at)).collect();
        let (mut found, mut last) = (0, None);
        let range =
            (oldest.saturating_sub(PRECISION).min(requested.before), 0)..=(requested.before, u64::MAX);
        for (place, entry) in self.entries.range_mut(range).rev() {
            if entry.activity == Activity::Polls {
                continue;
            }
            if let Some(at) = ids.get(entry.known.id.as_str()) {
                entry.activity = Activity::Waits;
                (found, last) = (found + 1, Some((*at, place.0)));
                if entry.list(&items[*at], now, self.random.next()) {
                    self.wake.push(*place);
                }
                self.ended.extend(entry.ended.map(|ended| (ended, *place)));
            } else if place.0 > newest + PRECISION {
                entry.miss_late(now);
            } else if place.0 > oldest || is_last || *place == requested.target {
                // At the end of a page, only the one that the page was requested for.
                entry.miss(now);
            }
        }
        self.release(number);
        if let Some(entry) = self.entries.get_mut(&requested.target)
            && requested.target.0 < oldest.saturating_sub(PRECISION)
        {
            entry.miss(now);
        }
        match last {
            Some((at, oldest_found)) => {
                let size = if is_last { PAGE } else { items.len() };
                let between = newest.saturating_sub(oldest_found).max(1);
                self.pages.learn(between.saturating_mul(size as u64) / (at as u64 + 1));
            }
            None => self
                .pages
                .learn(newest.saturating_sub(oldest).min(self.pages.span.unwrap_or(Moment::MAX)) / 2),
        }
        if ignores_filter || bytes > LARGEST {
            self.pages.back_off(true, now);
        } else if found < WORTH / 2 {
            self.pages.back_off(false, now);
        } else {
            self.pages.failures = 0;
        }
        self.nominate(now);
    }

    /// Records that a page did not arrive: the request failed, or was dropped with its task.
    pub fn page_lost(&mut self, number: u64, failed: bool, now: Duration) {
        if self.take_requested(number).is_none() {
            return;
        }
        self.release(number);
        if failed {
            self.pages.back_off(false, now);
        }
        self.nominate(now);
    }

    fn take_requested(&mut self, number: u64) -> Option<Requested> {
        let at = self.pages.requested.iter().position(|page| page.number == number)?;
        Some(self.pages.requested.remove(at))
    }

    /// Stops relying on a page.
    fn release(&mut self, number: u64) {
        for entry in self.entries.values_mut() {
            if matches!(entry.activity, Activity::Listed { page, .. } if page == number) {
                entry.activity = Activity::Waits;
            }
        }
    }
}

/// A prediction that may be on a page.
struct Near {
    place: Place,
    /// Whether the page would save its poll.
    profits: bool,
}

/// A page that could be requested.
#[derive(Debug, PartialEq)]
struct Candidate {
    range: Range<usize>,
    /// The number of predictions that profit.
    profiting: usize,
}

/// Returns the page with the most predictions that profit, among those that contain the one at `at`.
fn best_page(near: &[Near], at: usize, span: Option<Moment>) -> Candidate {
    // How far a page reaches is not known at first, or only roughly.
    let (starts, span) = match span {
        Some(span) => (0..=at, span / 5 * 4),
        None => (at..=at, Moment::MAX),
    };
    let mut best = Candidate { range: at..at + 1, profiting: 0 };
    for first in starts.rev() {
        let newest = near[first].place.0;
        if !near[first].profits || newest - near[at].place.0 > span {
            continue;
        }
        let page = near[first..].iter().take(PAGE);
        let shown = |near: &&Near| near.place.0 > 0 && newest - near.place.0 <= span;
        let range = first..first + page.take_while(shown).count();
        let profiting = near[range.clone()].iter().filter(|near| near.profits).count();
        if range.end > at && profiting > best.profiting {
            best = Candidate { range, profiting };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::entry::Known, *};
    use crate::client::{
        pause::Hints,
        waiting::{budget::Allowance, schedule::Step},
    };

    fn near(seconds: &[u64]) -> Vec<Near> {
        seconds.iter().map(|second| Near { place: (second * 1_000_000, 0), profits: true }).collect()
    }

    #[test]
    fn a_page_covers_as_many_as_it_can() {
        let near = near(&[100, 99, 98, 97, 60, 59, 20]);
        let page = |range: Range<usize>| Candidate { profiting: range.len(), range };
        assert_eq!(best_page(&near, 3, None), page(3..7));
        assert_eq!(best_page(&near, 3, Some(10_000_000)), page(0..4));
        assert_eq!(best_page(&near, 4, Some(50_000_000)), page(1..6));
        assert_eq!(best_page(&near, 6, Some(10_000_000)), page(6..7));
    }

    proptest! {
        #[test]
        fn a_page_may_show_anything(
            created in proptest::collection::vec(proptest::option::of(0u64..250_000_000_000_000_000), 1..40),
            items in proptest::collection::vec(
                (0usize..50, proptest::option::of(0u64..250_000_000_000_000_000), any::<bool>()), 0..40),
            (bytes, is_last) in (any::<usize>(), any::<bool>()),
        ) {
            let mut schedule = Schedule::with_seed(7);
            let start = Duration::from_secs(1);
            let known = |id: usize| Known { id: id.to_string(), status: String::new(), created: start, hints: Hints::default() };
            let joined = created.iter().enumerate();
            let places: Vec<_> = joined.map(|(id, created)| schedule.join(known(id), *created, start)).collect();
            let ids: Vec<_> = (0..50).map(|id| id.to_string()).collect();
            let items: Vec<_> = items
                .into_iter()
                .map(|(id, created, ended)| Listed { id: &ids[id], created, status: "running", ended })
                .collect();
            for second in 2..20 {
                let now = Duration::from_secs(second);
                for place in &places {
                    match schedule.step(*place, now, Allowance::default()) {
                        Step::Page(page) => {
                            schedule.page_arrived(page.number, &ArrivedPage { items: &items, bytes, is_last }, now);
                        }
                        Step::Poll => schedule.polled(*place, "running", Hints::default(), now),
                        Step::SleepUntil(until) => prop_assert!(until > now),
                        Step::Changed(status) => prop_assert_eq!(status, "running"),
                    }
                }
            }
        }
    }
}
