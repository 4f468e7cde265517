//! The commands in docs/command-line.md do what the page says.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{Done, Place, TOKEN};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the blocks of a page with commands and what they print.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```console\n").skip(1).map(|part| part.split_once("```").unwrap().0).collect()
}

#[test]
fn the_commands_of_the_page_run() {
    let place = Place::new();
    place.file("token.txt", TOKEN);
    place.printed(&["run", "black-forest-labs/flux-schnell", "prompt=x", "output_format=png", "-o", "."]);
    fs::rename(place.home.join("out-0.png"), place.home.join("photo.png")).unwrap();
    let page = fs::read_to_string(root().join("docs/command-line.md")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_replicant")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let blocks = blocks(&page);
    assert!(blocks.len() > 5, "found only {}", blocks.len());
    for block in blocks {
        let script: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        let mut command = Command::new("bash");
        command.args(["-ec", &script.join("\n")]).current_dir(&place.home).env("PATH", &path);
        for (name, value) in place.program(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let done = Done::of(command.output().unwrap());
        assert_eq!(done.code, 0, "{block}\n{done:?}");
        for line in block.lines().filter(|line| !line.starts_with("$ ")) {
            assert!(done.out.lines().any(|printed| printed == line), "not printed: {line}\n{}", done.out);
        }
    }
    for made in ["pictures/out-0.webp", "heron.json", "predictions.jsonl", "schema.json", "replicant.bash"] {
        assert!(fs::metadata(place.home.join(made)).unwrap().len() > 0, "{made}");
    }
}

#[test]
fn the_page_has_the_exit_codes_of_the_help() {
    let page = fs::read_to_string(root().join("docs/command-line.md")).unwrap();
    let help = Place::new().printed(&["--help"]);
    let codes = help.split_once("Exit codes:\n").unwrap().1;
    for line in codes.lines() {
        let code = line.trim().split(' ').next().unwrap();
        assert!(page.contains(&format!("\n| {code} | ")), "{code} is missing");
    }
}
