//! Checks and reads headers.

use std::time::Duration;

use crate::error::{Error, Result};

/// Headers that say how long a body is.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Checks that a header contains only characters that HTTP allows, and does not say how long the body is, which would cut the
/// body or let the server wait for more. `what` names the argument in the error.
pub(crate) fn check_header(what: &str, name: &str, value: &str) -> Result<()> {
    let name_ok = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let value_ok = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if !(name_ok && value_ok) {
        return Err(invalid_header(what, name));
    }
    if FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
        let why = format!("`{what}` must not have {name:?}, which follows from the body; remove it");
        return Err(Error::invalid(why).about(what));
    }
    Ok(())
}

/// Returns how long a `Prefer` header lets the server hold its response: `wait`, or `wait=` and a number of seconds.
pub(crate) fn hold_of(prefer: &str) -> Duration {
    let mut waits = prefer.split([',', ';']).filter_map(|preference| preference.trim().strip_prefix("wait"));
    let seconds = waits.find_map(|wait| match wait.strip_prefix('=') {
        Some(seconds) => seconds.parse().ok(),
        None => wait.is_empty().then_some(LONGEST_HOLD),
    });
    Duration::from_secs(seconds.unwrap_or(0).min(LONGEST_HOLD))
}

/// The longest time that the API holds a response, in seconds.
pub(crate) const LONGEST_HOLD: u64 = 60;

/// Builds the error of a header. The value is omitted because it may be a secret.
pub(crate) fn invalid_header(what: &str, name: &str) -> Error {
    Error::invalid(format!(
        "`{what}`: the name or value of {name:?} contains characters that HTTP headers do not allow"
    ))
    .about(what)
}
