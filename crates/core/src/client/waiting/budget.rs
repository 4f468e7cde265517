//! How many requests waiting predictions may send together.

use std::time::Duration;

use crate::http::rate_limit::OTHERS;

/// Requests per second of all waiting predictions.
const PER_SECOND: f64 = SHARE * OTHERS / 60.0;
/// The share of the limit that they use. The rest is for the other reads of the user.
const SHARE: f64 = 0.8;
/// How many requests are left to others, if the API reports how many are left.
const RESERVE: u64 = 300;
/// If the API reports that more polls than this are left, they need no budget. The API reports 59,999 now.
const AMPLE: u64 = 10_000;
/// How many requests may be sent at once.
const BURST: u32 = 20;

/// What the rate gate has learned about reads.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowance {
    /// Requests per minute, or `None` while nothing limits them.
    pub per_minute: Option<f64>,
    /// How long no poll is sent.
    pub paused: Duration,
    /// The number of polls that may be sent at once, 0 if unknown.
    pub left: u64,
    /// Whether no list is requested for now.
    pub lists_pause: bool,
}

impl Allowance {
    /// Returns `true` if polls that fetch results may exceed the budget.
    pub fn has_spare(self) -> bool {
        self.left > RESERVE && self.paused.is_zero()
    }

    /// Returns `true` if any poll may be sent beyond the budget.
    pub fn is_ample(self) -> bool {
        self.left > AMPLE && self.paused.is_zero()
    }

    /// Returns the time between two requests.
    fn spacing(self) -> Duration {
        let learned = self.per_minute.map_or(PER_SECOND, |per_minute| SHARE * per_minute / 60.0);
        Duration::from_secs_f64(1.0 / learned.clamp(0.01, PER_SECOND))
    }
}

/// A steady pace with a small burst.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// When the next request would be sent without the burst.
    next: Duration,
}

impl Budget {
    /// Returns when the next request may be sent.
    pub fn earliest(&self, now: Duration, allowance: Allowance) -> Duration {
        let earliest = self.next.saturating_sub(allowance.spacing() * BURST);
        if allowance.paused.is_zero() { earliest } else { earliest.max(now.saturating_add(allowance.paused)) }
    }

    /// Sends a request.
    pub fn take(&mut self, now: Duration, allowance: Allowance) {
        self.next = self.next.max(now) + allowance.spacing();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many requests are sent within a minute.
    fn sent(allowance: Allowance) -> usize {
        let (mut budget, mut now, mut sent) = (Budget::default(), Duration::from_secs(5), 0);
        let end = now + Duration::from_secs(60);
        while now < end {
            budget.take(now, allowance);
            sent += 1;
            now = now.max(budget.earliest(now, allowance));
        }
        sent
    }

    #[test]
    fn a_fifth_of_the_limit_is_left_to_other_requests() {
        let learned = |per_minute| Allowance { per_minute, ..Allowance::default() };
        assert_eq!(sent(learned(None)), 2420);
        assert_eq!(sent(learned(Some(60_000.0))), 2420);
        assert_eq!(sent(learned(Some(600.0))), 500);
    }

    #[test]
    fn a_pause_of_the_gate_holds_all_requests() {
        let paused = Allowance { paused: Duration::from_secs(9), ..Allowance::default() };
        assert_eq!(Budget::default().earliest(Duration::from_secs(5), paused), Duration::from_secs(14));
    }
}
