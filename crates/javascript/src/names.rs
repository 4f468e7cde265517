//! The names that a face must know.

use replicant::{ErrorKind, Result, Value, operation};

use crate::to_json;

/// Returns the names of all operations and error codes as JSON, for tests that compare them with `node/src`.
///
/// # Errors
/// Never in practice: names are valid JSON.
pub fn contents() -> Result<String> {
    let names = |names: &[&str]| Value::Array(names.iter().map(|name| Value::from(*name)).collect());
    let codes: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    let mut contents = Value::object();
    contents["operations"] = names(operation::OPERATIONS);
    contents["streams"] = names(operation::STREAMS);
    contents["computations"] = names(operation::COMPUTATIONS);
    contents["errors"] = names(&codes);
    to_json(&contents)
}
