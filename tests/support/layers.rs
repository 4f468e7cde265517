//! Checks that the modules of a crate form layers.
//!
//! Reads every path below `src` that starts with `crate`, `super`, `self` or a child module: in `use` trees, in code
//! and in macros, but not in comments, in items marked `#[cfg(test)]` or `#[test]`, or in `main.rs`.

#[path = "layers/scan.rs"]
mod scan;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use scan::{Found, Module, module_of};

/// Panics with every violation in the crate at `crate_root`, the directory of its `Cargo.toml`.
///
/// `order` names all top-level modules from the lowest layer to the highest; `"a|b"` puts two on the same layer.
/// A module may import only from lower layers. Within a layer, modules may import each other in a circle only if the
/// circle consists of one module and its children.
pub fn check(crate_root: &Path, order: &[&str]) {
    let source = crate_root.join("src");
    let mut files = Vec::new();
    read(&source, &source, &mut files);
    assert!(!files.is_empty(), "no source files in {}", source.display());
    let violations = violations(&files, order);
    assert!(violations.is_empty(), "layer violations:\n{}", violations.join("\n"));
}

/// Adds the path relative to `source` and the text of every Rust file in `folder`.
fn read(source: &Path, folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(source, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            files.push((path.strip_prefix(source).expect("a file of the crate").to_path_buf(), text));
        }
    }
}

/// Lists the violations in `files`, given as paths relative to `src` and their text.
pub fn violations(files: &[(PathBuf, String)], order: &[&str]) -> Vec<String> {
    let files: Vec<_> = files.iter().filter(|(path, _)| path != Path::new("main.rs")).collect();
    let mut known: BTreeSet<Module> = files.iter().map(|(path, _)| module_of(path)).collect();
    let mut found = Found::default();
    for (path, text) in &files {
        scan::scan(path, text, &known, &mut found);
    }
    let in_tests = |module: &Module| found.tests.iter().any(|test| module.starts_with(test));
    known.retain(|module| !in_tests(module));

    let ranks: BTreeMap<&str, usize> = order
        .iter()
        .enumerate()
        .flat_map(|(rank, row)| row.split('|').map(move |name| (name, rank)))
        .collect();
    let tops: BTreeSet<&str> = known.iter().filter_map(|module| module.first().map(String::as_str)).collect();
    let mut violations = BTreeSet::new();
    for name in tops.iter().filter(|name| !ranks.contains_key(*name)) {
        violations.insert(format!("`{name}` is missing from the declared order"));
    }
    for name in ranks.keys().filter(|name| !tops.contains(*name)) {
        violations.insert(format!("the declared order names `{name}`, which does not exist"));
    }

    let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    let mut inner = Vec::new();
    for import in found.imports.iter().filter(|import| !in_tests(&import.from) && !import.from.is_empty()) {
        let target = match import.segments.as_slice() {
            // A macro with `#[macro_export]` has its path at the root, but lives where it is written.
            [name] if found.macros.contains_key(name) => found.macros[name].clone(),
            segments => nearest(segments, &known),
        };
        if target.first() == import.from.first() {
            edges.entry(import.from.clone()).or_default().insert(target.clone());
            inner.push((import, target));
        } else if rank(&target, &ranks) >= rank(&import.from, &ranks) {
            let (from, to) =
                (&import.from[0], target.first().map_or("the crate root".into(), |name| format!("`{name}`")));
            violations
                .insert(import.message(&format!("`{from}` may import only what lies below it, not {to}")));
        }
    }
    for (import, target) in inner {
        let back = shortest(&edges, &target, &import.from);
        if let Some(back) = back.filter(|_| target != import.from && !related(&import.from, &target)) {
            let circle: Vec<_> = back.iter().map(|module| module.join("::")).collect();
            violations.insert(import.message(&format!(
                "closes a circle wider than a module and its children: {} -> {}",
                import.from.join("::"),
                circle.join(" -> ")
            )));
        }
    }
    violations.into_iter().collect()
}

/// Returns the layer of a module; the crate root lies above all, and so does an undeclared module.
fn rank(module: &[String], ranks: &BTreeMap<&str, usize>) -> usize {
    module.first().and_then(|name| ranks.get(name.as_str())).copied().unwrap_or(usize::MAX)
}

/// Reports whether one module is the other's parent, or both have the same parent. Any other edge of a circle makes the
/// circle wider than a module and its children.
fn related(a: &[String], b: &[String]) -> bool {
    let (a_parent, b_parent) = (&a[..a.len() - 1], &b[..b.len() - 1]);
    a_parent == b || b_parent == a || a_parent == b_parent
}

/// Returns the shortest chain of imports between two modules.
fn shortest(edges: &BTreeMap<Module, BTreeSet<Module>>, from: &Module, to: &Module) -> Option<Vec<Module>> {
    let mut queue = VecDeque::from([vec![from.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(chain) = queue.pop_front() {
        let last = chain.last().expect("a chain has a start");
        if last == to {
            return Some(chain);
        }
        for next in edges.get(last).into_iter().flatten().filter(|next| seen.insert((*next).clone())) {
            queue.push_back([chain.as_slice(), std::slice::from_ref(next)].concat());
        }
    }
    None
}

/// Returns the innermost module with a file that contains the item at `path`.
fn nearest(path: &[String], known: &BTreeSet<Module>) -> Module {
    let depth = (0..=path.len()).rev().find(|depth| known.contains(&path[..*depth]));
    path[..depth.unwrap_or(0)].to_vec()
}
