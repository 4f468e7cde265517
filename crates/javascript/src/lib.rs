//! What the native and the web binding share: the JSON forms in which values cross to JavaScript, the reports of a call,
//! and how a call begins and ends. `node/src` is the other half.

#![forbid(unsafe_code)]

mod batches;
mod call;
mod decode;
mod encode;
mod failure;
mod fetch;
mod message;
mod names;
mod telemetry;

pub use self::{
    batches::Batches,
    call::{Call, Channel, observer},
    decode::{headers, insert, number},
    encode::{CallResult, compute, to_json},
    failure::fields,
    fetch::{FetchParts, fetch_failed, fetch_failure, unreadable},
    message::{Message, kind},
    names::contents,
    telemetry::{answer, follow},
};
