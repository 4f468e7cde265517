//! A rate gate for several processes: one of them keeps it, and the others ask it for turns.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{rate_state::RateLimitState, response::RateLimit};
use crate::{
    error::{Result, header},
    http::{
        rate_limit::{CREATES, Limit, Passed, Reported, check_per_minute},
        retry::parse_retry_after,
    },
    platform::{lock, wall_clock},
};

/// The pause after a 429 that does not say how long to wait.
const USUAL_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause of all requests. The request that was asked to wait longer fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long after its turn a create may be sent: a message must reach another process first.
const LATEST: Duration = Duration::from_millis(500);
/// The most turns whose responses are awaited. Those of processes that ended never arrive.
const MOST_TURNS: usize = 100_000;

/// Hands out turns for creates to other processes, so that one rate limit holds for all of them. It learns from the responses
/// that they report, as the rate gate of a client does.
///
/// ```
/// use std::time::Duration;
/// use replicant::bindings::Turns;
///
/// let turns = Turns::new(Some(600.0))?;
/// match turns.take() {
///     Ok(turn) => turns.responded(turn, 201, &[], Duration::ZERO, None),
///     Err(wait) => println!("the next turn is in {wait:?}"),
/// }
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug)]
pub struct Turns {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    /// The turns whose responses have not been reported.
    taken: BTreeMap<u64, Passed>,
    next: u64,
}

impl Turns {
    /// Builds a gate that learns the limit, or has a known one in creates per minute.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if the limit is not a finite number above 0.
    pub fn new(per_minute: Option<f64>) -> Result<Self> {
        per_minute.map_or(Ok(()), |limit| check_per_minute("rate_per_minute", limit))?;
        let limit = Limit::new(CREATES, per_minute, true);
        let state = State { limit, taken: BTreeMap::new(), next: 0 };
        Ok(Self { began: Instant::now(), state: Mutex::new(state) })
    }

    /// Takes a turn: a create may be sent now.
    ///
    /// # Errors
    /// How long to wait before asking again, if no create may be sent now.
    pub fn take(&self) -> Result<u64, Duration> {
        let now = self.began.elapsed();
        let mut state = lock(&self.state);
        let wait = state.limit.wait(0, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        let passed = state.limit.pass(now);
        let turn = state.next;
        state.next += 1;
        state.taken.insert(turn, passed);
        if state.taken.len() > MOST_TURNS {
            state.taken.pop_first();
        }
        Ok(turn)
    }

    /// Learns from the response to the create of a turn, which was sent `age` ago. `headers` have lower-case names. `delay` is
    /// how long a rejected create waits, if that is known and the headers do not say it.
    pub fn responded(
        &self,
        turn: u64,
        status: u16,
        headers: &[(String, String)],
        age: Duration,
        delay: Option<Duration>,
    ) {
        let now = self.began.elapsed();
        let mut state = lock(&self.state);
        let Some(passed) = state.taken.remove(&turn) else { return };
        // Other processes may be slower: creates of earlier turns that arrive after this one are not in its count.
        let slower = state.taken.range(..turn).rev();
        let slower = slower.take_while(|(_, other)| passed.at().saturating_sub(other.at()) < LATEST).count();
        let passed = passed.sent(now.saturating_sub(age));
        if status == 429 {
            let asked =
                header(headers, "retry-after").and_then(|asked| parse_retry_after(asked, wall_clock()));
            let pause = asked.or(delay).unwrap_or(USUAL_PAUSE).min(LONGEST_PAUSE);
            state.limit.rejected(passed, pause, now);
        } else {
            let reported = RateLimit::reported(headers)
                .map(|limit| Reported { remaining: limit.remaining.saturating_sub(slower as u64), ..limit });
            state.limit.accepted(passed, reported, now);
        }
    }

    /// Returns the state. The number of waiting creates is not known here, so it is 0.
    pub fn state(&self) -> RateLimitState {
        let now = self.began.elapsed();
        let limit = &lock(&self.state).limit;
        RateLimitState {
            per_minute: limit.per_minute(now),
            remaining: limit.remaining(),
            paused: limit.paused(now),
            waiting: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn a_rejected_create_pauses_all_turns_as_long_as_it_asks() {
        let turns = Turns::new(None).unwrap();
        let (one, other) = (turns.take().unwrap(), turns.take().unwrap());
        turns.responded(other, 201, &[], Duration::ZERO, None);
        turns.responded(one, 429, &headers("retry-after", "7"), Duration::ZERO, None);
        let wait = turns.take().unwrap_err();
        assert!(wait > Duration::from_secs(5) && wait <= Duration::from_secs(7), "{wait:?}");
        assert!(turns.state().per_minute.is_some());
    }

    #[test]
    fn a_pause_is_bounded_and_has_a_default() {
        for (asked, delay, longest) in [
            ("3600", None, LONGEST_PAUSE),
            ("soon", Some(Duration::from_secs(4)), Duration::from_secs(4)),
            ("soon", None, USUAL_PAUSE),
        ] {
            let turns = Turns::new(None).unwrap();
            let turn = turns.take().unwrap();
            turns.responded(turn, 429, &headers("retry-after", asked), Duration::ZERO, delay);
            let paused = turns.state().paused;
            assert!(paused <= longest && !paused.is_zero(), "{asked} {paused:?}");
        }
    }

    #[test]
    fn a_known_limit_holds_and_a_turn_has_one_response() {
        let turns = Turns::new(Some(60.0)).unwrap();
        let turn = turns.take().unwrap();
        assert!(turns.take().unwrap_err() <= Duration::from_secs(1));
        turns.responded(turn, 201, &[], Duration::ZERO, None);
        turns.responded(turn, 429, &[], Duration::ZERO, None);
        assert!(turns.state().paused.is_zero());
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Turns::new(Some(wrong)).is_err());
        }
    }

    #[test]
    fn remaining_requests_that_a_response_reports_are_the_turns() {
        let turns = Turns::new(None).unwrap();
        let turn = turns.take().unwrap();
        turns.responded(turn, 201, &headers("ratelimit-remaining", "3"), Duration::ZERO, None);
        let taken = (0..20).map_while(|_| turns.take().ok()).count();
        assert!((3..=5).contains(&taken), "{taken}");
    }
}
