//! The commands of the program.

mod completion;
pub(crate) mod emulator;
mod listen;
mod login;
mod models;
mod predictions;
mod run;

use crate::command::Command;

/// All commands, in the order of the help.
pub(crate) const ALL: &[&Command] = &[
    &run::RUN,
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
