//! `replicant completion`: scripts with which shells complete commands and options.

use std::fmt::Write as _;

use super::{ALL, names_in};
use crate::{
    command::{Arguments, Command},
    failure::Failure,
    output::{print, shown},
};

pub(crate) const COMPLETION: Command = Command {
    name: "completion",
    usage: "bash|zsh|fish",
    summary: "Print a script with which a shell completes commands and options",
    details: "",
    flags: &[],
    examples: &[
        "replicant completion bash > ~/.local/share/bash-completion/completions/replicant",
        "replicant completion zsh > \"${fpath[1]}/_replicant\"",
        "replicant completion fish > ~/.config/fish/completions/replicant.fish",
    ],
    passes_arguments: false,
    run: |_, arguments| Box::pin(completion(arguments)),
};

async fn completion(arguments: Arguments) -> Result<(), Failure> {
    let [shell] = arguments.exactly(["bash, zsh or fish"])?;
    match shell.as_str() {
        "bash" => print(&bash()).await,
        "zsh" => print(&zsh()).await,
        "fish" => print(&fish()).await,
        other => Err(Failure::usage(format!("the shell must be bash, zsh or fish, not {}", shown(other)))),
    }
}

/// Returns the branches of a `case` over the words before the one to complete. `offer` formats what to offer.
fn branches(offer: impl Fn(&[&str]) -> String) -> String {
    let mut text = format!("    1:*) {} ;;\n", offer(&names_in(None)));
    for group in names_in(None) {
        let names = names_in(Some(group));
        if !names.is_empty() {
            let _ = writeln!(text, "    2:{group}) {} ;;", offer(&names));
        }
    }
    for command in ALL.iter().filter(|command| !command.passes_arguments) {
        let mut names: Vec<&str> = command.flags.iter().map(|flag| flag.name).collect();
        names.push("--help");
        if command.name == COMPLETION.name {
            names = vec!["bash", "zsh", "fish", "--help"];
        }
        let _ = writeln!(text, "    *:\"{}\"|*:\"{} \"*) {} ;;", command.name, command.name, offer(&names));
    }
    text
}

fn bash() -> String {
    let branches = branches(|names| format!("names=\"{}\"", names.join(" ")));
    format!(
        "_replicant() {{
  local names=\"\" before=\"${{COMP_WORDS[*]:1:COMP_CWORD-1}}\"
  case \"$COMP_CWORD:$before\" in
{branches}  esac
  COMPREPLY=($(compgen -W \"$names\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))
}}
complete -o default -F _replicant replicant
"
    )
}

fn zsh() -> String {
    let branches = branches(|names| format!("names=({})", names.join(" ")));
    format!(
        "#compdef replicant
_replicant() {{
  local -a names
  local before=\"${{(j: :)words[2,CURRENT-1]}}\"
  case \"$((CURRENT-1)):$before\" in
{branches}  esac
  local offered=1
  compadd -- $names && offered=0
  (( CURRENT > 2 )) && _files && offered=0
  return offered
}}
if [ \"$funcstack[1]\" = _replicant ]; then _replicant \"$@\"; else compdef _replicant replicant; fi
"
    )
}

fn fish() -> String {
    let mut text = String::new();
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    for command in ALL {
        let words: Vec<_> = command.words().collect();
        let summary = quoted(command.summary);
        let (condition, offered) = match words.as_slice() {
            [group, name] => (
                format!(
                    "__fish_seen_subcommand_from {group}; and not __fish_seen_subcommand_from {}",
                    names_in(Some(group)).join(" ")
                ),
                name,
            ),
            _ => ("__fish_use_subcommand".to_owned(), &command.name),
        };
        let _ = writeln!(text, "complete -c replicant -n '{condition}' -f -a {offered} -d '{summary}'");
        let seen: Vec<_> = words.iter().map(|word| format!("__fish_seen_subcommand_from {word}")).collect();
        for flag in command.flags {
            let takes = if flag.value.is_some() { " -r" } else { "" };
            let short = flag.short.map_or_else(String::new, |letter| format!(" -s {letter}"));
            let (seen, name, help) = (seen.join("; and "), &flag.name[2..], quoted(flag.help));
            let _ = writeln!(text, "complete -c replicant -n '{seen}'{short} -l {name}{takes} -d '{help}'");
        }
    }
    for group in names_in(None).into_iter().filter(|group| !names_in(Some(group)).is_empty()) {
        let _ = writeln!(text, "complete -c replicant -n __fish_use_subcommand -f -a {group}");
    }
    let shells = "complete -c replicant -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'";
    let _ = writeln!(text, "{shells}");
    text
}
