//! Errors as JSON.

use replicant::{Error, ErrorKind};

/// Returns the fields of an error as JSON.
pub fn fields(error: &Error) -> String {
    let json = error.to_value().to_json().ok();
    json.and_then(|json| String::from_utf8(json).ok()).unwrap_or_default()
}

/// Builds the error for a state that only a bug can cause.
pub fn internal(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("this is a bug in replicant, please report it: {what}"))
}
