//! Values decoded into types, with errors that say whose value it was.

use serde::de::DeserializeOwned;

use super::{Error, ErrorKind, Result};
use crate::value::{
    DecodeError, EncodeError, Value,
    decode::{Nulls, from_value},
};

/// Decodes a response of the API.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<T> {
    from_value(value, Nulls::Default).map_err(|error| {
        let path = if error.path.is_empty() { "body" } else { &error.path };
        Error::new(ErrorKind::InvalidResponse, format!("unexpected response: `{path}` {error}"))
    })
}

/// Decodes the parameters of an operation. The error names the parameter that cannot be used.
pub(crate) fn decode_params<T: DeserializeOwned>(operation: &str, params: Value) -> Result<T> {
    from_value(params, Nulls::Refused).map_err(|error| match (&error.member, error.path.as_str()) {
        (Some(member), "") => Error::invalid(format!("{operation}: {error}")).about(member),
        (Some(member), path) => {
            Error::invalid(format!("{operation}: {error}")).about(&format!("{path}.{member}"))
        }
        (None, "") => Error::invalid(format!("{operation}: {error}")),
        (None, path) => Error::invalid(format!("{operation}: `{path}` {error}")).about(path),
    })
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Error::new(ErrorKind::InvalidResponse, error.to_string()).with_source(error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Error::invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    #[test]
    fn a_wrong_value_inside_a_response_is_located() {
        let response = json!({"next": null, "rows": [[{"id": "a"}], [{"id": "b"}, {"id": 5}]]});
        type Rows = HashMap<String, Option<Vec<Vec<HashMap<String, String>>>>>;
        let error = super::decode::<Rows>(response.into()).expect_err("`id` is a number").to_string();
        assert_eq!(error, "unexpected response: `rows[1][1].id` must be a string, not 5");
    }
}
