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
/// The time limit passed, as with `timeout` of coreutils.
pub(crate) const TIMED_OUT: u8 = 124;
/// A signal, whose number is added.
pub(crate) const SIGNAL: u8 = 128;
/// The terminal closed (128 + SIGHUP).
#[cfg(unix)]
pub(crate) const HUNG_UP: u8 = 129;
/// Ctrl-C (128 + SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;
/// SIGTERM (128 + SIGTERM).
#[cfg(unix)]
pub(crate) const TERMINATED: u8 = 143;

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
        let mut message = error.message().to_owned();
        if error.kind() == ErrorKind::Authentication {
            message.push_str("\n  `replicant login` stores another token");
        }
        Self { code, message }
    }
}
