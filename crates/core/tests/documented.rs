//! Checks that the tests named in `docs/reliability.md` exist.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the text of all files with a name below a folder.
fn text_of(name: &str, folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&text_of(name, &path));
        } else if path.ends_with(name) {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    text
}

/// Returns how a test is declared in the language of a file.
fn declaration(file: &str, test: &str) -> String {
    match file.rsplit('.').next().unwrap() {
        "rs" => format!("fn {test}("),
        "py" => format!("def {test}("),
        "mjs" => format!("test(\"{test}\""),
        "json" => format!("\"name\": \"{test}\""),
        other => panic!("there are no tests in .{other}"),
    }
}

/// Returns the names in a cell: files and functions in backticks, cases in quotes.
fn names(cell: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = cell;
    while let Some(start) = rest.find(['`', '"']) {
        let mark = &rest[start..=start];
        let (name, after) =
            rest[start + 1..].split_once(mark).unwrap_or_else(|| panic!("{mark} is not closed: {cell}"));
        names.push(name.to_owned());
        rest = after;
    }
    names
}

#[test]
fn every_named_test_exists() {
    let text = std::fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault"));
    let mut count = 0;
    for row in rows {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let mut file = None;
        let mut tests = 0;
        for name in names(cell) {
            if [".rs", ".py", ".mjs", ".json"].iter().any(|end| name.ends_with(end)) {
                let folders =
                    ["tests", "crates/core/src", "crates/core/tests", "crates/cli/src", "crates/cli/tests"]
                        .map(|folder| root().join(folder));
                let text: String = folders.iter().map(|folder| text_of(&name, folder)).collect();
                file = Some((name, text));
                continue;
            }
            let (file, text) =
                file.as_ref().unwrap_or_else(|| panic!("the file of {name:?} is missing: {row}"));
            assert!(text.contains(&declaration(file, &name)), "{file} has no test {name:?}: {row}");
            tests += 1;
        }
        assert!(tests > 0, "the promise names no test: {row}");
        count += tests;
    }
    assert!(count > 50, "only {count} tests are named");
}
