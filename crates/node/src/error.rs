//! Errors as JavaScript objects.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue};
use replicant::{Error, ErrorKind};

/// Converts an error of the core for a function to throw. Its fields cross as JSON in `failure`. TypeScript makes the
/// error of the right class from them, with a stack: an error made here has no frames.
pub(crate) fn to_js(env: &Env, error: &Error) -> napi::Error {
    let build = || {
        let mut object = env.create_error(napi::Error::from_reason(error.message()))?;
        object.set_named_property("code", error.code())?;
        object.set_named_property("failure", fields(error))?;
        Ok(napi::Error::from(object.to_unknown()))
    };
    build().unwrap_or_else(|failed| failed)
}

/// Returns the fields of an error as JSON.
pub(crate) fn fields(error: &Error) -> String {
    let json = error.to_value().to_json().ok();
    json.and_then(|json| String::from_utf8(json).ok()).unwrap_or_default()
}

/// Builds the error for a state that only a bug can cause.
pub(crate) fn internal(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("this is a bug in replicant, please report it: {what}"))
}
