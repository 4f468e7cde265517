//! The retry policy: whether to send a request again, and after which delay. No I/O.

use std::time::Duration;

use crate::value::parse_float;

/// How the client retries failed requests. Later versions may add fields: end with `..RetryPolicy::default()`.
///
/// ```
/// use std::time::Duration;
/// use replicant::{Client, Options, RetryPolicy};
///
/// let retry = RetryPolicy { max_retries: 8, cap: Duration::from_secs(30), ..RetryPolicy::default() };
/// let client = Client::new(Options { retry: Some(retry), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Maximum number of retries of a request; 0 disables retries. Default 5.
    pub max_retries: u32,
    /// Maximum delay before the first retry. It doubles with each further retry. Default 500 ms.
    pub base: Duration,
    /// Upper bound of the delay, unless the API asks for a longer one. Default 8 s.
    pub cap: Duration,
    /// Longest `Retry-After` that the client honors. If the API asks for more, the request fails at once;
    /// the error has the requested delay. Default 60 s.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 5,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Retries any number of times, and waits up to `longest` if the API asks for it.
    pub(crate) fn unlimited(longest: Duration) -> Self {
        Self { max_retries: u32::MAX, max_retry_after: longest, ..Self::default() }
    }
}

/// Whether a request may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// Sending it twice has the effect of sending it once.
    Safe,
    /// Sending it twice may do (and bill) its work twice.
    Once,
    /// Its body can be read only once, so it cannot be sent again.
    Impossible,
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server responded with this status.
    Status(u16),
    /// No part of the request was sent.
    NeverSent,
    /// The connection broke or timed out before a response; the server may have received the request.
    Lost,
}

/// Returns the delay before the next attempt, or `None` if the request must not be retried.
///
/// `attempt` is the number of attempts so far, `retry_after` the delay that the API asked for, `remaining`
/// the time until the deadline, and `random` a number in `0.0..1.0` for jitter.
fn next_attempt(
    policy: &RetryPolicy,
    idempotency: Idempotency,
    failure: Failure,
    attempt: u32,
    retry_after: Option<Duration>,
    remaining: Option<Duration>,
    random: f64,
) -> Option<Duration> {
    let allowed = match (idempotency, failure) {
        (Idempotency::Impossible, _) => false,
        (_, Failure::NeverSent | Failure::Status(429)) => true,
        (Idempotency::Safe, Failure::Lost | Failure::Status(408 | 500..=599)) => true,
        (Idempotency::Safe | Idempotency::Once, _) => false,
    };
    if !allowed || attempt > policy.max_retries {
        return None;
    }
    let wait = match retry_after {
        Some(requested) if requested > policy.max_retry_after => return None,
        // Jitter on top of the requested delay, so that many clients do not retry at the same moment.
        Some(requested) => requested.saturating_add(policy.base.mul_f64(random / 4.0)),
        None => {
            let longest = policy.base.saturating_mul(1 << (attempt - 1).min(16)).min(policy.cap);
            longest.mul_f64(random)
        }
    };
    match remaining {
        Some(remaining) if wait >= remaining => None,
        _ => Some(wait),
    }
}

/// The remaining retries of a request, download or event stream.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    policy: RetryPolicy,
    idempotency: Idempotency,
    failed: u32,
}

impl RetryBudget {
    /// Builds a budget. `max_retries` of the call takes precedence over that of the client's policy.
    pub fn new(policy: RetryPolicy, max_retries: Option<u32>, idempotency: Idempotency) -> Self {
        let max_retries = max_retries.unwrap_or(policy.max_retries);
        Self { policy: RetryPolicy { max_retries, ..policy }, idempotency, failed: 0 }
    }

    /// Returns the number of attempts that have failed.
    pub fn failed_attempts(&self) -> u32 {
        self.failed
    }

    /// Counts a failed attempt and returns the delay before the next one, or `None` if there must be no retry.
    pub fn after(
        &mut self,
        failure: Failure,
        retry_after: Option<Duration>,
        remaining: Option<Duration>,
    ) -> Option<Duration> {
        self.failed += 1;
        next_attempt(
            &self.policy,
            self.idempotency,
            failure,
            self.failed,
            retry_after,
            remaining,
            fastrand::f64(),
        )
    }

    /// Returns how long requests pause after a 429 for a request that waits at a rate gate, or `None` if it must not be
    /// sent again. The 429 counts as no failed attempt. `rejections` is the number of 429s so far.
    pub fn after_rejection(
        &self,
        rejections: u32,
        retry_after: Option<Duration>,
        remaining: Option<Duration>,
    ) -> Option<Duration> {
        if self.policy.max_retries == 0 {
            return None;
        }
        let policy = RetryPolicy { max_retries: u32::MAX, ..self.policy };
        let failure = Failure::Status(429);
        next_attempt(&policy, self.idempotency, failure, rejections, retry_after, remaining, fastrand::f64())
    }

    /// Restores all retries after progress, so that a long transfer survives any number of broken connections.
    pub fn refill(&mut self) {
        self.failed = 0;
    }
}

/// Parses a `Retry-After` header: a number of seconds, or an HTTP date. `now` is the time since the Unix epoch.
pub(crate) fn parse_retry_after(header: &str, now: Duration) -> Option<Duration> {
    let header = header.trim();
    if let Some(seconds) = parse_float(header) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(header).ok()?;
    let date = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn delay_after(idempotency: Idempotency, failure: Failure, attempt: u32) -> Option<Duration> {
        next_attempt(&RetryPolicy::default(), idempotency, failure, attempt, None, None, 0.5)
    }

    #[test]
    fn a_create_is_retried_only_if_it_cannot_have_been_processed() {
        for failure in [Failure::NeverSent, Failure::Status(429)] {
            assert!(delay_after(Idempotency::Once, failure, 1).is_some(), "{failure:?}");
        }
        for failure in [Failure::Lost, Failure::Status(408), Failure::Status(500), Failure::Status(503)] {
            assert_eq!(delay_after(Idempotency::Once, failure, 1), None, "{failure:?}");
        }
    }

    #[test]
    fn reads_are_retried_five_times() {
        for failure in [
            Failure::NeverSent,
            Failure::Lost,
            Failure::Status(408),
            Failure::Status(429),
            Failure::Status(502),
        ] {
            assert!(delay_after(Idempotency::Safe, failure, 5).is_some(), "{failure:?}");
            assert_eq!(delay_after(Idempotency::Safe, failure, 6), None, "{failure:?}");
        }
        assert_eq!(delay_after(Idempotency::Safe, Failure::Status(404), 1), None);
    }

    #[test]
    fn the_delay_doubles_up_to_the_cap() {
        let waits: Vec<_> = (1..=7)
            .map(|attempt| {
                let policy = RetryPolicy { max_retries: 9, ..RetryPolicy::default() };
                next_attempt(&policy, Idempotency::Safe, Failure::Lost, attempt, None, None, 1.0)
                    .unwrap()
                    .as_millis()
            })
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
    }

    #[test]
    fn retry_after_is_a_lower_bound() {
        let policy = RetryPolicy::default();
        let delay_after = |asked, remaining| {
            next_attempt(&policy, Idempotency::Once, Failure::Status(429), 1, Some(asked), remaining, 0.9)
        };
        assert!(delay_after(5 * SECOND, None).unwrap() >= 5 * SECOND);
        assert_eq!(delay_after(5 * SECOND, Some(4 * SECOND)), None, "beyond the deadline");
        assert_eq!(delay_after(3600 * SECOND, None), None, "longer than `max_retry_after`");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Duration::from_secs(784_111_777);
        assert_eq!(parse_retry_after("5", now), Some(5 * SECOND));
        assert_eq!(parse_retry_after(" 0.5 ", now), Some(SECOND / 2));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(10 * SECOND));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:07 GMT", now), Some(Duration::ZERO));
        for junk in ["", "soon", "-1", "NaN", "inf"] {
            assert_eq!(parse_retry_after(junk, now), None, "{junk}");
        }
    }

    proptest! {
        #[test]
        fn no_delay_exceeds_the_deadline(attempt in 1u32..20, asked in proptest::option::of(0u64..100), left in 0u64..100, random in 0.0..1.0f64) {
            let remaining = Duration::from_secs(left);
            let asked = asked.map(Duration::from_secs);
            let policy = RetryPolicy { max_retries: 50, ..RetryPolicy::default() };
            if let Some(wait) = next_attempt(&policy, Idempotency::Safe, Failure::Status(503), attempt, asked, Some(remaining), random) {
                prop_assert!(wait < remaining);
                prop_assert!(asked.is_none_or(|asked| wait >= asked));
            }
        }

        #[test]
        fn any_retry_after_header_is_parsed_or_ignored(header in "[-+0-9.eE]{0,12}|[ -~]{0,40}|[0-9]{400}", now in any::<u64>()) {
            let _ = parse_retry_after(&header, Duration::from_secs(now));
        }
    }
}
