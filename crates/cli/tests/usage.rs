//! Help, suggestions, completion, schemas and the emulator.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{Done, Place};

#[test]
fn unknown_commands_and_options_are_answered_with_suggestions() {
    let place = Place::new();
    for (words, advice) in [
        (&["runn"][..], "unknown command `runn`; did you mean `replicant run`?"),
        (&["prediction", "list"], "did you mean `replicant predictions`?"),
        (&["predictions", "lst"], "did you mean `replicant predictions list`?"),
        (&["predictions"], "`predictions` needs one of `list`, `get`, `cancel`"),
        (&["frobnicate"], "expected one of `run`, "),
        (&["run", "a/b", "--jsno"], "unknown option `--jsno`; did you mean `--json`?"),
        (&["run", "a/b", "--timeout"], "`--timeout` needs a value: SECONDS"),
        (&["run", "a/b", "--timeout=soon"], "`--timeout` must be a positive number of seconds, not `soon`"),
        (&["run", "a/b", "--json=1"], "`--json` has no value"),
        (&["run"], "OWNER/NAME is missing"),
        (&["webhooks", "listen", "--port=99999"], "`--port` must be a port, 0 to 65535, not `99999`"),
        (&["predictions", "get"], "ID is missing"),
        (&["predictions", "get", "a", "b"], "unexpected argument `b`"),
        (&["run", "nonsense"], "Expected format: owner/name"),
    ] {
        let done = place.run(words);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{words:?}: {done:?}");
        assert!(done.err.starts_with("replicant: ") && done.err.contains(advice), "{words:?}: {}", done.err);
    }
    assert_eq!(place.emulator.requests_json(), "[]");
}

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    let overview = place.printed(&["--help"]);
    assert_eq!(place.printed(&["help"]), overview);
    let done = place.run(&[]);
    assert!(done.code == 2 && done.out.is_empty() && done.err == overview, "{done:?}");
    let commands: Vec<&str> = overview
        .split_once("Commands:\n")
        .unwrap()
        .1
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.trim().split("  ").next().unwrap())
        .collect();
    assert!(commands.len() >= 10, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = ["help"].into_iter().chain(command.split(' ')).collect();
        let help = place.printed(&words);
        assert!(
            help.contains("\nExamples:\n") && help.contains(&format!("Usage: replicant {command}")),
            "{help}"
        );
        if command != "emulator" {
            let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
            assert_eq!(place.printed(&words), help);
        }
        assert!(help.lines().all(|line| line.chars().count() <= 125), "{help}");
    }
    assert!(place.printed(&["predictions", "--help"]).contains("predictions cancel"));
    assert_eq!(place.printed(&["--version"]), concat!("replicant ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_schema_of_a_model_is_a_table_or_json() {
    let place = Place::new();
    let table = place.printed(&["models", "schema", "black-forest-labs/flux-schnell"]);
    let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("prompt ").ends_with("required"));
    let outputs = line("num_outputs ");
    assert!(
        outputs.contains("integer, at least 1, at most 4") && outputs.ends_with("default 1"),
        "{outputs}"
    );
    assert!(line("output_format ").contains("string: webp | jpg | png"));
    assert!(table.contains("\n    A description of the image.\n"));
    let json = place.printed(&["models", "schema", "nightmareai/real-esrgan", "--json"]);
    let schema: Value = serde_json::from_str(&json).unwrap();
    assert!(schema["components"]["schemas"]["Input"]["properties"]["image"].is_object());
}

#[test]
fn bash_completes_commands_and_options() {
    let place = Place::new();
    let script = place.file("completion.bash", &place.printed(&["completion", "bash"]));
    let complete = |words: &[&str]| {
        let program = format!(
            "source {}; COMP_WORDS=(replicant {}); COMP_CWORD={}; _replicant; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len()
        );
        let output = Command::new("bash").args(["-c", &program]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(complete(&["pre"]), "predictions");
    assert_eq!(complete(&["predictions", ""]), "list get cancel");
    assert_eq!(complete(&["predictions", "list", "--l"]), "--limit");
    assert_eq!(complete(&["run", "a/b", "x=1", "--ou"]), "--output");
    assert_eq!(complete(&["completion", ""]), "bash zsh fish --help");
    assert_eq!(place.run(&["completion", "csh"]).code, 2);
}

/// Runs a program of a shell. Returns the words that it prints, or `None` if the shell is not installed.
fn words_of(shell: &str, program: &str) -> Option<Vec<String>> {
    let output = match Command::new(shell).args(["-c", program]).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped, because {shell} is not installed");
            return None;
        }
        output => output.unwrap(),
    };
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // fish prints a description after a tab.
    let words = text.lines().filter_map(|line| line.split('\t').next()).flat_map(str::split_whitespace);
    Some(words.map(str::to_owned).collect())
}

#[test]
fn zsh_completes_commands_and_options() {
    let place = Place::new();
    let text = place.printed(&["completion", "zsh"]);
    assert!(text.starts_with("#compdef replicant\n") && text.contains("webhook-events"));
    let script = place.file("_replicant", &text);
    // What zsh offers is printed instead, because it completes only in a terminal.
    let complete = |words: &str, current: usize| {
        let program = format!(
            "compdef() {{ }}; compadd() {{ print -r -- ${{@:2}} }}; _files() {{ print files }}
            source {}; words=(replicant {words}); CURRENT={current}; _replicant",
            script.display()
        );
        words_of("zsh", &program)
    };
    let Some(commands) = complete("''", 2) else { return };
    assert!(commands.contains(&"predictions".into()) && !commands.contains(&"files".into()), "{commands:?}");
    assert_eq!(complete("predictions ''", 3).unwrap(), ["list", "get", "cancel", "files"]);
    assert!(complete("predictions list ''", 4).unwrap().contains(&"--limit".into()));
    assert!(complete("run a/b x=1 ''", 5).unwrap().contains(&"--output".into()));
}

#[test]
fn fish_completes_commands_and_options() {
    let place = Place::new();
    let text = place.printed(&["completion", "fish"]);
    assert!(text.contains("webhook-events"));
    let script = place.file("replicant.fish", &text);
    let complete =
        |line: &str| words_of("fish", &format!("source {}; complete -C '{line}'", script.display()));
    let Some(commands) = complete("replicant pre") else { return };
    assert_eq!(commands, ["predictions"]);
    assert_eq!(complete("replicant predictions ").unwrap(), ["cancel", "get", "list"]);
    assert_eq!(complete("replicant predictions list --l").unwrap(), ["--limit"]);
    assert_eq!(complete("replicant run a/b x=1 --ou").unwrap(), ["--output"]);
    assert_eq!(complete("replicant completion ").unwrap(), ["bash", "fish", "zsh"]);
}

#[test]
fn the_emulator_is_started_with_all_arguments() {
    let place = Place::new();
    let program = place.file("emulator", "#!/bin/sh\necho \"$@\"\nexit 7\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |path: &std::path::Path| {
        let mut command = place.program(&["emulator", "--port", "0", "--help"]);
        Done::of(command.env("REPLICANT_EMULATOR", path).stdin(Stdio::null()).output().unwrap())
    };
    let done = run(&program);
    assert_eq!((done.code, done.out.as_str()), (7, "--port 0 --help\n"));
    let done = run(&place.home.join("missing"));
    assert!(
        done.code == 1 && done.err.contains("`REPLICANT_EMULATOR` must be the path of a file"),
        "{done:?}"
    );
    // A copy of the program has no emulator beside it.
    let alone = place.home.join("replicant");
    fs::copy(env!("CARGO_BIN_EXE_replicant"), &alone).unwrap();
    let output =
        Command::new(alone).arg("emulator").env_remove("REPLICANT_EMULATOR").env("PATH", "").output();
    let done = Done::of(output.unwrap());
    assert!(done.code == 1 && done.err.contains("cargo install replicant-emulator"), "{done:?}");
}
