//! Errors as JavaScript objects.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue};
use replicant::Error;
use replicant_javascript::fields;

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
