//! Learns a rate limit from responses: a state machine without I/O, to which callers pass the time.
//!
//! The API allows a number of requests at once, and refills this burst at a steady rate. Neither number is known at first,
//! so a [`Limit`] lets requests pass until a response says otherwise:
//!
//! - `ratelimit-remaining` says how many requests are left.
//! - A 429 says that none is left. All requests pause as long as it asks, then pass at a steady pace. The number of requests
//!   that passed between two 429s is the rate. The pace begins slightly below it and rises until the next 429.

use std::time::Duration;

use crate::error::{Error, Result};

/// Documented limits of the API, in requests per minute. The limit of polls is that of recorded responses.
pub(crate) const CREATES: f64 = 600.0;
pub(crate) const POLLS: f64 = 60_000.0;
pub(crate) const OTHERS: f64 = 3000.0;
/// The number of requests that may be sent at once before any response arrived.
const FIRST_BURST: u32 = 16;
/// After this time without a 429, [`FIRST_BURST`] doubles...
const FIRST_STEP: Duration = Duration::from_millis(100);
/// ... and doubles again after each further step.
const STEP: Duration = Duration::from_millis(50);
/// After this time without a 429, any number may be sent at once.
const LAST_STEP: Duration = Duration::from_secs(1);
/// The slowest pace that is learned, in requests per second.
const SLOWEST: f64 = 1.0 / 60.0;
/// The pace after a 429, relative to the measured rate.
const BACK_OFF: f64 = 0.97;
/// How much the pace rises each second, relative to the pace after the last 429.
const RISE: f64 = 0.001;
/// After this time without a 429, the pace rises faster: the limit may have been raised.
const RISES_FASTER: f64 = 60.0;

/// A request that was allowed to pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passed {
    /// The position among all requests.
    number: u64,
    /// The number of pauses before it.
    pauses: u32,
    at: Duration,
}

impl Passed {
    /// When the request passed.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn at(&self) -> Duration {
        self.at
    }

    /// Returns it for a request that was sent later than it passed.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn sent(self, at: Duration) -> Self {
        Self { at: at.max(self.at), ..self }
    }
}

/// What a response reports: `ratelimit-remaining` and `ratelimit-reset`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported {
    pub remaining: u64,
    pub reset: Option<f64>,
}

/// A steady pace with bursts.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Requests per second at `since`.
    rate: f64,
    /// When the rate began to rise.
    since: Duration,
    /// How many requests may pass at once.
    burst: f64,
    /// How many may pass now, as of `updated`.
    left: f64,
    updated: Duration,
}

impl Pace {
    fn rate_at(&self, now: Duration) -> f64 {
        let seconds = now.saturating_sub(self.since).as_secs_f64();
        let steps = (seconds - RISES_FASTER).max(0.0) / 10.0;
        // Cubic, as the window of TCP after a loss: flat near the last known limit, then ever steeper.
        self.rate * (1.0 + seconds * RISE + steps * steps * steps * RISE)
    }

    /// Returns how many requests more could have passed since the last time.
    fn refill(&mut self, now: Duration) -> f64 {
        let before = self.updated;
        let seconds = now.saturating_sub(before).as_secs_f64();
        self.left += seconds * self.rate_at(now);
        self.updated = now;
        let unused = (self.left - self.burst).max(0.0);
        if unused > 0.0 {
            // Fewer requests are sent than allowed, which says nothing about a higher rate.
            (self.left, self.rate, self.since) = (self.burst, self.rate_at(before), now);
        }
        unused
    }
}

/// The requests between two pauses, which measure the rate.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    began: Duration,
    /// The number of the first request.
    first: u64,
    passed: u64,
    rejected: u64,
    seconds: f64,
    /// The pace at its end.
    pace: f64,
    /// Whether it began with a 429, and so with an empty burst.
    from_empty: bool,
    /// How many more could have passed.
    unused: f64,
    retry_after: f64,
}

impl Measure {
    fn accepted(&self) -> f64 {
        self.passed.saturating_sub(self.rejected) as f64
    }

    /// Returns the rate for the time after it.
    fn rate(&self) -> f64 {
        let measured = self.accepted() / self.seconds.max(0.001);
        if !self.from_empty {
            // The measured requests include the burst, so the measured rate is reliable only after a long time.
            return if self.seconds >= 10.0 { self.pace.max(measured) } else { self.pace };
        }
        if self.accepted() < 1.0 {
            // The pauses slow requests down enough, for example during an outage.
            return self.pace;
        }
        if self.unused < self.accepted() / 10.0 {
            // With a short pause, part of a request may have been left, or a whole one lost at a full burst.
            let partial = if self.retry_after < 2.0 { 1.0 / self.seconds.max(1.0) } else { 0.0 };
            return (measured + partial) * BACK_OFF;
        }
        // The API may have allowed more than was sent. Its pauses are whole seconds, so those below two are too coarse.
        let slower = self.pace * 0.9;
        if self.retry_after < 2.0 {
            return slower;
        }
        slower.min(measured.max(1.0 / self.retry_after) * BACK_OFF)
    }
}

/// Decides when requests of one kind may be sent.
#[derive(Debug)]
pub(crate) struct Limit {
    /// The documented rate, in requests per second, for the time before it is measured.
    usual: f64,
    /// The rate that the user set.
    maximum: Option<f64>,
    /// Whether the first requests are sent in growing bursts.
    careful: bool,
    /// `None` until something limits the rate.
    pace: Option<Pace>,
    passed: u64,
    pauses: u32,
    paused_until: Duration,
    measure: Measure,
    /// The previous measure, which late 429s correct.
    previous: Measure,
    /// The start of the requests without an idle second between them, their number, and the responses to them.
    burst_began: Duration,
    burst_passed: u32,
    burst_responses: u32,
    last_passed: Duration,
    /// The last response with a count of remaining requests, and the count.
    reported: Option<(u64, u64)>,
    accepted_at: Duration,
}

/// Checks a rate that the user set. `name` is the argument in the error.
pub(crate) fn check_per_minute(name: &str, per_minute: f64) -> Result<()> {
    if per_minute.is_finite() && per_minute > 0.0 {
        return Ok(());
    }
    Err(Error::invalid_argument(name, "must be a number of creates per minute greater than zero"))
}

impl Limit {
    /// Builds a limit for a documented rate, or the rate that the user set, in requests per minute.
    pub fn new(usual: f64, maximum: Option<f64>, careful: bool) -> Self {
        let maximum = maximum.map(|per_minute| per_minute / 60.0);
        let pace = maximum.map(|rate| Pace {
            rate,
            since: Duration::ZERO,
            burst: rate.max(1.0),
            left: rate.max(1.0),
            updated: Duration::ZERO,
        });
        Self {
            usual: maximum.unwrap_or(usual / 60.0),
            maximum,
            careful,
            pace,
            passed: 0,
            pauses: 0,
            paused_until: Duration::ZERO,
            measure: Measure::default(),
            previous: Measure::default(),
            burst_began: Duration::ZERO,
            burst_passed: 0,
            burst_responses: 0,
            last_passed: Duration::ZERO,
            reported: None,
            accepted_at: Duration::ZERO,
        }
    }

    /// Returns how long a request waits that has `before` others before it. Zero means that it may be sent now.
    pub fn wait(&mut self, before: usize, now: Duration) -> Duration {
        let paused = self.paused_until.saturating_sub(now);
        let wanted = before as f64 + 1.0;
        let Some(pace) = &mut self.pace else { return paused.max(self.burst_wait(before, now)) };
        self.measure.unused += pace.refill(now);
        if let Some(maximum) = self.maximum {
            (pace.rate, pace.since) = (pace.rate_at(now).min(maximum), now);
        }
        let missing = (wanted - pace.left).max(0.0);
        if missing < 1e-6 {
            return paused;
        }
        // Requests behind a full burst pass in turn, so the estimate does not depend on its size.
        let refilled = Duration::try_from_secs_f64(missing / pace.rate_at(now)).unwrap_or(Duration::MAX);
        paused.max(refilled)
    }

    /// Returns how long a request waits while the limit is unknown.
    fn burst_wait(&mut self, before: usize, now: Duration) -> Duration {
        if !self.careful {
            return Duration::ZERO;
        }
        if self.passed == 0 || now.saturating_sub(self.last_passed) > LAST_STEP {
            (self.burst_began, self.burst_passed, self.burst_responses) = (now, 0, 0);
        }
        let elapsed = now.saturating_sub(self.burst_began);
        let steps = match elapsed.checked_sub(FIRST_STEP) {
            _ if elapsed >= LAST_STEP => return Duration::ZERO,
            Some(over) => 1 + (over.as_millis() / STEP.as_millis()) as u32,
            None => 0,
        };
        let allowed = (FIRST_BURST << steps).saturating_add(self.burst_responses);
        if u64::from(self.burst_passed) + (before as u64) < u64::from(allowed) {
            return Duration::ZERO;
        }
        (FIRST_STEP + STEP * steps).saturating_sub(elapsed)
    }

    /// Lets a request pass.
    pub fn pass(&mut self, now: Duration) -> Passed {
        if self.passed == 0 {
            self.measure.began = now;
        }
        let passed = Passed { number: self.passed, pauses: self.pauses, at: now };
        self.passed += 1;
        self.burst_passed = self.burst_passed.saturating_add(1);
        self.last_passed = now;
        if let Some(pace) = &mut self.pace {
            pace.left -= 1.0;
        }
        passed
    }

    /// Takes back a request that was not sent.
    pub fn take_back(&mut self, passed: Passed) {
        if passed.pauses != self.pauses {
            return;
        }
        self.passed -= 1;
        self.burst_passed = self.burst_passed.saturating_sub(1);
        if let Some(pace) = &mut self.pace {
            pace.left = (pace.left + 1.0).min(pace.burst);
        }
    }

    /// Learns from a response other than 429. Returns `true` if more requests may pass than before.
    pub fn accepted(&mut self, passed: Passed, reported: Option<Reported>, now: Duration) -> bool {
        self.accepted_at = now;
        self.burst_responses = self.burst_responses.saturating_add(1);
        let Some(Reported { remaining, reset }) = reported else { return self.pace.is_none() };
        let is_newer = self.reported.is_none_or(|(number, _)| number < passed.number);
        if !is_newer || passed.pauses != self.pauses {
            return false;
        }
        self.reported = Some((passed.number, remaining));
        let usual = self.usual;
        let pace =
            self.pace.get_or_insert(Pace { rate: usual, since: now, burst: 1.0, left: 0.0, updated: now });
        if self.maximum.is_none() {
            pace.burst = pace.burst.max(remaining as f64 + 1.0);
        }
        if remaining == 0
            && !self.measure.from_empty
            // A later one is that of a long window, or a time of day.
            && let Some(reset) = reset.filter(|reset| (2.0..=1.0 / SLOWEST).contains(reset))
        {
            pace.rate = pace.rate.min(pace.burst / reset);
        }
        self.measure.unused += pace.refill(now);
        // The count is from the time when the request arrived: later requests are not in it, and it has been refilled since.
        let later = self.passed.saturating_sub(passed.number + 1) as f64;
        let refilled = now.saturating_sub(passed.at).as_secs_f64() * pace.rate_at(now);
        let left = (remaining as f64 - later + refilled).min(pace.burst);
        let before = pace.left;
        pace.left = if self.maximum.is_some() { left.min(pace.left) } else { left };
        pace.left > before
    }

    /// Learns from a 429. Requests pause for `pause`.
    pub fn rejected(&mut self, passed: Passed, pause: Duration, now: Duration) {
        if passed.pauses != self.pauses {
            // Sent before the pause began, so it belongs to the same event.
            if passed.pauses + 1 == self.pauses && self.previous.passed > 0 {
                self.previous.rejected += 1;
                let rate = self.limited(self.previous.rate());
                if let Some(pace) = &mut self.pace {
                    pace.rate = rate;
                    if self.reported.is_none() && !self.previous.from_empty {
                        pace.burst = (pace.burst - 1.0).max(1.0);
                    }
                }
            }
            return;
        }
        let pace = self.pace.map_or(self.usual, |mut pace| {
            pace.refill(now);
            pace.rate_at(now)
        });
        self.previous = Measure {
            passed: self.passed - self.measure.first,
            rejected: 1,
            seconds: now.saturating_sub(self.measure.began).as_secs_f64(),
            pace,
            retry_after: pause.as_secs_f64(),
            ..self.measure
        };
        let burst = match self.pace {
            Some(pace) => pace.burst,
            None => f64::from(self.burst_passed.saturating_sub(1)).max(1.0),
        };
        let rate = self.limited(self.previous.rate());
        self.pace = Some(Pace { rate, since: now, burst, left: 0.0, updated: now });
        self.pauses += 1;
        self.paused_until = now.saturating_add(pause);
        self.measure = Measure { began: now, first: self.passed, from_empty: true, ..Measure::default() };
    }

    fn limited(&self, rate: f64) -> f64 {
        rate.max(SLOWEST).min(self.maximum.unwrap_or(f64::MAX))
    }

    /// Returns the time since a request was last accepted, or since `began` if that is later.
    pub fn since_accepted(&self, began: Duration, now: Duration) -> Duration {
        now.saturating_sub(self.accepted_at.max(began))
    }

    /// Returns the pace in requests per minute, or `None` while nothing limits it.
    pub fn per_minute(&self, now: Duration) -> Option<f64> {
        self.pace.map(|pace| self.limited(pace.rate_at(now)) * 60.0)
    }

    /// Returns how many requests are left, as last reported.
    pub fn remaining(&self) -> Option<u64> {
        self.reported.map(|(_, remaining)| remaining)
    }

    /// Returns how many requests were left when the last count was reported, less those that passed since. They have been refilled
    /// meanwhile, so it is the least that may be sent at once.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn left(&self) -> u64 {
        self.reported
            .map_or(0, |(number, remaining)| remaining.saturating_sub(self.passed.saturating_sub(number + 1)))
    }

    /// Returns the rest of the pause.
    pub fn paused(&self, now: Duration) -> Duration {
        self.paused_until.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use proptest::prelude::*;

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// A token bucket, as that of the API.
    struct Server {
        per_second: f64,
        burst: f64,
        level: f64,
        updated: Duration,
        reports: bool,
    }

    impl Server {
        fn new(per_minute: f64, burst: f64, reports: bool) -> Self {
            Self { per_second: per_minute / 60.0, burst, level: burst, updated: Duration::ZERO, reports }
        }

        fn respond(&mut self, now: Duration) -> Result<Option<Reported>, Duration> {
            self.level = (self.level + (now - self.updated).as_secs_f64() * self.per_second).min(self.burst);
            self.updated = now;
            if self.level < 1.0 {
                let wait = ((1.0 - self.level) / self.per_second).ceil().max(1.0);
                return Err(Duration::from_secs_f64(wait));
            }
            self.level -= 1.0;
            Ok(self.reports.then_some(Reported { remaining: self.level as u64, reset: Some(1.0) }))
        }
    }

    /// Sends `runs` requests, `at_once` at a time, each of which takes `takes` after it was accepted. Returns the requests that
    /// were sent and the time until the last was accepted.
    fn simulate(server: &mut Server, runs: usize, at_once: usize, takes: Duration) -> (usize, Duration) {
        let latency = 40 * MILLISECOND;
        let mut limit = Limit::new(600.0, None, true);
        let mut now = Duration::ZERO;
        let (mut waiting, mut begun, mut done, mut sent) = (0, 0, 0, 0);
        // When something happens: a response, or the end of a run.
        let mut events = BinaryHeap::new();
        let mut flights = Vec::new();
        let mut last = Duration::ZERO;
        while done < runs {
            while begun < runs && begun - done < at_once {
                (waiting, begun) = (waiting + 1, begun + 1);
            }
            let mut next = None;
            while waiting > 0 {
                let wait = limit.wait(0, now);
                if !wait.is_zero() {
                    next = Some(now + wait.max(MILLISECOND / 100));
                    break;
                }
                waiting -= 1;
                sent += 1;
                let response = server.respond(now + latency / 2);
                events.push(Reverse((now + latency, flights.len())));
                flights.push(Some((limit.pass(now), Some(response))));
            }
            let Some(&Reverse((at, flight))) = events.peek() else {
                now = next.expect("a request that waits");
                continue;
            };
            if next.is_some_and(|next| next < at) {
                now = next.unwrap_or_default();
                continue;
            }
            events.pop();
            now = at;
            match flights[flight].as_mut().and_then(|(passed, response)| Some((*passed, response.take()?))) {
                Some((passed, Ok(reported))) => {
                    limit.accepted(passed, reported, now);
                    last = now;
                    events.push(Reverse((now + takes, flight)));
                }
                Some((passed, Err(pause))) => {
                    limit.rejected(passed, pause, now);
                    flights[flight] = None;
                    waiting += 1;
                }
                None => {
                    flights[flight] = None;
                    done += 1;
                }
            }
        }
        (sent, last)
    }

    #[test]
    fn nine_hundred_runs_take_their_ideal_time_and_few_requests() {
        for reports in [false, true] {
            for burst in [10.0, 60.0] {
                let mut server = Server::new(600.0, burst, reports);
                let (sent, took) = simulate(&mut server, 900, 64, 300 * MILLISECOND);
                let ideal = (900.0 - burst) / 10.0;
                let ratio = took.as_secs_f64() / ideal;
                assert!(sent <= 945, "{sent} requests, burst {burst}, reports {reports}");
                assert!(ratio < 1.1, "{ratio} of the ideal time, burst {burst}, reports {reports}");
            }
        }
    }

    #[test]
    fn a_low_limit_is_found_without_losing_time() {
        for reports in [false, true] {
            let mut server = Server::new(6.0, 1.0, reports);
            let (sent, took) = simulate(&mut server, 60, 16, MILLISECOND);
            let ratio = took.as_secs_f64() / 590.0;
            assert!(
                sent <= 90 && ratio < 1.2,
                "{sent} requests, {ratio} of the ideal time, reports {reports}"
            );
        }
    }

    #[test]
    fn the_pace_survives_an_outage() {
        let mut limit = Limit::new(600.0, None, true);
        let mut now = Duration::ZERO;
        for _ in 0..300 {
            now += limit.wait(0, now);
            let passed = limit.pass(now);
            limit.rejected(passed, Duration::from_secs(1), now + 40 * MILLISECOND);
        }
        assert!(limit.per_minute(now).expect("a pace") > 500.0);
    }

    #[test]
    fn the_pace_does_not_rise_while_few_requests_are_sent() {
        let mut limit = Limit::new(600.0, None, true);
        let passed = limit.pass(Duration::ZERO);
        limit.rejected(passed, Duration::from_secs(1), MILLISECOND);
        for minutes in 1..500 {
            let now = Duration::from_secs(60 * minutes);
            assert!(limit.wait(0, now).is_zero());
            let passed = limit.pass(now);
            limit.accepted(passed, None, now + MILLISECOND);
        }
        let pace = limit.per_minute(Duration::from_secs(60 * 499)).expect("a pace");
        assert!(pace < 700.0, "{pace}");
    }

    #[test]
    fn a_raised_limit_is_found() {
        let mut limit = Limit::new(600.0, None, true);
        let first = limit.pass(Duration::ZERO);
        limit.rejected(first, Duration::from_secs(10), MILLISECOND);
        let now = Duration::from_secs(600);
        assert!(limit.per_minute(now).expect("a pace") > 6000.0);
    }

    #[test]
    fn requests_pass_until_a_response_limits_them() {
        // Also when the clock has just begun.
        for began in [Duration::ZERO, 300 * MILLISECOND, Duration::from_secs(5)] {
            requests_pass_from(began);
        }
    }

    fn requests_pass_from(began: Duration) {
        let mut limit = Limit::new(600.0, None, true);
        let mut now = began;
        let mut at_once = 0;
        while limit.wait(0, now).is_zero() {
            limit.pass(now);
            at_once += 1;
        }
        assert_eq!(at_once, FIRST_BURST);
        let mut steps = 0;
        while at_once < 1000 {
            now += limit.wait(0, now).max(MILLISECOND / 10);
            steps += 1;
            while limit.wait(0, now).is_zero() && at_once < 1000 {
                limit.pass(now);
                at_once += 1;
            }
        }
        assert!(steps < 12 && now - began < 500 * MILLISECOND, "{steps} {now:?}");
    }

    #[test]
    fn a_known_limit_is_never_exceeded() {
        let mut limit = Limit::new(600.0, Some(120.0), true);
        let (mut now, mut times) = (Duration::from_secs(9), Vec::new());
        while times.len() < 500 {
            match limit.wait(0, now) {
                Duration::ZERO => {
                    let passed = limit.pass(now);
                    times.push(now);
                    limit.accepted(passed, Some(Reported { remaining: 599, reset: Some(1.0) }), now);
                }
                wait => now += wait,
            }
        }
        let longest = times.windows(123).map(|window| window[122] - window[0]).min();
        assert!(longest >= Some(Duration::from_secs(60)), "{longest:?}");
    }

    proptest! {
        #[test]
        fn every_request_passes_in_the_end(
            steps in proptest::collection::vec((0u64..3000, 0u8..6, 0u64..700, 0u64..40), 1..200),
            maximum in proptest::option::of(1.0..10_000.0f64),
        ) {
            let mut limit = Limit::new(600.0, maximum, true);
            let (mut now, mut flights) = (Duration::ZERO, Vec::new());
            for (pause, action, remaining, reset) in steps {
                now += Duration::from_millis(pause);
                let passed = flights.pop();
                match (action, passed) {
                    (0, Some(passed)) => limit.rejected(passed, Duration::from_secs(reset), now),
                    (1, Some(passed)) => limit.take_back(passed),
                    (2, Some(passed)) => {
                        limit.accepted(passed, Some(Reported { remaining, reset: Some(reset as f64) }), now);
                    }
                    (3, Some(passed)) => {
                        limit.accepted(passed, None, now);
                    }
                    (_, passed) => {
                        flights.extend(passed);
                        let wait = limit.wait(0, now);
                        now += wait.min(Duration::from_secs(100_000));
                        let again = limit.wait(0, now);
                        prop_assert!(again < Duration::from_secs(1), "{wait:?} {again:?}");
                        flights.push(limit.pass(now));
                    }
                }
            }
        }
    }
}
