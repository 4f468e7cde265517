//! What a call reports to JavaScript while it runs.

use napi_derive::napi;
use replicant::{
    bindings::{self, Following},
    telemetry::Level,
};

use crate::promises::CompletionChannel;

/// What a call reports.
#[napi(object, object_to_js = false)]
pub struct Wanted {
    /// The number under which JavaScript receives the records.
    pub number: u32,
    /// The level of the events.
    pub level: String,
    pub spans: bool,
    pub on_request: bool,
    pub on_response: bool,
    pub on_retry: bool,
}

/// Returns what reports to the receiver of a call in JavaScript.
pub(crate) fn follow(wanted: Wanted, channel: &CompletionChannel) -> Following {
    let Wanted { number, level, spans, on_request, on_response, on_retry } = wanted;
    let level = Level::from_name(&level).unwrap_or(Level::Off);
    let wanted = bindings::Wanted { level, spans, on_request, on_response, on_retry };
    replicant_javascript::follow(wanted, number, channel)
}
