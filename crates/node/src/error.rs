//! Errors as JavaScript objects whose fields are set here.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue, Object};
use replicant::Error;

use crate::value;

/// An error of the core. Its fields cross as JSON in `failure`; the TypeScript side makes the class
/// of them, which also gives it a stack: an error made in here has no frames.
pub(crate) fn to_js(env: &Env, error: &Error, observed: Option<Vec<String>>) -> napi::Error {
    let build = || {
        let mut object = plain(env, error.message(), error.code())?;
        object.set_named_property("failure", value::text(&error.to_value()).unwrap_or_default())?;
        finish(object, observed)
    };
    build().unwrap_or_else(|failed| failed)
}

/// For a call that was stopped from JavaScript, which knows why.
pub(crate) fn stopped(env: &Env, observed: Option<Vec<String>>) -> napi::Error {
    let build = || finish(plain(env, "the call was stopped", "stopped")?, observed);
    build().unwrap_or_else(|failed| failed)
}

fn plain<'env>(env: &'env Env, message: &str, code: &str) -> napi::Result<Object<'env>> {
    let mut object = env.create_error(napi::Error::from_reason(message))?;
    object.set_named_property("code", code)?;
    Ok(object)
}

fn finish(mut object: Object<'_>, observed: Option<Vec<String>>) -> napi::Result<napi::Error> {
    if let Some(observed) = observed {
        object.set_named_property("observed", observed)?;
    }
    Ok(napi::Error::from(object.to_unknown()))
}
