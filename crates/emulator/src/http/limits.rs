//! Rate limits and credit.

use std::sync::Mutex;
use std::time::Instant;

use crate::config::RateLimits;
use crate::support::lock;

/// The kind of a request, which decides the rate limit that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Create,
    ReadPrediction,
    Other,
}

/// A token bucket.
struct Bucket {
    per_minute: f64,
    burst: f64,
    level: f64,
    updated: Instant,
}

impl Bucket {
    fn new(per_minute: u32, burst: u32) -> Self {
        let burst = f64::from(burst.max(1));
        Self { per_minute: f64::from(per_minute.max(1)), burst, level: burst, updated: Instant::now() }
    }

    /// Takes a token and returns how many are left, or the seconds until the next one.
    fn take(&mut self) -> Result<u64, u64> {
        let per_second = self.per_minute / 60.0;
        self.level = self.burst.min(self.level + self.updated.elapsed().as_secs_f64() * per_second);
        self.updated = Instant::now();
        if self.level >= 1.0 {
            self.level -= 1.0;
            Ok(self.level as u64)
        } else {
            Err(((1.0 - self.level) / per_second).ceil().max(1.0) as u64)
        }
    }
}

/// The rate limits and the credit of the account.
pub(crate) struct Limits {
    buckets: Option<Mutex<(Bucket, Bucket)>>,
    credit: Option<Mutex<u32>>,
}

impl Limits {
    pub(crate) fn new(rates: Option<RateLimits>, credit: Option<u32>) -> Self {
        let buckets = |rates: RateLimits| {
            Mutex::new((
                Bucket::new(rates.creates_per_minute, rates.burst),
                Bucket::new(rates.others_per_minute, rates.burst),
            ))
        };
        Self { buckets: rates.map(buckets), credit: credit.map(Mutex::new) }
    }

    /// Counts a request. Returns how many more are allowed, or in how many seconds to retry.
    pub(crate) fn take(&self, class: Class) -> Result<u64, u64> {
        match &self.buckets {
            Some(buckets) => {
                let (creates, others) = &mut *lock(buckets);
                if class == Class::Create { creates.take() } else { others.take() }
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
        let Some(credit) = &self.credit else { return true };
        let mut credit = lock(credit);
        let enough = *credit > 0;
        *credit = credit.saturating_sub(1);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_allows_a_burst_and_then_reports_the_wait() {
        let mut bucket = Bucket::new(6, 2);
        assert_eq!((bucket.take(), bucket.take()), (Ok(1), Ok(0)));
        assert!(matches!(bucket.take(), Err(9 | 10)));
    }
}
