//! Why the program ends without success, and its exit codes.

use replicant::{Error, ErrorKind};

/// The prediction failed, or the API or the network did.
pub(crate) const FAILED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// There is no token, or the API refuses it.
pub(crate) const REFUSED: u8 = 3;
/// The model, version, deployment or prediction does not exist.
pub(crate) const NOT_FOUND: u8 = 4;
/// A limit stopped a batch before its end.
pub(crate) const STOPPED: u8 = 5;
/// The time limit passed, as with `timeout` of coreutils.
pub(crate) const TIMED_OUT: u8 = 124;
/// A signal, whose number is added.
pub(crate) const SIGNAL: u8 = 128;
/// The terminal closed (128 + SIGHUP).
pub(crate) const HUNG_UP: u8 = 129;
/// Ctrl-C (128 + SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;
/// SIGTERM (128 + SIGTERM).
#[cfg(unix)]
pub(crate) const TERMINATED: u8 = 143;

/// Names in the advice of the core, and what they are called here.
const NAMES: &[(&str, &str)] = &[
    ("`predictions.list()`", "`replicant predictions list`"),
    ("`base_url`", "REPLICATE_BASE_URL"),
    ("pass its certificate as `ca_bundle` or set", "name a file with its certificate in"),
    ("the `proxy` option, HTTPS_PROXY", "HTTPS_PROXY"),
    ("`concurrency`", "`--concurrency`"),
    ("`max_error_rate`", "`--max-error-rate`"),
    ("`max_predictions`", "`--max-predictions`"),
    ("`retry_unknown`", "`--retry-unknown`"),
    ("`save_to`", "`--save`"),
    ("`checkpoint`", "`--checkpoint`"),
];

/// Returns the message of an error, with the names of options and commands of this program.
pub(crate) fn message(error: &Error) -> String {
    let message = error.message();
    // The words of the model stay as they are.
    let (advice, of_model) = message.split_at(message.find("Prediction failed: ").unwrap_or(message.len()));
    NAMES.iter().fold(advice.to_owned(), |advice, (name, here)| advice.replace(name, here)) + of_model
}

/// An exit code and a message for standard error.
#[derive(Debug)]
pub(crate) struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Has no message.
    pub fn silent(code: u8) -> Self {
        Self::new(code, "")
    }

    /// Says where it occurred.
    pub fn within(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Authentication | ErrorKind::PermissionDenied => REFUSED,
            ErrorKind::NotFound => NOT_FOUND,
            ErrorKind::InvalidArgument => USAGE,
            ErrorKind::Deadline => TIMED_OUT,
            _ => FAILED,
        };
        let mut message = message(&error);
        if error.kind() == ErrorKind::Authentication {
            message.push_str("\n  run `replicant login` with another token, or set REPLICATE_API_TOKEN");
        }
        Self { code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Adds the code of the files in a folder.
    fn add_text(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add_text(&path, text);
            } else {
                let file = std::fs::read_to_string(path).unwrap();
                let code = file.lines().filter(|line| !line.trim_start().starts_with("//"));
                text.extend(code.flat_map(|line| [line, "\n"]));
            }
        }
    }

    #[test]
    fn every_name_is_in_a_message_of_the_core() {
        let mut core = String::new();
        add_text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src"), &mut core);
        let core = core.replace("\\\n", " ");
        let core = core.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, _) in NAMES {
            let argument = format!("invalid_argument(\"{}\"", name.trim_matches('`'));
            assert!(core.contains(name) || core.contains(&argument), "{name}");
        }
    }
}
