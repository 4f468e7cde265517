//! Commands as data, from which help, completion and suggestions are made.

use std::{pin::Pin, str::FromStr};

use replicant::background::Tasks;

use crate::{failure::Failure, host::Host, interrupt::Interrupt, output::shown, progress::Progress};

/// An option of a command.
pub(crate) struct Flag {
    /// Name, such as `--json`.
    pub name: &'static str,
    /// One-letter name, without the dash.
    pub short: Option<char>,
    /// What its value is, such as `DIR`. `None` if it has no value.
    pub value: Option<&'static str>,
    pub help: &'static str,
}

/// The option `--json`.
pub(crate) const JSON: Flag = flag("--json", "Print JSON, one value a line");

/// Builds an option without a value.
pub(crate) const fn flag(name: &'static str, help: &'static str) -> Flag {
    Flag { name, short: None, value: None, help }
}

/// Builds an option with a value.
pub(crate) const fn option(name: &'static str, value: &'static str, help: &'static str) -> Flag {
    Flag { name, short: None, value: Some(value), help }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// A command of the program.
pub(crate) struct Command {
    /// One word, or two: `run`, `predictions list`.
    pub name: &'static str,
    /// What follows the name.
    pub usage: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What else to know, in lines.
    pub details: &'static str,
    pub flags: &'static [Flag],
    pub examples: &'static [&'static str],
    /// Whether all arguments are for another program.
    pub passes_arguments: bool,
    pub run: for<'a> fn(&'a Context<'a>, Arguments) -> Running<'a>,
}

impl Command {
    /// Returns the words of the name.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.name.split(' ')
    }
}

/// The environment of a command.
pub(crate) struct Context<'a> {
    pub host: &'a Host<'a>,
    pub progress: Progress,
    pub interrupt: Interrupt,
    /// The cancels of abandoned predictions.
    pub tasks: Tasks,
}

/// The arguments of a command.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// Arguments that are not options, in order.
    pub words: Vec<String>,
    pub flags: Vec<(&'static str, String)>,
    pub wants_help: bool,
}

impl Arguments {
    /// Returns `true` if an option was given, such as `--json`.
    pub fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|(given, _)| *given == name)
    }

    /// Returns the value of an option. The last one counts.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// Parses the value of an option that is a number. `what` says which.
    pub fn number<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, Failure> {
        let parsed = self.value(name).map(|text| {
            text.parse().map_err(|_| Failure::usage(format!("`{name}` must be {what}, not {}", shown(text))))
        });
        parsed.transpose()
    }

    /// Returns the words, which must be as many as `names`.
    pub fn exactly<const N: usize>(&self, names: [&str; N]) -> Result<&[String; N], Failure> {
        if let Some(missing) = names.get(self.words.len()) {
            return Err(Failure::usage(format!("{missing} is missing")));
        }
        match <&[String; N]>::try_from(self.words.as_slice()) {
            Ok(words) => Ok(words),
            Err(_) => Err(Failure::usage(format!("unexpected argument {}", shown(&self.words[N])))),
        }
    }
}
