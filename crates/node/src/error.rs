//! Errors as JavaScript objects whose fields are set here.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue};
use replicant::Error;

use crate::value;

/// An error of the core, for a function that throws. Its fields cross as JSON in `failure`; the
/// TypeScript side makes the class of them, which also gives it a stack: an error made in here has no
/// frames.
pub(crate) fn to_js(env: &Env, error: &Error) -> napi::Error {
    let build = || {
        let mut object = env.create_error(napi::Error::from_reason(error.message()))?;
        object.set_named_property("code", error.code())?;
        object.set_named_property("failure", value::text(&error.to_value()).unwrap_or_default())?;
        Ok(napi::Error::from(object.to_unknown()))
    };
    build().unwrap_or_else(|failed| failed)
}
