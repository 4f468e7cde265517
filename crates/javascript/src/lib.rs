//! What the native and the web binding share: the JSON forms in which values cross to JavaScript, the reports of a call,
//! and how a call ends. `node/src` is the other half.

#![forbid(unsafe_code)]

mod batches;
mod decode;
mod encode;
mod failure;
mod names;
mod stopping;
mod telemetry;

pub use self::{
    batches::Batches,
    decode::{headers, insert, number},
    encode::{Answer, body_text, compute, head, to_json},
    failure::{fields, internal},
    names::contents,
    stopping::{from_panic, until_stopped},
    telemetry::{Deliver, answer, follow},
};
