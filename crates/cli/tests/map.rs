//! `replicant map`: rows, inputs and results.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{Read, Write},
    process::Stdio,
};

use serde_json::{Value, json};
use support::{
    Done, Place,
    batches::{assert_complete, results, table},
    piped, until_closed, with_input,
};

#[test]
fn columns_of_csv_are_inputs_with_the_types_of_the_schema() {
    let place = Place::new();
    place.file("rows.csv", "chunks,repeat,pause\na,2,0.001\n\"b, c\",,\n\"[\"\"x\"\",\"\"y\"\"]\",1,\n");
    let done = place.run(&["map", "emulator/stream", "--in", "rows.csv", "--ordered"]);
    assert_eq!(done.code, 0, "{done:?}");
    let lines: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = &lines[0];
    assert_eq!(
        (&first["key"], &first["index"], &first["status"]),
        (&json!(0), &json!(0), &json!("succeeded"))
    );
    assert_eq!(
        (&first["output"], &first["error"], &first["attempts"]),
        (&json!(["a", "a"]), &Value::Null, &json!(1))
    );
    assert!(first["seconds"].is_number() && first["id"].is_string(), "{first}");
    let names: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 8, "{names:?}");
    let expected = [
        json!({"chunks": ["a"], "repeat": 2, "pause": 0.001}),
        json!({"chunks": ["b, c"]}),
        json!({"chunks": ["x", "y"], "repeat": 1}),
    ];
    let mut expected = expected.map(|input| input.to_string());
    expected.sort();
    assert_eq!(place.inputs(), expected);
    assert!(
        done.err.starts_with("replicant: 3 of 3 rows in ") && done.err.contains("3 succeeded, 0 failed"),
        "{done:?}"
    );
}

#[test]
fn json_lines_are_inputs_as_they_are() {
    let place = Place::new();
    place.file("rows.jsonl", "{\"value\": {\"a\": [1, 2.5]}}\n\n{\"value\": \"2\"}\n{\"value\": null}");
    let printed = place.printed(&["map", "emulator/echo", "--in", "rows.jsonl", "--concurrency", "2"]);
    let outputs: Vec<_> = results(&printed).iter().map(|result| result["output"].clone()).collect();
    assert_eq!(outputs, [json!({"a": [1, 2.5]}), json!("2"), Value::Null]);
}

#[test]
fn arguments_take_values_of_columns() {
    let place = Place::new();
    place.file("birds.csv", "bird,steps\nheron,2\ncrane,3\n");
    let words = ["map", "meta/meta-llama-3-8b-instruct", "prompt=a {bird} {{at}} dawn", "max_tokens={steps}"];
    let words = [&words[..], &["--in=birds.csv", "--key=bird"]].concat();
    let keys: Vec<_> = results(&place.printed(&words)).iter().map(|result| result["key"].clone()).collect();
    assert_eq!(keys, ["heron", "crane"]);
    let expected = [
        json!({"prompt": "a heron {at} dawn", "max_tokens": 2}).to_string(),
        json!({"prompt": "a crane {at} dawn", "max_tokens": 3}).to_string(),
    ];
    assert_eq!(place.inputs(), expected);
}

#[test]
fn files_are_uploaded_only_where_an_argument_says_so_and_saved_by_key() {
    let place = Place::new();
    place.file("prompts.csv", "id,prompt\nfirst,x\nsecond,y\n");
    let model = "black-forest-labs/flux-schnell";
    let words = ["map", model, "--in=prompts.csv", "--key=id", "-o", "pictures", "--out=made.jsonl"];
    assert_eq!(place.printed(&words), "");
    let made = place.results("made.jsonl");
    assert_eq!(made[1]["output"], json!(["pictures/second.webp"]));
    place.file("files.csv", "path\npictures/first.webp\npictures/second.webp\n");
    let words = ["map", "nightmareai/real-esrgan", "image=@{path}", "scale=2", "--in", "files.csv"];
    assert!(
        results(&place.printed(&words))
            .iter()
            .all(|result| result["output"].as_str().unwrap().starts_with("http"))
    );
    place.file("text.csv", "value\n@/etc/hostname\n");
    let printed = place.printed(&["map", "emulator/echo", "--in", "text.csv"]);
    assert_eq!(results(&printed)[0]["output"], "@/etc/hostname", "cells are values");
    place.file("missing.csv", "path\nmissing.png\n");
    let words = ["map", "nightmareai/real-esrgan", "image=@{path}", "--in", "missing.csv"];
    let done = place.run(&words);
    assert!(done.code == 1 && done.err.contains("missing.png"), "{done:?}");
}

#[test]
fn failed_rows_are_results_and_set_the_exit_code() {
    let place = Place::new();
    place.file("rows.jsonl", "{\"message\": \"boom\"}\n{\"message\": \"bang\"}\n");
    let words =
        ["map", "emulator/fails", "--in=rows.jsonl", "--out=out.jsonl", "--json", "--retries=1", "--ordered"];
    let done = place.run(&words);
    assert_eq!(done.code, 1, "{done:?}");
    let summary: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        (&summary["rows"], &summary["failed"], &summary["predictions"]),
        (&json!(2), &json!(2), &json!(4))
    );
    assert!(
        done.err.ends_with("replicant: the first row that failed: 0: Prediction failed: boom\n"),
        "{done:?}"
    );
    let failed = &place.results("out.jsonl")[0];
    assert_eq!(
        (&failed["status"], &failed["attempts"], &failed["output"]),
        (&json!("failed"), &json!(2), &Value::Null)
    );
    assert_eq!(failed["error"]["message"], "Prediction failed: boom");
    assert_eq!(failed["error"]["code"], "prediction_failed");
    // The failures are part of the batch, and are not paid again.
    let done = place.run(&[&words[..], &["--resume"]].concat());
    assert_eq!((done.code, place.created().len(), place.results("out.jsonl").len()), (1, 4, 2), "{done:?}");
}

#[test]
fn a_batch_stops_at_its_limits() {
    let place = Place::new();
    place.file("rows.csv", &table(5));
    let words =
        ["map", "emulator/echo", "--in=rows.csv", "--key=id", "--out=out.jsonl", "--max-predictions=2"];
    let done = place.run(&words);
    assert!(
        done.code == 5
            && done.err.contains("2 of 5 rows")
            && done.err.contains("stopped by `--max-predictions`"),
        "{done:?}"
    );
    // A limit that suffices stops nothing.
    let done = place.run(&[&words[..5], &["--resume", "--max-predictions=3"]].concat());
    assert!(
        done.code == 0 && done.err.contains("5 of 5 rows") && done.err.contains("2 from the checkpoint"),
        "{done:?}"
    );
    assert_complete(&place.results("out.jsonl"), 5);
    assert_eq!(place.created().len(), 5);
    let messages = (0..60).fold("message\n".to_owned(), |rows, _| rows + "boom\n");
    place.file("fails.csv", &messages);
    let words = ["map", "emulator/fails", "--in=fails.csv", "--max-error-rate=0.5", "--concurrency=4"];
    let done = place.run(&words);
    assert!(done.code == 1 && done.err.contains("of the last 50 rows failed"), "{done:?}");
    assert!(done.err.contains("more than `--max-error-rate` allows"), "{done:?}");
    assert!(place.created().len() < 65);
}

#[test]
fn a_wrong_row_is_named_before_a_prediction_is_created() {
    let place = Place::new();
    for (name, contents, words, why) in [
        ("a.csv", "value\n1\n2,3\n", &[][..], "line 3 has 2 cells, but the first line names 1 column"),
        ("b.csv", "value\n1\n\"2\n", &[], "line 3 has a quote that is not closed"),
        ("c.jsonl", "{\"value\": 1}\n{\"value\"}\n", &[], "line 2 is not JSON"),
        ("d.csv", "value,delay\n1,2\n2,soon\n", &[], "line 3: `delay` must be a number, not `soon`"),
        ("e.csv", "value,dely\n1,2\n", &[], "did you mean `delay`?"),
        (
            "f.csv",
            "bird\nheron\n",
            &["value={brid}"],
            "line 2: there is no column `brid`; did you mean `bird`?",
        ),
        ("g.csv", "id,value\na,1\nb,2\na,3\n", &["--key=id"], "line 4 has the key of line 2"),
        ("h.csv", "id,value\n,1\n", &["--key=id"], "line 2: the key `id` is empty"),
        (
            "i.jsonl",
            "{\"id\": 1}\n{\"id\": \"1\"}\n",
            &["--key=id", "value={id}"],
            "line 2 has the key of line 1",
        ),
    ] {
        place.file(name, contents);
        let done = place.run(&[&["map", "emulator/echo", "--in", name], words].concat());
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
        assert!(done.err.contains(why) && done.err.contains(name), "{why}: {done:?}");
    }
    assert_eq!(place.created().len(), 0);
}

#[test]
fn standard_input_is_read_as_it_arrives() {
    let place = Place::new();
    let words = ["map", "emulator/echo", "--in=-", "--format=jsonl", "--out=out.jsonl"];
    let mut child = piped(&mut place.program(&words)).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{\"value\": 1}\n{\"value\": 2}\n").unwrap();
    place.until_results("out.jsonl", 2);
    assert!(child.try_wait().unwrap().is_none(), "more may arrive");
    input.write_all(b"{\"value\": 3}\nnonsense\n{\"value\": 5}\n").unwrap();
    drop(input);
    let done = Done::of(child.wait_with_output().unwrap());
    assert!(done.code == 1 && done.err.contains("standard input: line 4 is not JSON"), "{done:?}");
    assert_complete(&place.results("out.jsonl"), 3);
    let mut words = place.program(&["map", "emulator/echo", "--in=-", "--format=csv"]);
    let done = with_input(&mut words, "value\n7\n");
    assert_eq!(results(&done.out)[0]["output"], "7", "{done:?}");
}

#[test]
fn results_of_another_batch_are_not_overwritten() {
    let place = Place::new();
    place.file("rows.csv", &table(1));
    place.file("out.jsonl", "precious\n");
    let words = ["map", "emulator/echo", "--in=rows.csv", "--key=id", "--out=out.jsonl"];
    for words in [words.to_vec(), [&words[..], &["--resume"]].concat()] {
        let done = place.run(&words);
        assert!(done.code == 2 && done.err.contains("\"out.jsonl\" has results"), "{done:?}");
    }
    place.printed(&[
        "map",
        "emulator/echo",
        "--in=rows.csv",
        "--key=id",
        "--out=a.jsonl",
        "--checkpoint=batch",
    ]);
    let done = place.run(&[
        "map",
        "emulator/stream",
        "chunks={value}",
        "--in=rows.csv",
        "--out=a.jsonl",
        "--checkpoint=batch",
        "--resume",
    ]);
    assert!(done.code == 2 && done.err.contains("belongs to another batch"), "{done:?}");
    assert_eq!(place.results("a.jsonl").len(), 1, "the results are still there");
    let done = place.run(&["map", "emulator/echo", "--in=rows.csv", "--key=id", "--out=no/where.jsonl"]);
    assert!(done.code == 1 && done.err.contains("no/where.jsonl"), "{done:?}");
    assert_eq!(fs::read_to_string(place.home.join("out.jsonl")).unwrap(), "precious\n");
    assert_eq!(place.created().len(), 1);
}

#[test]
fn wrong_usage_is_explained() {
    let place = Place::new();
    place.file("rows.txt", "value\n1\n");
    place.file("rows.csv", "value\n1\n");
    for (words, why) in [
        (&["map"][..], "OWNER/NAME is missing"),
        (&["map", "emulator/echo"], "`--in FILE` is missing"),
        (&["map", "emulator/echo", "--in=rows.txt"], "`--format` is missing"),
        (&["map", "emulator/echo", "--in=-"], "`--format` is missing"),
        (&["map", "emulator/echo", "--in=rows.txt", "--format=xls"], "`--format` must be `csv`"),
        (&["map", "emulator/echo", "--in=rows.csv", "--resume"], "`--resume` needs `--out FILE`"),
        (&["map", "emulator/echo", "--in=rows.csv", "--json"], "`--json` needs `--out FILE`"),
        (
            &["map", "emulator/echo", "--in=rows.csv", "--concurrency=many"],
            "`--concurrency` must be a whole number, not `many`",
        ),
        (&["map", "emulator/echo", "--in=rows.csv", "--concurrency=0"], "`--concurrency` must be 1 to 10000"),
        (&["map", "emulator/echo", "--in=rows.csv", "value={"], "`value=` has a `{` without a `}`"),
        (
            &["map", "emulator/echo", "--in=rows.csv", "--out=x", "--checkpoint=x"],
            "`--out` must be another file than `--checkpoint`",
        ),
    ] {
        let done = place.run(words);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{words:?}: {done:?}");
        assert!(done.err.contains(why), "{words:?}: {done:?}");
    }
    let done = place.run(&["map", "emulator/echo", "--in=missing.csv"]);
    assert!(done.code == 1 && done.err.contains("missing.csv"), "{done:?}");
    assert_eq!(place.created().len(), 0);
}

#[test]
fn a_closed_pipe_ends_the_batch_quietly_and_cancels_it() {
    let place = Place::new();
    let slow = (0..8).fold("value,delay\nfirst,0\n".to_owned(), |table, _| table + "later,600\n");
    place.file("rows.csv", &slow);
    let done = until_closed(&mut place.program(&["map", "emulator/echo", "--in=rows.csv"]), |mut output| {
        output.read_exact(&mut [0; 4]).unwrap();
        place.until("processing");
    });
    assert_eq!(done.code, 0, "{done:?}");
    assert!(place.predictions().iter().all(|prediction| prediction["completed_at"].is_string()));
}

#[test]
fn a_batch_with_a_file_for_its_results_needs_no_reader() {
    let place = Place::new();
    place.file("rows.csv", "value,delay\nx,1\n");
    let words = ["map", "emulator/echo", "--in=rows.csv", "--out=out.jsonl"];
    let done = until_closed(&mut place.program(&words), drop);
    assert!(done.code == 0 && done.err.contains("1 succeeded"), "{done:?}");
    assert_complete(&place.results("out.jsonl"), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_batch() {
    let place = Place::new();
    place.file("rows.csv", &table(3));
    let done = place.run(&["map", "emulator/echo", "--in=rows.csv", "--key=id", "--out=/dev/full"]);
    assert!(done.code == 1 && done.err.contains("cannot write \"/dev/full\""), "{done:?}");
}
