//! Rate limits and credit.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::config::RateLimits;
use crate::support::lock;
use crate::support::time::{Time, Timestamp};

/// The kind of a request, which decides the rate limit that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Create,
    ReadPrediction,
    Other,
}

/// A token bucket.
struct Bucket {
    per_second: f64,
    burst: f64,
    level: f64,
    updated: Timestamp,
}

impl Bucket {
    fn new(per_minute: u32, burst: Option<u32>, now: Timestamp) -> Self {
        let burst = f64::from(burst.unwrap_or(per_minute).max(1));
        Self { per_second: f64::from(per_minute.max(1)) / 60.0, burst, level: burst, updated: now }
    }

    /// Takes a token and returns how many are left, or the seconds until the next one.
    fn take(&mut self, now: Timestamp) -> Result<u64, u64> {
        self.level = self.burst.min(self.level + now.since(self.updated) * self.per_second);
        self.updated = now;
        if self.level >= 1.0 {
            self.level -= 1.0;
            Ok(self.level as u64)
        } else {
            Err(((1.0 - self.level) / self.per_second).ceil().max(1.0) as u64)
        }
    }
}

/// The rate limits and the credit of the account.
pub(crate) struct Limits {
    rates: Option<RateLimits>,
    buckets: Mutex<Option<(Bucket, Bucket)>>,
    credit: Option<u32>,
    /// How many predictions have been billed.
    paid: AtomicU32,
    time: Time,
}

impl Limits {
    pub(crate) fn new(rates: Option<RateLimits>, credit: Option<u32>, time: Time) -> Self {
        let limits = Self { rates, buckets: Mutex::default(), credit, paid: AtomicU32::new(0), time };
        limits.reset();
        limits
    }

    /// Restores the whole burst and credit.
    pub(crate) fn reset(&self) {
        let buckets = |rates: RateLimits| {
            (
                Bucket::new(rates.creates_per_minute, rates.creates_burst, self.time.now()),
                Bucket::new(rates.others_per_minute, rates.others_burst, self.time.now()),
            )
        };
        *lock(&self.buckets) = self.rates.map(buckets);
        self.paid.store(0, Ordering::Relaxed);
    }

    /// Counts a request. Returns how many more are allowed, or in how many seconds to retry.
    pub(crate) fn take(&self, class: Class) -> Result<u64, u64> {
        match &mut *lock(&self.buckets) {
            Some((creates, others)) => {
                let bucket = if class == Class::Create { creates } else { others };
                bucket.take(self.time.now())
            }
            // As in recorded responses of the API.
            None => Ok(match class {
                Class::Create => 599,
                Class::ReadPrediction => 59_999,
                Class::Other => 2999,
            }),
        }
    }

    /// Pays for a prediction. Returns false if there is no credit left.
    pub(crate) fn pay(&self) -> bool {
        let Some(credit) = self.credit else { return true };
        let paid = self
            .paid
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid| (paid < credit).then_some(paid + 1));
        paid.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn a_bucket_allows_a_burst_and_then_reports_the_wait() {
        let mut bucket = Bucket::new(6, Some(2), at(0));
        assert_eq!((bucket.take(at(0)), bucket.take(at(0))), (Ok(1), Ok(0)));
        assert_eq!(bucket.take(at(0)), Err(10));
        assert_eq!((bucket.take(at(11)), bucket.take(at(11))), (Ok(0), Err(9)));
    }

    #[test]
    fn a_bucket_allows_the_requests_of_a_minute_at_once() {
        let mut bucket = Bucket::new(600, None, at(0));
        let allowed = (0..700).filter(|_| bucket.take(at(0)).is_ok()).count();
        assert_eq!(allowed, 600);
    }
}
