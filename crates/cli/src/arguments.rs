//! Parses the arguments of a command.

use replicant::operation::nearest;

use crate::{
    command::{Command, Flag},
    failure::Failure,
    output::shown,
};

/// The arguments of a command.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// Arguments that are no options, in order.
    pub words: Vec<String>,
    flags: Vec<(&'static str, String)>,
    pub wants_help: bool,
}

impl Arguments {
    /// Returns whether an option was given, such as `--json`.
    pub fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|(given, _)| *given == name)
    }

    /// Returns the value of an option. The last one counts.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// Returns the words, which must be as many as `names`.
    pub fn exactly<const N: usize>(&self, names: [&str; N]) -> Result<&[String; N], Failure> {
        if let Some(missing) = names.get(self.words.len()) {
            return Err(Failure::usage(format!("{missing} is missing")));
        }
        match <&[String; N]>::try_from(self.words.as_slice()) {
            Ok(words) => Ok(words),
            Err(_) => Err(Failure::usage(format!("{} is one argument too many", shown(&self.words[N])))),
        }
    }
}

/// Parses the arguments after the name of the command.
pub(crate) fn parse(command: &Command, arguments: &[String]) -> Result<Arguments, Failure> {
    let mut parsed = Arguments::default();
    if command.passes_arguments {
        parsed.words = arguments.to_vec();
        return Ok(parsed);
    }
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--" => parsed.words.extend(rest.by_ref().cloned()),
            "-h" | "--help" => parsed.wants_help = true,
            word if word == "-" || !word.starts_with('-') => parsed.words.push(word.to_owned()),
            option => {
                let (flag, attached) = find(command, option)?;
                let value = match (flag.value, attached) {
                    (None, None) => String::new(),
                    (None, Some(_)) => {
                        return Err(Failure::usage(format!("`{}` has no value", flag.name)));
                    }
                    (Some(_), Some(value)) => value,
                    (Some(what), None) => rest
                        .next()
                        .cloned()
                        .ok_or_else(|| Failure::usage(format!("`{}` needs a value: {what}", flag.name)))?,
                };
                parsed.flags.push((flag.name, value));
            }
        }
    }
    Ok(parsed)
}

/// Returns the option that an argument names, and the value that is attached to it.
fn find(command: &Command, argument: &str) -> Result<(&'static Flag, Option<String>), Failure> {
    let (name, attached) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (argument, None),
    };
    if let Some(flag) = command.flags.iter().find(|flag| flag.name == name) {
        return Ok((flag, attached));
    }
    let mut short = argument[1..].chars();
    if let Some(letter) = short.next()
        && let Some(flag) = command.flags.iter().find(|flag| flag.short == Some(letter))
    {
        let rest = short.as_str();
        let value = rest.strip_prefix('=').unwrap_or(rest);
        return Ok((flag, (!rest.is_empty()).then(|| value.to_owned())));
    }
    if matches!(name, "--token" | "--api-token" | "--auth" | "--api-key") {
        return Err(Failure::usage(format!("`{name}`: {}", crate::token::NO_ARGUMENT)));
    }
    let names: Vec<&str> = command.flags.iter().map(|flag| flag.name).collect();
    let advice = match nearest(name, &names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("`replicant {} --help` lists the options", command.name),
    };
    Err(Failure::usage(format!("unknown option {}; {advice}", shown(name))))
}
