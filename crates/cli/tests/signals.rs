//! Ctrl-C cancels the running prediction.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{Done, Place, eventually, piped, signal};

fn interrupted(words: &[&str], by: Signal, code: i32) {
    let place = Place::new();
    let child = piped(&mut place.program(words)).spawn().unwrap();
    place.until("processing");
    signal(&child, by);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, code, "{done:?}");
    assert!(done.err.contains("canceling the prediction") && !done.err.contains("may"), "{done:?}");
    // Canceled before the program ended.
    assert_eq!(place.predictions()[0]["status"], "canceled");
}

#[test]
fn ctrl_c_cancels_a_run_that_polls() {
    interrupted(&["run", "emulator/endless"], Signal::INT, 130);
}

#[test]
fn ctrl_c_cancels_a_run_that_streams() {
    interrupted(&["run", "emulator/stream", "chunks=a", "pause=600"], Signal::INT, 130);
}

#[test]
fn other_signals_cancel_too() {
    interrupted(&["run", "emulator/endless", "--json"], Signal::TERM, 143);
    interrupted(&["run", "emulator/endless"], Signal::HUP, 129);
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_is_ignored_from_the_start_ends_nothing() {
    let place = Place::new();
    let program = place.program(&["run", "emulator/stream", "chunks=a", "pause=2"]);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "trap '' HUP INT; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let child = piped(&mut shell).spawn().unwrap();
    place.until("processing");
    signal(&child, Signal::HUP);
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!((done.code, done.out.as_str()), (0, "a\n"), "{done:?}");
}

/// Sends signals to a run whose create has a fault.
fn signaled_in_its_create(words: &[&str], action: &str, signals: &[Signal]) -> (Place, Done) {
    let place = Place::new();
    let rule =
        format!(r#"{{"match": {{"operation": "predictions.create"}}, "times": 1, "action": {action}}}"#);
    place.emulator.add_faults(&rule).unwrap();
    let child = piped(&mut place.program(words)).spawn().unwrap();
    eventually("a create", || place.emulator.requests_json().contains("/predictions\""));
    signals.iter().for_each(|sent| signal(&child, *sent));
    (place, Done::of(child.wait_with_output().unwrap()))
}

/// Interrupts a run whose create has a fault.
fn interrupted_in_its_create(words: &[&str], action: &str) -> (Place, Done) {
    let (place, done) = signaled_in_its_create(words, action, &[Signal::INT]);
    assert_eq!((done.code, done.out.as_str()), (130, ""), "{done:?}");
    (place, done)
}

const RUN: &[&str] = &["run", "emulator/endless"];
const LEAVE: &[&str] = &["run", "emulator/endless", "--no-wait"];

#[test]
fn a_prediction_whose_create_is_in_flight_is_canceled() {
    for words in [RUN, LEAVE] {
        let (place, done) = interrupted_in_its_create(words, r#"{"delay_ms": 3000}"#);
        assert_eq!(place.predictions()[0]["status"], "canceled", "{done:?}");
        assert!(!done.err.contains("may"), "{done:?}");
    }
}

#[test]
fn a_create_that_is_not_answered_is_reported() {
    for (words, action) in [
        (RUN, r#"{"stall_body_at": 0}"#),
        (LEAVE, r#"{"stall_body_at": 0}"#),
        // The connection is lost after the signal.
        (RUN, r#"{"delay_ms": 3000, "cut_body_at": 0}"#),
    ] {
        let (_place, done) = interrupted_in_its_create(words, action);
        assert!(done.err.contains("find it with `replicant predictions list`"), "{done:?}");
    }
}

#[test]
fn a_create_is_reported_after_two_signals_at_once() {
    let signals = [Signal::INT, Signal::TERM];
    let (_place, done) = signaled_in_its_create(RUN, r#"{"stall_body_at": 0}"#, &signals);
    assert!(done.code == 130 || done.code == 143, "{done:?}");
    assert!(done.err.contains("find it with `replicant predictions list`"), "{done:?}");
}

/// Refuses all cancels.
fn refuse_cancels(place: &Place) {
    let rule = r#"{"match": {"operation": "predictions.cancel"}, "times": 0, "action": {"status": 403}}"#;
    place.emulator.add_faults(rule).unwrap();
}

/// Asserts that the message tells how to cancel the predictions.
fn assert_reported(place: &Place, done: &Done) {
    let predictions = place.predictions();
    let (_, ids) =
        done.err.split_once("`replicant predictions cancel ").unwrap_or_else(|| panic!("{done:?}"));
    let (ids, _) = ids.split_once('`').unwrap();
    assert_eq!(ids.split(' ').count(), predictions.len(), "{done:?}");
    for prediction in predictions {
        assert!(ids.contains(prediction["id"].as_str().unwrap()), "{done:?}");
    }
}

#[test]
fn a_cancel_that_fails_is_reported() {
    let place = Place::new();
    refuse_cancels(&place);
    let child = piped(&mut place.program(RUN)).spawn().unwrap();
    place.until("processing");
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{done:?}");
    assert_reported(&place, &done);
}

#[test]
fn a_cancel_that_fails_after_a_timeout_is_reported() {
    let place = Place::new();
    refuse_cancels(&place);
    let done = place.run(&["run", "emulator/endless", "--timeout=0.5"]);
    assert_eq!(done.code, 124, "{done:?}");
    assert_reported(&place, &done);
}

#[test]
fn the_cancels_of_a_batch_that_fail_are_reported() {
    let place = Place::new();
    refuse_cancels(&place);
    place.file("rows.jsonl", "{}\n{}\n{}\n");
    let child = piped(&mut place.program(&["map", "emulator/endless", "--in=rows.jsonl"])).spawn().unwrap();
    eventually("predictions", || {
        place.predictions().iter().filter(|one| one["status"] == "processing").count() == 3
    });
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{done:?}");
    assert_reported(&place, &done);
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let place = Place::new();
    let rule = r#"{"match": {"path": "/v1/predictions/*/cancel"}, "action": {"delay_ms": 60000}}"#;
    place.emulator.add_faults(rule).unwrap();
    let child = piped(&mut place.program(&["run", "emulator/endless"])).spawn().unwrap();
    place.until("processing");
    signal(&child, Signal::INT);
    eventually("a cancel", || place.emulator.requests_json().contains("/cancel\""));
    let began = Instant::now();
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    // The program would otherwise wait for 10 s.
    assert!(began.elapsed() < Duration::from_secs(8));
    assert_eq!(done.code, 130, "{done:?}");
    assert_reported(&place, &done);
}

#[test]
fn ctrl_c_while_files_are_saved_prints_their_urls() {
    for options in [&["-o", "out"][..], &["-o", "out", "--json"]] {
        let place = Place::new();
        let rule =
            r#"{"match": {"method": "GET", "path": "/files/**"}, "times": 0, "action": {"delay_ms": 60000}}"#;
        place.emulator.add_faults(rule).unwrap();
        let words = [&["run", "black-forest-labs/flux-schnell", "prompt=x"], options].concat();
        let child = piped(&mut place.program(&words)).spawn().unwrap();
        eventually("a download", || place.emulator.requests_json().contains("\"/files/"));
        signal(&child, Signal::INT);
        let done = Done::of(child.wait_with_output().unwrap());
        assert_eq!(done.code, 130, "{done:?}");
        let predictions = place.predictions();
        let url = predictions[0]["output"][0].as_str().unwrap();
        assert!(done.out.contains(url) && done.err.contains("the files are not saved"), "{done:?}");
    }
}
