//! Commands as data, from which help, completion and suggestions are made.

use std::{ffi::OsString, pin::Pin};

use replicant::operation::nearest;

use crate::{
    arguments::{self, Arguments},
    commands::ALL,
    context::Context,
    failure::Failure,
    help,
    output::{print, print_line, shown},
};

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

/// Runs the command that the arguments name.
pub(crate) async fn dispatch(arguments: Vec<OsString>, context: &Context<'_>) -> Result<(), Failure> {
    let arguments = texts(arguments)?;
    match arguments.first().map(String::as_str) {
        None => {
            crate::output::note(help::overview().trim_end());
            return Err(Failure::silent(crate::failure::USAGE));
        }
        Some("-V" | "--version") => {
            return print_line(concat!("replicant ", env!("CARGO_PKG_VERSION"))).await;
        }
        Some("-h" | "--help") => return print(&help::overview()).await,
        Some("help") => {
            return match &arguments[1..] {
                [] => print(&help::overview()).await,
                words => print(&help::of_words(words)?).await,
            };
        }
        Some(_) => {}
    }
    let Some((command, count)) = find(&arguments) else {
        if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
            return print(&help::of_words(&arguments[..1])?).await;
        }
        return Err(unknown(&arguments));
    };
    let parsed = arguments::parse(command, &arguments[count..])?;
    if parsed.wants_help {
        return print(&help::of(command)).await;
    }
    (command.run)(context, parsed).await
}

fn texts(arguments: Vec<OsString>) -> Result<Vec<String>, Failure> {
    let text = |argument: OsString| {
        argument.into_string().map_err(|argument| {
            Failure::usage(format!("{} is not valid UTF-8", shown(&argument.to_string_lossy())))
        })
    };
    arguments.into_iter().map(text).collect()
}

/// Returns the command that the words begin with, and the number of words of its name.
pub(crate) fn find(words: &[String]) -> Option<(&'static Command, usize)> {
    let is_named = |command: &&&'static Command| {
        let count = command.words().count();
        words.len() >= count && command.words().eq(words[..count].iter().map(String::as_str))
    };
    ALL.iter().find(is_named).map(|command| (*command, command.words().count()))
}

/// Returns the first words of all commands, or the second words after `group`.
pub(crate) fn names_in(group: Option<&str>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for command in ALL {
        let mut words = command.words();
        let name = match group {
            None => words.next(),
            Some(group) if words.next() == Some(group) => words.next(),
            Some(_) => None,
        };
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names
}

/// Explains that the words name no command.
pub(crate) fn unknown(words: &[String]) -> Failure {
    let Some(first) = words.first() else { return Failure::usage("the name of a command is missing") };
    let of_group = names_in(Some(first));
    let (given, names, prefix) = match words.get(1) {
        _ if of_group.is_empty() => (first, names_in(None), String::new()),
        Some(second) => (second, of_group, format!("{first} ")),
        None => {
            let list = of_group.join("`, `");
            return Failure::usage(format!("`{first}` needs one of `{list}`"));
        }
    };
    let advice = match nearest(given, &names) {
        Some(name) => format!("did you mean `replicant {prefix}{name}`?"),
        None => format!("expected one of `{}`", names.join("`, `")),
    };
    Failure::usage(format!("unknown command {}; {advice}", shown(&format!("{prefix}{given}"))))
}
