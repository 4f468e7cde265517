//! Decodes responses and parameters into types.

use serde::de::DeserializeOwned;

use super::{Error, ErrorKind, Result};
use crate::value::{
    DecodeError, EncodeError, Value,
    decode::{Nulls, from_value},
};

/// Decodes a response of the API.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<T> {
    from_value(value, Nulls::Default).map_err(unexpected_response)
}

fn unexpected_response(error: DecodeError) -> Error {
    let path = if error.path().is_empty() { "body" } else { error.path() };
    Error::new(ErrorKind::InvalidResponse, format!("unexpected response: `{path}` {error}"))
}

/// The parameters of an operation.
pub(crate) trait Params: Sized {
    fn decode(params: Value) -> Result<Self, DecodeError>;
}

impl<T: DeserializeOwned> Params for T {
    fn decode(params: Value) -> Result<Self, DecodeError> {
        from_value(params, Nulls::Rejected)
    }
}

/// Decodes the parameters of an operation. An error names the invalid parameter.
pub(crate) fn decode_params<T: Params>(operation: &str, params: Value) -> Result<T> {
    T::decode(params).map_err(|error| invalid_params(operation, error))
}

fn invalid_params(operation: &str, error: DecodeError) -> Error {
    let argument = error.argument();
    // The text of an error about a member's name contains the name already.
    let place = match &argument {
        Some(path) if !error.names_member() => format!(" `{path}`"),
        _ => String::new(),
    };
    let error = Error::invalid(format!("{operation}:{place} {error}"));
    match argument {
        Some(argument) => error.about(&argument),
        None => error,
    }
}

/// Declares parameters whose members are distributed to several structs, as with serde's `flatten`.
///
/// Each part is an [`OptionTable`](crate::value::options::OptionTable). Unlike `flatten`, this supports files and
/// reports the path of an invalid member.
macro_rules! flattened {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type,)* }

        impl $crate::error::Params for $name {
            fn decode(params: $crate::value::Value) -> Result<Self, $crate::value::DecodeError> {
                use $crate::value::options::OptionTable;
                let [$($field),*] = $crate::value::options::split(params, [$(<$type>::TABLE),*])?;
                Ok(Self { $($field: $crate::error::Params::decode($field)?,)* })
            }
        }
    };
}
pub(crate) use flattened;

/// Values of the caller. What decodes responses and files sets another kind.
impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Error::invalid(error.to_string()).with_source(error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Error::invalid(error.to_string()).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    #[test]
    fn an_invalid_value_in_a_response_is_reported_with_its_path() {
        let response = json!({"next": null, "rows": [[{"id": "a"}], [{"id": "b"}, {"id": 5}]]});
        type Rows = HashMap<String, Option<Vec<Vec<HashMap<String, String>>>>>;
        let error = super::decode::<Rows>(response.into()).expect_err("`id` is a number").to_string();
        assert_eq!(error, "unexpected response: `rows[1][1].id` must be a string, not 5");
    }
}
