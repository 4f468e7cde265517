//! What the native and the web binding share: the JSON forms in which values cross to JavaScript, the reports of a call,
//! and how a call ends. `node/src` is the other half.

#![forbid(unsafe_code)]

mod batches;
mod decode;
mod encode;
mod failure;
mod fetch;
mod message;
mod names;
mod stopping;
mod telemetry;

pub use self::{
    batches::Batches,
    decode::{headers, insert, number},
    encode::{Answer, compute, to_json},
    failure::{fields, internal},
    fetch::{FetchParts, fetch_failed, fetch_failure},
    message::Message,
    names::contents,
    stopping::{from_panic, until_stopped},
    telemetry::{Deliver, answer, follow},
};
