//! What many waiting predictions cost, and what faults change, in a [simulation](super::simulation).

#![allow(clippy::print_stdout, reason = "`make bench-waiting` shows the figures")]

use std::time::Duration;

use proptest::prelude::*;

use super::{
    super::pause::Hints,
    budget::Allowance,
    entry::Known,
    schedule::{Schedule, Step},
    simulation::{Faults, LATENCY, Outcome, World, seconds},
};

fn simulate(count: usize, spread: u64, runs: (f64, f64), faults: Faults) -> Outcome {
    let reports = faults.reports;
    let outcome = World::new(count, Duration::from_secs(spread), runs, faults, 7).run();
    // 2,400 a minute and a small burst, unless more are known to be left.
    assert!(reports || outcome.busiest <= 2420, "{outcome:?}");
    assert_eq!(outcome.rejected, 0, "{outcome:?}");
    outcome
}

const SHORT: (f64, f64) = (5.0, 60.0);

fn assert_cheap(count: usize, spread: u64, runs: (f64, f64), requests: f64, delays: (f64, f64)) {
    let outcome = simulate(count, spread, runs, Faults::default());
    println!("{count} within {spread} s: {outcome:?}");
    let is_soon = outcome.median <= seconds(delays.0) && outcome.late <= seconds(delays.1);
    assert!(outcome.requests <= requests && is_soon, "{count} within {spread} s: {outcome:?}");
    assert_eq!(outcome.unnoticed, 0);
}

#[test]
fn many_predictions_cost_few_requests_and_their_ends_are_noticed_soon() {
    assert_cheap(1, 1, SHORT, 35.0, (2.0, 2.0));
    assert_cheap(64, 1, SHORT, 3.0, (2.5, 6.0));
    assert_cheap(1000, 1, SHORT, 2.2, (2.0, 6.0));
    // Created at the rate that the API allows.
    assert_cheap(1000, 100, SHORT, 3.0, (1.5, 6.0));
}

#[test]
fn ten_thousand_ends_within_a_minute_are_noticed_as_fast_as_the_limit_allows() {
    // Each end is confirmed by a poll, and the API allows 3,000 at once and 50 a second.
    let outcome = simulate(10_000, 1, SHORT, Faults { reports: true, ..Faults::default() });
    assert!(outcome.requests <= 1.3 && outcome.late <= seconds(150.0), "{outcome:?}");
    assert_eq!(outcome.unnoticed, 0);
}

#[test]
#[ignore = "takes a minute; `make bench-waiting` runs it"]
fn ten_thousand_long_predictions_cost_few_requests() {
    // Created at the rate that the API allows, so that ten thousand wait at a time.
    assert_cheap(10_000, 1000, (900.0, 1100.0), 6.5, (10.0, 20.0));
}

#[test]
fn predictions_of_other_programs_raise_the_cost_of_pages() {
    for (others, requests, median, late) in [(1, 4.0, 2.5, 7.0), (9, 5.0, 5.0, 16.0), (200, 5.0, 11.0, 40.0)]
    {
        let outcome = simulate(1000, 60, SHORT, Faults { others, ..Faults::default() });
        let is_good = outcome.requests <= requests && outcome.median <= seconds(median);
        assert!(is_good && outcome.late <= seconds(late), "{others} others: {outcome:?}");
    }
}

/// As without pages: each prediction is polled alone, as often as the limit allows.
fn assert_polled_singly(outcome: &Outcome, why: &str) {
    let is_good = outcome.pages <= 40 && outcome.late <= seconds(40.0) && outcome.unnoticed == 0;
    assert!(is_good && outcome.median <= seconds(11.0), "{why}: {outcome:?}");
}

#[test]
fn without_a_usable_list_predictions_are_polled_singly() {
    for faults in [
        Faults { pages_fail: Some(LATENCY), ..Faults::default() },
        Faults { pages_fail: Some(seconds(10.0)), ..Faults::default() },
        Faults { ignores_filter: true, ..Faults::default() },
        Faults { bytes: 5 << 20, ..Faults::default() },
        Faults { unlisted: Some(1), ..Faults::default() },
        Faults { unlisted: Some(1), others: 1, ..Faults::default() },
    ] {
        assert_polled_singly(&simulate(1000, 60, SHORT, faults.clone()), &format!("{faults:?}"));
    }
}

#[test]
fn a_list_that_lacks_some_or_is_late_helps_the_others() {
    let outcome = simulate(1000, 60, SHORT, Faults { unlisted: Some(3), ..Faults::default() });
    assert!(outcome.median <= seconds(5.0) && outcome.unnoticed == 0, "{outcome:?}");
    // All created at the same moment, half of them on no page.
    let outcome = simulate(40, 0, SHORT, Faults { unlisted: Some(2), ..Faults::default() });
    assert!(outcome.late <= seconds(7.0) && outcome.unnoticed == 0, "{outcome:?}");
    let outcome = simulate(1000, 60, SHORT, Faults { lag: seconds(5.0), ..Faults::default() });
    assert!(outcome.late <= seconds(18.0) && outcome.unnoticed == 0, "{outcome:?}");
}

#[test]
fn a_list_that_never_shows_an_end_is_not_believed_forever() {
    let outcome = simulate(200, 60, SHORT, Faults { frozen: true, ..Faults::default() });
    assert!(outcome.late <= seconds(330.0) && outcome.unnoticed == 0, "{outcome:?}");
}

#[test]
fn a_list_that_is_newer_than_polls_costs_few_more_polls() {
    let outcome = simulate(1000, 60, SHORT, Faults { stale_polls: seconds(5.0), ..Faults::default() });
    assert!(outcome.late <= seconds(15.0) && outcome.unnoticed == 0, "{outcome:?}");
    assert!(outcome.requests <= 5.0, "{outcome:?}");
}

#[test]
fn tasks_that_do_not_run_or_are_dropped_delay_the_others_little() {
    let outcome = simulate(1000, 60, SHORT, Faults { blocked: Some(20), ..Faults::default() });
    assert!(outcome.late <= seconds(12.0) && outcome.unnoticed == 50, "{outcome:?}");
    let outcome = simulate(200, 60, SHORT, Faults { blocked: Some(2), ..Faults::default() });
    assert!(outcome.late <= seconds(25.0) && outcome.unnoticed == 100, "{outcome:?}");
    let outcome = simulate(1000, 60, SHORT, Faults { dropped: Some(20), ..Faults::default() });
    assert!(outcome.late <= seconds(7.0) && outcome.unnoticed <= 50, "{outcome:?}");
}

#[test]
fn a_prediction_that_has_probably_ended_is_polled_before_it_is_due() {
    let (mut schedule, now) = (Schedule::with_seed(7), seconds(1000.0));
    let places: Vec<_> = (0..40).map(|id| schedule.join(running(id), None, now)).collect();
    schedule.expect_end(places[20], now);
    for (index, place) in places.iter().enumerate() {
        match schedule.step(*place, now, Allowance::default()) {
            Step::Poll => assert_eq!(index, 20),
            step => assert!(index != 20 && matches!(step, Step::SleepUntil(_)), "{index}: {step:?}"),
        }
    }
    // It had not ended, so it waits for its turn like the others.
    schedule.polled(places[20], "processing", Hints::default(), now);
    assert!(
        matches!(schedule.step(places[20], now, Allowance::default()), Step::SleepUntil(until) if until > now)
    );
}

#[test]
fn a_prediction_that_has_probably_ended_twice_is_forgotten_with_its_task() {
    let (mut schedule, now) = (Schedule::with_seed(7), seconds(1000.0));
    let place = schedule.join(running(1), None, now);
    schedule.expect_end(place, now);
    schedule.expect_end(place, now + seconds(1.0));
    assert_eq!(schedule.ended.len(), 1);
    schedule.leave(place, now + seconds(2.0));
    assert!(schedule.ended.is_empty());
}

#[test]
fn polls_need_no_budget_if_the_api_reports_that_many_are_left() {
    let left = |left| Allowance { left, ..Allowance::default() };
    for (allowance, many) in [(left(3000), false), (left(59_999), true)] {
        let (mut schedule, now) = (Schedule::with_seed(7), seconds(1000.0));
        // Without the time of their creation they are on no page.
        let places: Vec<_> = (0..500).map(|id| schedule.join(running(id), None, now)).collect();
        let later = now + seconds(60.0);
        let (mut turns, mut polled) = (vec![places[0]], 0);
        while let Some(place) = turns.pop() {
            polled += usize::from(schedule.step(place, later, allowance) == Step::Poll);
            turns.extend(schedule.take_wakes());
        }
        assert_eq!(polled >= 500, many, "{polled} polls");
    }
}

fn running(id: usize) -> Known {
    let status = "processing".into();
    Known { id: id.to_string(), status, created: seconds(400.0), hints: Hints::default() }
}

prop_compose! {
    fn faults()(
        others in 0usize..4,
        fails in proptest::option::of(0u64..12_000),
        ignores_filter in proptest::bool::weighted(0.2),
        unlisted in proptest::option::of(1usize..9),
        (lag, stale, reports) in (0u64..9000, 0u64..9000, any::<bool>()),
    ) -> Faults {
        let milliseconds = Duration::from_millis;
        Faults {
            others,
            pages_fail: fails.map(milliseconds),
            ignores_filter,
            unlisted,
            lag: milliseconds(lag),
            stale_polls: milliseconds(stale),
            reports,
            ..Faults::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_end_is_noticed(count in 1usize..200, spread in 0u64..100, seed in any::<u64>(), faults in faults()) {
        let longest = seconds(25.0) + faults.lag + faults.stale_polls;
        let outcome = World::new(count, Duration::from_secs(spread), SHORT, faults, seed).run();
        prop_assert_eq!(outcome.unnoticed, 0);
        prop_assert!(outcome.rejected == 0 && outcome.late <= longest, "{:?}", outcome);
    }
}
