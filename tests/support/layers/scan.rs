//! Finds the paths in a source file that name other modules of the crate.

#[path = "tokens.rs"]
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tokens::is_word;

/// A module's path below the crate root, which is empty for the root itself.
pub type Module = Vec<String>;

/// A path found in a file.
pub struct Import {
    pub file: PathBuf,
    pub line: usize,
    pub written: String,
    pub from: Module,
    pub segments: Module,
}

impl Import {
    /// Builds the message about a violation.
    pub fn message(&self, rule: &str) -> String {
        format!("src/{}:{}: `{}`: {rule}", self.file.display(), self.line, self.written)
    }
}

/// What the scan of all files yields.
#[derive(Default)]
pub struct Found {
    pub imports: Vec<Import>,
    /// Modules in files of their own that are compiled for tests only.
    pub tests: Vec<Module>,
    pub macros: BTreeMap<String, Module>,
}

/// Adds what `text` contains to `found`. `known` holds all modules with a file.
pub fn scan(file: &Path, text: &str, known: &BTreeSet<Module>, found: &mut Found) {
    Scanner { tokens: &tokens::split(text, 1), at: 0, file, inline: Vec::new(), depth: 0, found }.scan(known);
}

struct Scanner<'a> {
    tokens: &'a [(&'a str, usize)],
    at: usize,
    file: &'a Path,
    /// The inline modules around the current token, each with the depth of braces outside it.
    inline: Vec<(String, usize)>,
    depth: usize,
    found: &'a mut Found,
}

impl<'a> Scanner<'a> {
    fn scan(mut self, known: &BTreeSet<Module>) {
        while self.at < self.tokens.len() {
            let before = self.at.checked_sub(1).map_or("", |at| self.tokens[at].0);
            match [self.peek(0), self.peek(1), self.peek(2)] {
                ["#", "[", _] => self.attribute(),
                ["mod", name, "{"] => {
                    self.inline.push((name.into(), self.depth));
                    self.at += 2;
                }
                ["macro_rules", "!", name] => {
                    self.found.macros.insert(name.into(), module_of(self.file));
                    self.at += 3;
                }
                // A visibility, `pub(in crate::a)`, is no import.
                ["(", "in", _] => self.group(),
                ["{", ..] => {
                    self.depth += 1;
                    self.at += 1;
                }
                ["}", ..] => {
                    self.depth = self.depth.saturating_sub(1);
                    self.inline.pop_if(|(_, depth)| *depth == self.depth);
                    self.at += 1;
                }
                [head, "::", _] if is_word(head) && !matches!(before, "::" | ".") => {
                    let child = [self.module(), vec![head.into()]].concat();
                    let counts = matches!(head, "crate" | "super" | "self") || known.contains(&child);
                    self.path(Vec::new(), counts);
                }
                _ => self.at += 1,
            }
        }
    }

    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.0)
    }

    /// Returns the module around the current token, inline modules included.
    fn module(&self) -> Module {
        module_of(self.file).into_iter().chain(self.inline.iter().map(|(name, _)| name.clone())).collect()
    }

    /// Reads a path or `use` tree, and records each leaf if `counts`.
    fn path(&mut self, mut path: Vec<&'a str>, counts: bool) {
        let line = self.tokens[self.at].1;
        while is_word(self.peek(0)) {
            path.push(self.peek(0));
            self.at += 1;
            if self.peek(0) != "::" {
                return self.record(&path, line, counts);
            }
            self.at += 1;
        }
        match self.peek(0) {
            "{" => {
                self.at += 1;
                while !matches!(self.peek(0), "}" | "") {
                    match self.peek(0) {
                        "as" => self.at += 2,
                        token if is_word(token) || matches!(token, "*" | "{") => {
                            self.path(path.clone(), counts)
                        }
                        _ => self.at += 1,
                    }
                }
                self.at += 1;
            }
            // A macro's parameter: the rest of the path is not known here.
            "$" => {}
            token => {
                self.at += usize::from(token == "*");
                self.record(&path, line, counts);
            }
        }
    }

    fn record(&mut self, path: &[&str], line: usize, counts: bool) {
        if !counts {
            return;
        }
        let mut segments = if path[0] == "crate" { Vec::new() } else { self.module() };
        for segment in path {
            match *segment {
                "crate" | "self" => {}
                "super" => drop(segments.pop()),
                name => segments.push(name.to_owned()),
            }
        }
        let (file, from) = (self.file.to_path_buf(), module_of(self.file));
        self.found.imports.push(Import { file, line, written: path.join("::"), from, segments });
    }

    /// Passes an attribute, together with the item below it if that is for tests only.
    fn attribute(&mut self) {
        let start = self.at + 2;
        self.at += 1;
        self.group();
        let attribute: Vec<_> = self.tokens[start..self.at - 1].iter().map(|token| token.0).collect();
        let for_tests = match attribute.as_slice() {
            ["cfg", "(", "test", ")"] => true,
            ["cfg", "(", "all", "(", rest @ ..] => rest.contains(&"test") && !rest.contains(&"not"),
            tokens => {
                tokens.split(|token| *token == "(").next().is_some_and(|path| path.ends_with(&["test"]))
            }
        };
        if !for_tests {
            self.at = start;
            return;
        }
        while !matches!(self.peek(0), ";" | "}" | "") {
            match [self.peek(0), self.peek(1), self.peek(2)] {
                ["mod", name, ";"] => {
                    let module = [self.module(), vec![name.into()]].concat();
                    self.found.tests.push(module);
                    self.at += 2;
                }
                ["{", ..] => return self.group(),
                ["(" | "[", ..] => self.group(),
                _ => self.at += 1,
            }
        }
        self.at += usize::from(self.peek(0) == ";");
    }

    /// Passes the bracket at the current token and all it contains.
    fn group(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
    }
}

/// Returns the module that a file defines.
pub fn module_of(path: &Path) -> Module {
    let mut module: Module =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into()).collect();
    if module == ["lib"] || module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    module
}
