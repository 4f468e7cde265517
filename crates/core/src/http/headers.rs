//! Validates headers.

use crate::error::{Error, Result};

/// Checks that a header contains only characters that HTTP allows. `what` names the argument in the error.
pub(crate) fn check_header(what: &str, name: &str, value: &str) -> Result<()> {
    let name_ok = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let value_ok = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if name_ok && value_ok {
        return Ok(());
    }
    Err(invalid_header(what, name))
}

/// Builds the error of a header. The value is omitted because it may be a secret.
pub(crate) fn invalid_header(what: &str, name: &str) -> Error {
    Error::invalid(format!(
        "`{what}`: the name or value of {name:?} contains characters that HTTP headers do not allow"
    ))
    .about(what)
}
