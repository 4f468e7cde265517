//! `replicant map` after an interruption.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::HashSet,
    fs,
    io::{BufRead, BufReader},
    process::Child,
};

use replicant_emulator::{Definition, Scripted};
use rustix::process::Signal;
use serde_json::{Value, json};
use support::{
    Done, Place,
    batches::{assert_complete, table},
    eventually, piped, signal,
};

fn wait_killed(child: Child) {
    signal(&child, Signal::KILL);
    assert_eq!(child.wait_with_output().unwrap().status.code(), None);
}

#[test]
fn a_killed_batch_continues_without_running_a_row_twice() {
    let place = Place::new();
    place.slow(0.15);
    place.file("rows.csv", &table(24));
    let words = [
        "map",
        "acme/slow",
        "value={value}",
        "--in=rows.csv",
        "--key=id",
        "--out=out.jsonl",
        "--concurrency=4",
    ];
    let again = [&words[..], &["--resume"]].concat();
    for results in [3, 9, 15] {
        // With `--resume` from the start, as in a script.
        let child = piped(&mut place.program(&again)).spawn().unwrap();
        place.until_results("out.jsonl", results);
        wait_killed(child);
    }
    let done = place.run(&words);
    assert!(
        done.code == 2 && done.err.contains("out.jsonl.checkpoint") && done.err.contains("`--resume`"),
        "{done:?}"
    );
    let done = place.run(&again);
    let unknown = place.results("out.jsonl").iter().filter(|result| result["status"] == "unknown").count();
    assert_eq!(done.code, i32::from(unknown > 0), "{done:?}");
    // Killed between the record of a create and the create, which no list of predictions tells.
    assert_eq!(place.created().len() + unknown, 24, "what is unknown was not sent");
    let done = place.run(&[&again[..], &["--retry-unknown"]].concat());
    assert_eq!(done.code, 0, "{done:?}");
    assert_complete(&place.results("out.jsonl"), 24);
    let inputs = place.inputs();
    let distinct: HashSet<_> = inputs.iter().collect();
    assert_eq!((inputs.len(), distinct.len()), (24, 24), "no row ran twice: {inputs:?}");
}

#[test]
fn ctrl_c_cancels_what_runs_and_says_how_to_continue() {
    let place = Place::new();
    place.slow(1.0);
    place.file("rows.csv", &table(6));
    let words = [
        "map",
        "acme/slow",
        "value={value}",
        "--in=rows.csv",
        "--key=id",
        "--out=out.jsonl",
        "--concurrency=2",
    ];
    let child = piped(&mut place.program(&words)).spawn().unwrap();
    place.until_results("out.jsonl", 2);
    place.until("processing");
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{done:?}");
    assert!(done.err.contains("canceling the running predictions"), "{done:?}");
    assert!(done.err.ends_with("replicant: to continue, run the same command with `--resume`\n"), "{done:?}");
    let running =
        |prediction: &Value| ["starting", "processing"].contains(&prediction["status"].as_str().unwrap());
    assert!(!place.predictions().iter().any(running));
    let finished =
        place.predictions().iter().filter(|prediction| prediction["status"] == "succeeded").count();
    let done = place.run(&[&words[..], &["--resume"]].concat());
    assert_eq!(done.code, 0, "{done:?}");
    assert_complete(&place.results("out.jsonl"), 6);
    let succeeded =
        place.predictions().iter().filter(|prediction| prediction["status"] == "succeeded").count();
    assert!(finished >= 2 && succeeded == 6, "what had succeeded is not paid again");
}

#[test]
fn ctrl_c_cancels_predictions_that_a_resumed_batch_has_not_fetched() {
    let place = Place::new();
    place.file("rows.jsonl", "{}\n{}\n");
    let words = ["map", "emulator/endless", "--in=rows.jsonl", "--out=out.jsonl"];
    let child = piped(&mut place.program(&words)).spawn().unwrap();
    let recorded = || fs::read_to_string(place.home.join("out.jsonl.checkpoint")).unwrap_or_default();
    eventually("ids in the checkpoint", || recorded().matches("\"created\"").count() == 2);
    wait_killed(child);
    let requested = || place.emulator.requests_json().matches("/v1/predictions/").count();
    let before = requested();
    let rule = r#"{"match": {"operation": "predictions.get"}, "times": 0, "action": {"stall_body_at": 0}}"#;
    place.emulator.add_faults(rule).unwrap();
    let child = piped(&mut place.program(&[&words[..], &["--resume"]].concat())).spawn().unwrap();
    eventually("requests of the predictions", || requested() >= before + 2);
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{done:?}");
    for prediction in place.predictions() {
        assert_eq!(prediction["status"], "canceled", "{done:?}");
    }
}

#[test]
fn draining_finishes_what_runs() {
    let place = Place::new();
    place.slow(1.0);
    place.file("rows.csv", &table(8));
    let words = [
        "map",
        "acme/slow",
        "value={value}",
        "--in=rows.csv",
        "--out=out.jsonl",
        "--concurrency=2",
        "--drain",
    ];
    let child = piped(&mut place.program(&words)).spawn().unwrap();
    place.until("processing");
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{done:?}");
    assert!(
        done.err.contains("finishing the running predictions") && done.err.contains("`--resume`"),
        "{done:?}"
    );
    let created = place.predictions();
    assert!(
        created.len() < 8 && created.iter().all(|prediction| prediction["status"] == "succeeded"),
        "{created:?}"
    );
    assert_complete(&place.results("out.jsonl"), created.len());
}

#[test]
fn a_second_ctrl_c_of_a_draining_batch_leaves_predictions_that_a_resumed_one_waits_for() {
    let place = Place::new();
    place.slow(3.0);
    place.file("rows.csv", &table(2));
    let words = ["map", "acme/slow", "value={value}", "--in=rows.csv", "--out=out.jsonl", "--drain"];
    let mut child = piped(&mut place.program(&words)).spawn().unwrap();
    let recorded = || fs::read_to_string(place.home.join("out.jsonl.checkpoint")).unwrap_or_default();
    eventually("ids in the checkpoint", || recorded().matches("\"created\"").count() == 2);
    signal(&child, Signal::INT);
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(messages.any(|line| line.unwrap().contains("press Ctrl-C again")));
    signal(&child, Signal::INT);
    let done = Done::of(child.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{done:?}");
    let done = place.run(&[&words[..], &["--resume"]].concat());
    assert_eq!(done.code, 0, "{done:?}");
    assert_complete(&place.results("out.jsonl"), 2);
    assert_eq!(place.created().len(), 2);
}

#[test]
fn a_resumed_batch_runs_its_version() {
    let place = Place::new();
    place.file("rows.csv", "text\na\nb\nc\n");
    let words = ["map", "replicate/hello-world", "--in=rows.csv", "--out=out.jsonl", "--max-predictions=1"];
    assert_eq!(place.run(&words).code, 5);
    let checkpoint = fs::read_to_string(place.home.join("out.jsonl.checkpoint")).unwrap();
    let header: Value = serde_json::from_str(checkpoint.lines().next().unwrap()).unwrap();
    let first = header["model"].as_str().unwrap().to_owned();
    let script = Scripted { output: Some(json!("new")), ..Scripted::default() };
    place.emulator.script(Definition::new("replicate/hello-world"), script).unwrap();
    // The emulator has no versions but the newest one, so these creates fail.
    let done = place.run(&[&words[..4], &["--resume"]].concat());
    assert_eq!((done.code, place.created().len()), (1, 3), "{done:?}");
    assert!(place.created().iter().all(|body| first.ends_with(body["version"].as_str().unwrap())));
}

#[test]
fn a_finished_batch_that_is_resumed_creates_nothing() {
    let place = Place::new();
    place.file("rows.csv", &table(500));
    let words = ["map", "emulator/echo", "--in=rows.csv", "--key=id", "--out=out.jsonl", "--concurrency=100"];
    let done = place.run(&words);
    assert_eq!(done.code, 0, "{done:?}");
    assert_complete(&place.results("out.jsonl"), 500);
    let done = place.run(&[&words[..], &["--resume", "--json"]].concat());
    let summary: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&summary["resumed"], &summary["predictions"]), (&json!(500), &json!(0)));
    assert_complete(&place.results("out.jsonl"), 500);
}

#[test]
fn a_resumed_batch_empties_no_other_file() {
    let place = Place::new();
    place.slow(0.0);
    place.file("rows.jsonl", "{\"key\": \"a\", \"index\": 1}\n");
    place.file("notes.txt", "do not lose this");
    fs::create_dir(place.home.join("links")).unwrap();
    let words = ["map", "emulator/echo", "value={key}", "--in=rows.jsonl"];
    let run = |more: &[&str]| place.run(&[&words[..], more].concat());
    let done = run(&["--out=out.jsonl"]);
    assert_eq!(done.code, 0, "{done:?}");
    std::os::unix::fs::symlink("../out.jsonl.checkpoint", place.home.join("links/state")).unwrap();
    std::os::unix::fs::symlink("../rows.jsonl", place.home.join("links/rows")).unwrap();
    let checkpoint = "--checkpoint=out.jsonl.checkpoint";
    for (out, why) in [
        ("rows.jsonl", "than `--in`"),
        ("links/rows", "than `--in`"),
        ("./rows.jsonl", "than `--in`"),
        ("./out.jsonl.checkpoint", "than `--checkpoint`"),
        ("links/state", "than `--checkpoint`"),
        ("notes.txt", "no results"),
    ] {
        let before = fs::read(place.home.join(out)).unwrap();
        let done = run(&[&format!("--out={out}"), checkpoint, "--resume"]);
        assert!(done.code == 2 && done.err.contains(why), "{out}: {done:?}");
        assert_eq!(fs::read(place.home.join(out)).unwrap(), before, "{out}");
    }
    let done = run(&["--checkpoint=./rows.jsonl"]);
    assert!(done.code == 2 && done.err.contains("than `--in`"), "{done:?}");
    // Also a file of results whose first line is incomplete is one.
    let results = place.results("out.jsonl");
    fs::write(place.home.join("out.jsonl"), "{\"key\":\"a\",\"ind").unwrap();
    let done = run(&["--out=out.jsonl", "--resume"]);
    assert_eq!((done.code, place.results("out.jsonl")), (0, results), "{done:?}");
}
