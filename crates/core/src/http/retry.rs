//! What is sent again, and when. Pure: the same question always has the same answer.

use std::time::Duration;

/// How the client repeats requests that failed.
///
/// ```
/// use std::time::Duration;
/// use replicant::{Client, Options, RetryPolicy};
///
/// let mut retry = RetryPolicy::default();
/// retry.max_retries = 8;
/// retry.cap = Duration::from_secs(30);
/// let client = Client::new(Options { retry: Some(retry), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a request is repeated at most; 5 by default, 0 for never.
    pub max_retries: u32,
    /// The longest first wait; each further one may be twice as long. 500 ms by default.
    pub base: Duration,
    /// The longest wait of our own choosing. 8 s by default.
    pub cap: Duration,
    /// The longest `Retry-After` that is waited for; above it the error comes at once and says how
    /// long the API asked for. 60 s by default.
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

/// Whether a request may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// Sending it twice does what sending it once does.
    Safe,
    /// Sending it twice may do (and bill) the work twice.
    Once,
    /// Its body can only be read once, so it cannot be sent again at all.
    Impossible,
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server answered with this status.
    Status(u16),
    /// No byte of the request was written.
    NeverSent,
    /// The connection broke or no answer came; the server may have seen the request.
    Lost,
}

/// How long to wait before the next attempt, or `None` to give up.
///
/// `attempt` counts the requests already sent, `retry_after` is what the API asked for, `remaining`
/// the time left until the deadline, `random` a number in `0.0..1.0`.
fn next_attempt(
    policy: &RetryPolicy,
    repeat: Idempotency,
    failure: Failure,
    attempt: u32,
    retry_after: Option<Duration>,
    remaining: Option<Duration>,
    random: f64,
) -> Option<Duration> {
    let allowed = match (repeat, failure) {
        (Idempotency::Impossible, _) => false,
        (_, Failure::NeverSent | Failure::Status(429)) => true,
        (Idempotency::Safe, Failure::Lost | Failure::Status(408 | 500..=599)) => true,
        (Idempotency::Safe | Idempotency::Once, _) => false,
    };
    if !allowed || attempt > policy.max_retries {
        return None;
    }
    let wait = match retry_after {
        Some(asked) if asked > policy.max_retry_after => return None,
        // A little more than asked for, so that a crowd told the same does not come back as one.
        Some(asked) => asked.saturating_add(policy.base.mul_f64(random / 4.0)),
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

/// The retries that one request, download or event stream has left.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    policy: RetryPolicy,
    idempotency: Idempotency,
    failed: u32,
}

impl RetryBudget {
    /// Starts a budget with the policy of the client, and the `max_retries` of the call if it has its own.
    pub fn new(policy: RetryPolicy, max_retries: Option<u32>, idempotency: Idempotency) -> Self {
        let max_retries = max_retries.unwrap_or(policy.max_retries);
        Self { policy: RetryPolicy { max_retries, ..policy }, idempotency, failed: 0 }
    }

    /// Returns the number of attempts that have failed.
    pub fn failed_attempts(&self) -> u32 {
        self.failed
    }

    /// Counts a failed attempt, and returns the time to wait before the next one; `None` if there must be no other.
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

    /// Restores all retries after progress, so that a long transfer survives any number of cuts.
    pub fn refill(&mut self) {
        self.failed = 0;
    }
}

/// Reads a `Retry-After` header: seconds, or a date.
pub(crate) fn parse_retry_after(header: &str, now: Duration) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
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

    fn ask(repeat: Idempotency, failure: Failure, attempt: u32) -> Option<Duration> {
        next_attempt(&RetryPolicy::default(), repeat, failure, attempt, None, None, 0.5)
    }

    #[test]
    fn a_create_is_repeated_only_when_it_cannot_have_been_carried_out() {
        for failure in [Failure::NeverSent, Failure::Status(429)] {
            assert!(ask(Idempotency::Once, failure, 1).is_some(), "{failure:?}");
        }
        for failure in [Failure::Lost, Failure::Status(408), Failure::Status(500), Failure::Status(503)] {
            assert_eq!(ask(Idempotency::Once, failure, 1), None, "{failure:?}");
        }
    }

    #[test]
    fn reads_are_repeated_five_times() {
        for failure in [
            Failure::NeverSent,
            Failure::Lost,
            Failure::Status(408),
            Failure::Status(429),
            Failure::Status(502),
        ] {
            assert!(ask(Idempotency::Safe, failure, 5).is_some(), "{failure:?}");
            assert_eq!(ask(Idempotency::Safe, failure, 6), None, "{failure:?}");
        }
        assert_eq!(ask(Idempotency::Safe, Failure::Status(404), 1), None);
    }

    #[test]
    fn the_wait_doubles_up_to_the_cap() {
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
    fn retry_after_is_a_floor_and_never_ignored() {
        let policy = RetryPolicy::default();
        let ask = |asked, remaining| {
            next_attempt(&policy, Idempotency::Once, Failure::Status(429), 1, Some(asked), remaining, 0.9)
        };
        assert!(ask(5 * SECOND, None).unwrap() >= 5 * SECOND);
        assert_eq!(ask(5 * SECOND, Some(4 * SECOND)), None, "beyond the deadline");
        assert_eq!(ask(3600 * SECOND, None), None, "longer than anybody waits");
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
        fn never_beyond_the_deadline(attempt in 1u32..20, asked in proptest::option::of(0u64..100), left in 0u64..100, random in 0.0..1.0f64) {
            let remaining = Duration::from_secs(left);
            let asked = asked.map(Duration::from_secs);
            let policy = RetryPolicy { max_retries: 50, ..RetryPolicy::default() };
            if let Some(wait) = next_attempt(&policy, Idempotency::Safe, Failure::Status(503), attempt, asked, Some(remaining), random) {
                prop_assert!(wait < remaining);
                prop_assert!(asked.is_none_or(|asked| wait >= asked));
            }
        }

        #[test]
        fn whatever_is_asked_for_is_a_time_or_nothing(header in "[-+0-9.eE]{0,12}|[ -~]{0,40}|[0-9]{400}", now in any::<u64>()) {
            let _ = parse_retry_after(&header, Duration::from_secs(now));
        }
    }
}
