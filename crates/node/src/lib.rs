//! The native half of the Node package. Private: its only user is `node/src`, and it may change
//! with every release.
//!
//! It knows no endpoint. Two verbs carry everything: [`client::NativeClient::call`] for one answer,
//! [`client::NativeClient::open`] for many. Behaviour belongs to the core, types and documentation
//! to the TypeScript side; here is only the crossing. The modules are the same as those of the
//! Python binding, in the same order.

#![deny(unsafe_code)]

mod client;
mod emulator;
mod error;
mod inbox;
mod runtime;
mod source;
mod stream;
mod transport;
mod value;

use std::time::Duration;

use napi::bindgen_prelude::{Env, Object, PromiseRaw};
use napi_derive::napi;
use replicant::{
    ErrorKind, Value,
    operation::{self, Answer},
};

/// Calls a function that needs no client.
#[napi(catch_unwind)]
pub fn compute(
    env: &Env,
    operation: String,
    json: String,
    parts: Option<Vec<Object<'_>>>,
) -> napi::Result<String> {
    let answer = value::read(&json, parts)
        .and_then(|params| operation::compute(&operation, params))
        .and_then(|answer| match answer {
            Answer::Json(text) => Ok(text),
            answer => value::text(&answer.into_value()?),
        });
    answer.map_err(|error| error::to_js(env, &error))
}

/// Resolves when the requests that go on in the background are done, or after `seconds`.
///
/// Its promise keeps the process for that long, so that a cancel is not lost with it.
#[napi(catch_unwind)]
pub fn drain<'env>(env: &'env Env, seconds: f64) -> napi::Result<PromiseRaw<'env, ()>> {
    let longest = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    env.spawn_future(async move {
        replicant::background::drain(longest).await;
        Ok(())
    })
}

/// The names of all there is, as JSON; the tests hold the TypeScript side against it.
#[napi(catch_unwind)]
pub fn contents(env: &Env) -> napi::Result<String> {
    let names = |names: &[&str]| Value::Array(names.iter().map(|name| Value::from(*name)).collect());
    let codes: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    let mut contents = Value::object();
    contents["operations"] = names(operation::OPERATIONS);
    contents["streams"] = names(operation::STREAMS);
    contents["computations"] = names(operation::COMPUTATIONS);
    contents["errors"] = names(&codes);
    value::text(&contents).map_err(|error| error::to_js(env, &error))
}
