//! Errors as JSON.

use replicant::Error;

/// Returns the fields of an error as JSON.
pub fn fields(error: &Error) -> String {
    let json = error.to_value().to_json().ok();
    json.and_then(|json| String::from_utf8(json).ok()).unwrap_or_default()
}
