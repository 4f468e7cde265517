//! Runs the command that the arguments name.

use std::ffi::OsString;

use crate::{
    arguments,
    command::Context,
    commands::{find, unknown},
    failure::{Failure, USAGE},
    help,
    output::{note, print, print_line, shown},
};

/// Runs the command that the arguments name.
pub(crate) async fn dispatch(arguments: Vec<OsString>, context: &Context<'_>) -> Result<(), Failure> {
    let arguments = texts(arguments)?;
    match arguments.first().map(String::as_str) {
        None => {
            note(help::overview().trim_end());
            return Err(Failure::silent(USAGE));
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
