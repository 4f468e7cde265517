//! `replicant run`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, io::Read};

use replicant_emulator::{Config, Definition, Scripted};
use rustix::process::Signal;
use serde_json::{Value, json};
use support::{Done, Place, piped, signal, until_closed, with_input};

#[test]
fn inputs_have_the_types_of_the_schema() {
    let place = Place::new();
    let words = ["run", "emulator/stream", "chunks=1", "chunks=b", "pause=0.5e-3", "repeat=2"];
    assert_eq!(place.printed(&words), "1b1b\n");
    assert_eq!(place.created()[0]["input"], json!({"chunks": ["1", "b"], "pause": 0.5e-3, "repeat": 2}));
    let done = place.run(&["run", "emulator/stream", "repeat=two"]);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert_eq!(done.err, "replicant: `repeat` must be an integer, not `two`\n");
    let done = place.run(&["run", "emulator/stream", "chuncks=a"]);
    assert!(done.code == 2 && done.err.contains("did you mean `chunks`?"), "{done:?}");
    assert_eq!(place.created().len(), 1, "nothing was created for wrong inputs");
}

#[test]
fn inputs_of_deployments_have_types_too() {
    let place = Place::new();
    let text = place.printed(&["run", "deployments/acme/text", "prompt=hi", "max_tokens=4"]);
    assert_eq!(text.split_whitespace().count(), 4, "{text}");
}

#[test]
fn a_model_that_is_not_official_runs_at_its_latest_version() {
    let place = Place::new();
    assert_eq!(place.printed(&["run", "replicate/hello-world", "text=Ada"]), "hello Ada\n");
    assert!(place.created()[0]["version"].is_string());
}

#[test]
fn json_and_files_of_inputs_are_sent_as_they_are() {
    let place = Place::new();
    let file = place.file("input.json", r#"{"value": 1, "delay": 0.001}"#);
    let input = format!("--input={}", file.display());
    let printed = place.printed(&["run", "emulator/echo", "value:={\"a\": [1, 2.50]}", &input]);
    assert_eq!(printed, "{\"a\":[1,2.5]}\n");
    assert_eq!(place.created()[0]["input"], json!({"value": {"a": [1, 2.5]}, "delay": 0.001}));
    let done = with_input(&mut place.program(&["run", "emulator/echo", "--input", "-"]), r#"{"value": 7}"#);
    assert_eq!(done.out, "7\n");
}

#[test]
fn standard_input_is_text_or_a_file() {
    let place = Place::new();
    let prompt = ["run", "meta/meta-llama-3-8b-instruct", "prompt=@-", "max_tokens=3"];
    let done = with_input(&mut place.program(&prompt), "Sing.\n");
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(place.created()[0]["input"]["prompt"], "Sing.\n");
    let done = with_input(&mut place.program(&["run", "emulator/echo", "value=@-"]), "contents");
    assert!(done.out.starts_with("http://127.0.0.1"), "{done:?}");
    let both = ["run", "emulator/echo", "value=@-", "--input=-"];
    assert_eq!(with_input(&mut place.program(&both), "{}").code, 2);
}

#[test]
fn files_are_uploaded_and_saved() {
    let place = Place::new();
    let made =
        place.printed(&["run", "black-forest-labs/flux-schnell", "prompt=x", "num_outputs=2", "-o", "out"]);
    assert_eq!(made, "out/out-0.webp\nout/out-1.webp\n");
    let larger =
        place.printed(&["run", "nightmareai/real-esrgan", "image=@out/out-0.webp", "scale=2", "-oout"]);
    let image = place.home.join(larger.trim_end());
    assert!(fs::metadata(image).unwrap().len() > 1000);
    let printed =
        place.printed(&["run", "black-forest-labs/flux-schnell", "prompt=x", "--json", "--output=out"]);
    let prediction: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(prediction["files"], json!(["out/out-0-2.webp"]));
    let url = place.printed(&["run", "black-forest-labs/flux-schnell", "prompt=x"]);
    assert!(url.starts_with("http://127.0.0.1") && url.ends_with("/out-0.webp\n"), "{url}");
    let done = place.run(&["run", "nightmareai/real-esrgan", "image=@missing.png"]);
    assert!(done.code == 1 && done.err.contains("missing.png"), "{done:?}");
}

#[test]
fn text_is_printed_as_it_is_written() {
    let place = Place::new();
    let words = ["run", "emulator/stream", "chunks=early", "chunks=late", "pause=600"];
    let mut child = piped(&mut place.program(&words)).spawn().unwrap();
    let mut first = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"early");
    assert!(child.try_wait().unwrap().is_none(), "the model still runs");
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_closed_pipe_ends_the_run_quietly_and_cancels_it() {
    let place = Place::new();
    // Also if there is nothing more to write.
    for pause in ["0.02", "600"] {
        let pause = format!("pause={pause}");
        let words = ["run", "emulator/stream", "chunks=line", &pause, "repeat=100000"];
        let done = until_closed(&mut place.program(&words), |mut output| {
            output.read_exact(&mut [0; 4]).unwrap();
        });
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        place.until("canceled");
        place.emulator.reset();
    }
    for words in [&["run", "emulator/endless"][..], &["run", "emulator/endless", "--json"]] {
        let done = until_closed(&mut place.program(words), |_output| place.until("processing"));
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{words:?}");
        place.until("canceled");
        place.emulator.reset();
    }
    // Files are saved nevertheless.
    let folder = place.home.join("saved");
    let folder = folder.to_str().unwrap();
    let words = ["run", "black-forest-labs/flux-schnell", "prompt=x", "-o", folder];
    assert_eq!(until_closed(&mut place.program(&words), drop).code, 0);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    // Also if nothing was read.
    for words in [&["--help"][..], &["predictions", "list"], &["completion", "bash"]] {
        let mut child = piped(&mut place.program(words)).spawn().unwrap();
        drop(child.stdout.take());
        let done = Done::of(child.wait_with_output().unwrap());
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{words:?}");
    }
}

#[test]
fn a_prediction_can_be_left_running() {
    let place = Place::new();
    let id = place.printed(&["run", "emulator/endless", "--no-wait", "--timeout=3600"]);
    let id = id.trim_end();
    assert_eq!(place.predictions()[0]["id"], id);
    let created: Value =
        serde_json::from_str(&place.printed(&["run", "emulator/endless", "--no-wait", "--json"])).unwrap();
    let shown = place.printed(&["predictions", "get", id]);
    assert!(shown.contains(id) && shown.contains("emulator/endless"), "{shown}");
    let canceled = place.printed(&["predictions", "cancel", id, created["id"].as_str().unwrap()]);
    assert!(canceled.lines().all(|line| line.ends_with(" canceled")), "{canceled}");
    let listed = place.printed(&["predictions", "list", "--json"]);
    assert_eq!(listed.lines().count(), 2);
    for line in listed.lines() {
        let prediction: Value = serde_json::from_str(line).unwrap();
        assert_eq!(prediction["model"], "emulator/endless");
    }
    let table = place.printed(&["predictions", "list", "-n1"]);
    assert!(table.starts_with("ID ") && table.lines().count() == 2, "{table}");
}

#[test]
fn options_that_have_no_effect_together_are_refused() {
    let place = Place::new();
    for (words, why) in [
        (&["--no-wait", "-o", "out"][..], "`--output` needs the output, for which `--no-wait` does not wait"),
        (&["--webhook-events", "start"], "`--webhook-events` needs `--webhook URL`"),
        (&["--timeout", "0"], "`--timeout` must be a positive number of seconds, not `0`"),
        (&["--no-wait", "--timeout=-1"], "`--timeout` must be a positive number of seconds, not `-1`"),
        (
            &["--no-wait", "--timeout=4.9"],
            "`--timeout` must be 5 to 86400 seconds with `--no-wait`, the limits of the API, not `4.9`",
        ),
        (
            &["--no-wait", "--timeout=90000"],
            "`--timeout` must be 5 to 86400 seconds with `--no-wait`, the limits of the API, not `90000`",
        ),
    ] {
        let done = place.run(&[&["run", "emulator/echo", "value=x"], words].concat());
        assert_eq!((done.code, done.err), (2, format!("replicant: {why}\n")), "{words:?}");
    }
    assert_eq!(place.emulator.requests_json(), "[]");
}

#[test]
fn each_prediction_is_canceled_even_if_another_is_not() {
    let place = Place::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(place.printed(&["run", "emulator/endless", "--no-wait"]).trim_end().to_owned());
    }
    let done = place.run(&["predictions", "cancel", "first", &ids[0], "third", &ids[1]]);
    assert_eq!((done.code, done.out), (4, format!("{} canceled\n{} canceled\n", ids[0], ids[1])));
    for (line, id) in done.err.lines().zip(["first", "third"]) {
        assert!(line.starts_with(&format!("replicant: `{id}`: ")), "{}", done.err);
    }
    assert_eq!(done.err.lines().count(), 2, "{}", done.err);
    // Also if nobody reads which.
    let id = place.printed(&["run", "emulator/endless", "--no-wait"]);
    let ids = ["predictions", "cancel", &ids[0], id.trim_end()];
    assert_eq!(until_closed(&mut place.program(&ids), drop).code, 0);
    let ids = ["predictions", "cancel", id.trim_end(), "third"];
    assert_eq!(until_closed(&mut place.program(&ids), drop).code, 4);
    assert!(place.predictions().iter().all(|prediction| prediction["status"] == "canceled"));
}

#[test]
fn the_folder_for_files_is_created_before_the_prediction() {
    let place = Place::new();
    place.file("taken", "");
    let done = place.run(&["run", "black-forest-labs/flux-schnell", "prompt=x", "-o", "taken"]);
    assert!(
        done.code == 1 && done.err.contains("`--output`: cannot create the folder \"taken\""),
        "{done:?}"
    );
    assert_eq!(place.created().len(), 0);
}

#[test]
fn an_output_that_cannot_be_saved_is_printed() {
    let place = Place::new();
    place
        .emulator
        .add_faults(r#"{"match": {"path": "/files/*"}, "times": 100, "action": {"status": 404}}"#)
        .unwrap();
    let words = ["run", "black-forest-labs/flux-schnell", "prompt=x", "-o", "out"];
    let done = place.run(&words);
    assert!(done.code != 0 && done.err.contains("404"), "{done:?}");
    assert!(done.out.starts_with("http://127.0.0.1") && done.out.ends_with("/out-0.webp\n"), "{done:?}");
    let done = place.run(&[&words[..], &["--json"]].concat());
    let prediction: Value = serde_json::from_str(&done.out).unwrap();
    assert!(done.code != 0 && prediction["output"].is_array() && prediction["files"].is_null(), "{done:?}");
}

#[test]
fn outputs_without_text_and_files_are_json() {
    let place = Place::new();
    let version = "0123456789abcdef".repeat(4);
    for json in ["[]", "null", "7", "{\"a\":[]}"] {
        let output = Some(serde_json::from_str(json).unwrap());
        let script = Scripted { output, ..Scripted::default() };
        let mut definition = Definition::new("acme/made");
        definition.versions = vec![version.clone()];
        place.emulator.script(definition, script).unwrap();
        assert_eq!(place.printed(&["run", "acme/made"]), format!("{json}\n"));
        // By its version alone, whose schema the API does not tell.
        assert_eq!(place.printed(&["run", &version]), format!("{json}\n"));
    }
}

#[test]
fn lists_continue_over_pages() {
    let place = Place::with(Config { page_size: Some(2), ..Config::default() });
    for _ in 0..5 {
        place.printed(&["run", "emulator/echo", "value=x", "--no-wait"]);
    }
    for (limit, lines) in [("0", 5), ("3", 3), ("4", 4)] {
        assert_eq!(
            place.printed(&["predictions", "list", "--json", "--limit", limit]).lines().count(),
            lines
        );
    }
    for message in ["x", "y"] {
        place.run(&["run", "emulator/fails", &format!("message={message}")]);
    }
    let table = place.printed(&["predictions", "list"]);
    let column = |name: &str, line: &str| line.find(name).unwrap_or_else(|| panic!("{line}"));
    let heading = table.lines().next().unwrap();
    for line in table.lines().skip(1) {
        assert_eq!(column("emulator/", line), column("MODEL", heading), "{table}");
    }
}

#[test]
fn exit_codes_say_what_failed() {
    let place = Place::new();
    let failed = place.run(&["run", "emulator/fails", "message=boom"]);
    assert_eq!((failed.code, failed.err.as_str()), (1, "replicant: Prediction failed: boom\n"));
    let failed = place.run(&["run", "emulator/fails", "message=boom", "--json"]);
    let prediction: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!((failed.code, &prediction["status"]), (1, &json!("failed")));
    let missing = place.run(&["run", "acme/nothing", "a=b"]);
    assert!(missing.code == 4 && missing.err.starts_with("replicant: "), "{missing:?}");
    assert_eq!(place.run(&["predictions", "get", "nothing"]).code, 4);
    assert_eq!(place.run(&["models", "schema", "acme/nothing"]).code, 4);
    let late = place.run(&["run", "emulator/endless", "--timeout", "0.3"]);
    assert!(late.code == 124 && late.err.contains("the timeout of 0.3 s passed"), "{late:?}");
    place.until("canceled");
    place.file("rows.csv", "a\n1\n");
    let run = ["run", "emulator/fails", "message=@missing"];
    for words in [&run[..], &["map", "emulator/fails", "message=@missing", "--in=rows.csv"]] {
        let done = place.run(words);
        assert!(done.code == 1 && done.err.contains("`message`: cannot read \"missing\""), "{done:?}");
    }
    let mut unreachable = place.program(&["predictions", "list"]);
    unreachable.env("REPLICATE_BASE_URL", "http://127.0.0.1:1");
    // The retries of the core take seconds, which the time limit of a request would not change.
    let done = Done::of(unreachable.output().unwrap());
    assert_eq!((done.code, done.out.as_str()), (1, ""));
}

#[test]
fn outputs_with_files_inside_are_json() {
    let place = Place::new();
    let url = place.printed(&["run", "black-forest-labs/flux-schnell", "prompt=x"]);
    let output = json!({"image": url.trim_end(), "label": "heron"});
    let script = Scripted { output: Some(output), ..Scripted::default() };
    place.emulator.script(Definition::new("acme/labels"), script).unwrap();
    let printed: Value = serde_json::from_str(&place.printed(&["run", "acme/labels", "-o", "out"])).unwrap();
    assert_eq!(printed, json!({"image": "out/out-0.webp", "label": "heron"}));
}

#[test]
fn links_in_an_output_are_not_saved() {
    let place = Place::new();
    let url = place.printed(&["run", "black-forest-labs/flux-schnell", "prompt=x"]);
    let output = json!(["http://127.0.0.1:1/page.html", url.trim_end()]);
    let script = Scripted { output: Some(output), ..Scripted::default() };
    place.emulator.script(Definition::new("acme/linked"), script).unwrap();
    let printed = place.printed(&["run", "acme/linked", "-o", "out"]);
    assert_eq!(printed, "http://127.0.0.1:1/page.html\nout/out-0.webp\n");
}
