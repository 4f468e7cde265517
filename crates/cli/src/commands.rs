//! The commands of the program.

mod completion;
pub(crate) mod emulator;
mod listen;
mod login;
mod map;
mod models;
mod predictions;
mod run;

use replicant::bindings::nearest;

use crate::{command::Command, failure::Failure, output::shown};

/// All commands, in the order of the help.
pub(crate) const ALL: &[&Command] = &[
    &run::RUN,
    &map::MAP,
    &predictions::LIST,
    &predictions::GET,
    &predictions::CANCEL,
    &models::SCHEMA,
    &listen::LISTEN,
    &emulator::EMULATOR,
    &login::LOGIN,
    &login::LOGOUT,
    &completion::COMPLETION,
];

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

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_command_is_documented() {
        for command in ALL {
            assert!(!command.examples.is_empty() && !command.summary.ends_with('.'), "{}", command.name);
            let prefix = format!("replicant {}", command.name);
            assert!(command.examples.iter().any(|line| line.contains(&prefix)), "{}", command.name);
            for flag in command.flags {
                assert!(flag.name.starts_with("--") && !flag.help.ends_with('.'), "{}", flag.name);
            }
        }
    }
}
