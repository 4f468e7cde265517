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
    assert!(done.err.contains("canceling the prediction"), "{done:?}");
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

#[test]
fn a_prediction_whose_create_is_in_flight_is_canceled() {
    let place = Place::new();
    let rule = r#"{"match": {"method": "POST"}, "times": 1, "action": {"delay_ms": 1000}}"#;
    place.emulator.add_faults(rule).unwrap();
    let child = piped(&mut place.program(&["run", "emulator/endless"])).spawn().unwrap();
    eventually("a create", || place.emulator.requests_json().contains("/predictions\""));
    signal(&child, Signal::INT);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(place.predictions()[0]["status"], "canceled");
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
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    // The program would otherwise wait for 10 s.
    assert!(began.elapsed() < Duration::from_secs(8));
}
