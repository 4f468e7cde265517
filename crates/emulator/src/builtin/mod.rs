//! Models for tests, `emulator/...`: each produces one kind of output, failure or delay on request. And
//! `replicate/hello-world`, which tutorials use.

mod echo;
mod endless;
mod fails;
mod hello;
mod progress;
mod stream;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::model::run::seconds;
use crate::model::{BuiltIn, Card, Input, timing};

/// What the cards of these models have in common.
const CARD: Card = Card {
    owner: "emulator",
    name: "",
    description: "",
    official: true,
    versions: &[],
    schema: Cow::Borrowed(""),
    streams: true,
    timing: timing(5, 0),
    example_input: Cow::Borrowed(""),
};

/// Returns the input `cold_start` of these models.
fn cold_start(input: &Input) -> Option<Duration> {
    input.number("cold_start").map(seconds)
}

pub(crate) fn all() -> Vec<Arc<dyn BuiltIn>> {
    vec![
        Arc::new(echo::Echo),
        Arc::new(hello::Hello),
        Arc::new(fails::Fails),
        Arc::new(endless::Endless),
        Arc::new(progress::Progress),
        Arc::new(stream::Stream),
    ]
}
