//! Layers: the modules of the emulator import only lower layers, and the checker finds imports that do not.

#[path = "../../../tests/support/layers.rs"]
mod layers;

use std::path::Path;

#[test]
fn modules_import_only_lower_layers() {
    let order = [
        "support",
        "config",
        "http",
        "cassette|files|replay|webhook",
        "job",
        "model",
        "builtin|cog|defined|demo",
        "catalog",
        "state",
        "request",
        "page|routes",
        "server",
        "arguments|emulator|signals",
    ];
    layers::check(Path::new(env!("CARGO_MANIFEST_DIR")), &order);
}

#[test]
#[should_panic(expected = "src/low/part.rs:1: `crate::high`: `low` may import only what lies below it")]
fn check_reads_all_source_files_of_a_crate() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layers");
    std::fs::create_dir_all(root.join("src/low")).expect("a folder");
    for (path, text) in
        [("lib.rs", ""), ("main.rs", "use crate::a;"), ("low/part.rs", "use crate::high;"), ("high.rs", "")]
    {
        std::fs::write(root.join("src").join(path), text).expect("a file");
    }
    layers::check(&root, &["low", "high"]);
}

/// Returns the violations in files given by path and text.
fn violations(files: &[(&str, &str)], order: &[&str]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect();
    layers::violations(&files, order)
}

/// Returns the paths in `text` that the module `low` may not import from `high`.
fn upward(text: &str) -> Vec<String> {
    let files = [
        ("lib.rs", "mod low; mod high;"),
        ("low.rs", text),
        ("high/mod.rs", "mod part;"),
        ("high/part.rs", ""),
    ];
    let violations = violations(&files, &["low", "high"]);
    violations
        .iter()
        .map(|violation| violation.split('`').nth(1).expect("a quoted path").to_owned())
        .collect()
}

#[test]
fn a_violation_names_the_file_the_line_the_path_and_the_rule() {
    let files =
        [("lib.rs", ""), ("low.rs", "//! Low.\n\nuse crate::high::Thing;"), ("high.rs", "use crate::low;")];
    assert_eq!(
        violations(&files, &["low", "high"]),
        ["src/low.rs:3: `crate::high::Thing`: `low` may import only what lies below it, not `high`"]
    );
    assert!(violations(&files, &["high", "low"])[0].starts_with("src/high.rs:1: `crate::low`"));
}

#[test]
fn imports_are_found_in_every_form() {
    assert_eq!(upward("pub use super::high::*;"), ["super::high"]);
    assert_eq!(
        upward("mod inner { use super::super::high::A; } use super::low::B;"),
        ["super::super::high::A"]
    );
    assert_eq!(
        upward("use crate::{low::B, high::{self as h, part::{C, D as E}}, low::*};"),
        ["crate::high::part::C", "crate::high::part::D", "crate::high::self"]
    );
    assert_eq!(upward("use {std::io, crate::high::A};"), ["crate::high::A"]);
    assert_eq!(upward("fn f() { for _ in crate::high::all::<u8>() {} }"), ["crate::high::all"]);
    assert_eq!(upward("macro_rules! m { () => { $crate::high::f('\"') }; }"), ["crate::high::f"]);
    assert_eq!(upward("#[serde(default = \"crate::high::f\")] struct A;"), ["crate::high::f"]);
    assert_eq!(
        upward("fn f() -> crate::high::A { low::f(); super::high::f() }"),
        ["crate::high::A", "super::high::f"]
    );
    assert_eq!(upward("struct A<'a>(&'a crate::high::B);"), ["crate::high::B"]);
    assert_eq!(upward("#[cfg(not(test))] use crate::high::A;"), ["crate::high::A"]);
}

#[test]
fn the_crate_root_lies_above_its_modules() {
    assert_eq!(upward("use crate::Client; use super::*;"), ["crate::Client", "super"]);
    assert_eq!(upward("macro_rules! check { () => {}; } fn f() { crate::check!() }"), [""; 0]);
}

#[test]
fn comments_literals_visibilities_and_tests_are_no_imports() {
    assert_eq!(
        upward("// crate::high\n/* /* crate::high::A */ crate::high::B */ //! [`crate::high::C`]"),
        [""; 0]
    );
    assert_eq!(
        upward("const A: &str = \"see crate::high::A\"; const B: &str = r#\"\"crate::high::A\"#;"),
        [""; 0]
    );
    assert_eq!(upward("pub(in crate::low) struct A;"), [""; 0]);
    assert_eq!(upward("#[cfg(test)]\nmod tests { use crate::high::A; fn f() {} }"), [""; 0]);
    assert_eq!(upward("#[cfg(all(test, unix))] #[allow(unused)] use crate::high::A;"), [""; 0]);
    assert_eq!(upward("#[test] fn f(_: [u8; 1]) { crate::high::f() }"), [""; 0]);
    let files =
        [("lib.rs", "#[cfg(test)] mod tests; mod low;"), ("low.rs", ""), ("tests.rs", "use crate::low;")];
    assert_eq!(violations(&files, &["low"]), [""; 0]);
    let files = [
        ("lib.rs", ""),
        ("low.rs", "#[cfg(test)] mod tests;"),
        ("low/tests.rs", "use crate::z;"),
        ("z.rs", ""),
    ];
    assert_eq!(violations(&files, &["low", "z"]), [""; 0]);
}

#[test]
fn modules_on_one_layer_do_not_import_each_other() {
    let files = [("a.rs", "use crate::b::B;"), ("b.rs", ""), ("c.rs", "use crate::{a, b};")];
    assert_eq!(violations(&files, &["b", "a", "c"]), [""; 0]);
    assert_eq!(violations(&files, &["a|b", "c"]).len(), 1);
}

#[test]
fn the_order_names_every_module_and_no_other() {
    assert_eq!(
        violations(&[("a.rs", ""), ("b.rs", "")], &["a", "c"]),
        ["`b` is missing from the declared order", "the declared order names `c`, which does not exist"]
    );
}

#[test]
fn a_circle_consists_of_a_module_and_its_children() {
    let family = [
        ("a.rs", "mod b; mod c; use b::B;"),
        ("a/b.rs", "mod d; use super::A; use super::c::C; use d::D;"),
        ("a/c.rs", "use crate::a::A; use super::b::B;"),
        ("a/b/d.rs", "use super::B;"),
    ];
    assert_eq!(violations(&family, &["a"]), [""; 0]);
    let mut wider = family;
    wider[3].1 = "use super::super::A;";
    assert_eq!(
        violations(&wider, &["a"]),
        ["src/a/b/d.rs:1: `super::super::A`: closes a circle wider than a module and its children: \
         a::b::d -> a -> a::b -> a::b::d"]
    );
    wider[3].1 = "use crate::a::c::C;";
    assert_eq!(violations(&wider, &["a"]).len(), 1);
    wider[2].1 = "";
    assert_eq!(violations(&wider, &["a"]), [""; 0]);
}
