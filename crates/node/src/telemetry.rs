//! What a call reports to JavaScript while it runs.

use std::sync::Arc;

use napi_derive::napi;
use replicant::{
    operation::{self, Following},
    telemetry::Level,
};
use replicant_javascript::{self as javascript, Message};

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
    let channel = channel.clone();
    let deliver = move |record: Option<String>| {
        channel.send(number, record.map_or(Message::Unfollowed, Message::Record));
    };
    let wanted = operation::Wanted { level, spans, on_request, on_response, on_retry };
    javascript::follow(wanted, Arc::new(deliver))
}
