//! The texts of `--help`.

use std::fmt::Write as _;

use crate::{
    command::Command,
    commands::{ALL, find, names_in, unknown},
    failure::Failure,
    output::columns,
};

const ENDING: &str = "
Options:
  -h, --help     Show help: `replicant COMMAND --help`
  -V, --version  Show the version

The API token is that of the environment variable REPLICATE_API_TOKEN, otherwise the one that `replicant login` stored. It
is never an argument. REPLICATE_BASE_URL selects another server, such as the emulator.

Exit codes:
  0    success, also if the reader of the output has closed it
  1    a prediction failed (with `map`, that of at least one row), or the API, the network or the file system did
  2    wrong usage
  3    no token, or the API refuses it
  4    not found: no such model, version, deployment or prediction
  5    `map` stopped at --max-predictions or --max-seconds before the last row
  124  the time limit of --timeout passed
  130  interrupted by Ctrl-C (129 by SIGHUP, 143 by SIGTERM); running predictions are canceled
";

/// Returns the help of the program.
pub(crate) fn overview() -> String {
    let rows: Vec<_> = ALL.iter().map(|command| row(command.name, command.summary)).collect();
    format!(
        "Runs machine-learning models on Replicate.\n\nUsage: replicant COMMAND [arguments]\n\nCommands:\n{}{ENDING}",
        columns(&rows)
    )
}

/// Returns the help of a command, or of the commands that begin with a word.
pub(crate) fn of_words(words: &[String]) -> Result<String, Failure> {
    if let Some((command, _)) = find(words) {
        return Ok(of(command));
    }
    let group = words.first().filter(|word| words.len() == 1 && !names_in(Some(word)).is_empty());
    let Some(group) = group else { return Err(unknown(words)) };
    let of_group = ALL.iter().filter(|command| command.words().next() == Some(group));
    let rows: Vec<_> = of_group.map(|command| row(command.name, command.summary)).collect();
    Ok(format!("Usage: replicant {group} COMMAND [arguments]\n\nCommands:\n{}", columns(&rows)))
}

/// Returns the help of a command.
pub(crate) fn of(command: &Command) -> String {
    let Command { name, usage, summary, details, flags, examples, .. } = command;
    let mut text = format!("{summary}.\n\nUsage: replicant {}\n", format!("{name} {usage}").trim_end());
    if !details.is_empty() {
        let _ = write!(text, "\n{details}\n");
    }
    let mut rows: Vec<_> = flags
        .iter()
        .map(|flag| {
            let short = flag.short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
            let value = flag.value.map_or_else(String::new, |value| format!(" {value}"));
            row(&format!("{short}{}{value}", flag.name), flag.help)
        })
        .collect();
    rows.push(row("-h, --help", "Show this help"));
    let _ = write!(text, "\nOptions:\n{}\nExamples:\n", columns(&rows));
    for example in *examples {
        let _ = writeln!(text, "  {example}");
    }
    text
}

fn row(name: &str, help: &str) -> Vec<String> {
    vec![format!("  {name}"), help.to_owned()]
}
