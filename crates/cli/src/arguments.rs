//! Parses the arguments of a command.

use replicant::bindings::nearest;

use crate::{
    command::{Arguments, Command, Flag},
    failure::Failure,
    output::shown,
    token::NO_ARGUMENT,
};

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
        return Err(Failure::usage(format!("`{name}`: {}", NO_ARGUMENT)));
    }
    let names: Vec<&str> = command.flags.iter().map(|flag| flag.name).collect();
    let advice = match nearest(name, &names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("`replicant {} --help` lists the options", command.name),
    };
    Err(Failure::usage(format!("unknown option {}; {advice}", shown(name))))
}
