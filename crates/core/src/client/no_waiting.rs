//! Replaces `waiting` on the web, where each waiting prediction is polled alone and hears no news.

use std::sync::Arc;

use crate::value::Value;

/// Nothing that predictions share.
#[derive(Default)]
pub(crate) struct Waiting;

impl Waiting {
    pub fn subscribe(self: &Arc<Self>, _: &str, _: bool) -> Option<Subscription> {
        None
    }

    pub fn announce(&self, _: &str, _: impl Fn() -> News) -> bool {
        false
    }

    pub fn webhooks_arrive(&self) -> bool {
        false
    }

    pub fn record_webhook(&self, _: bool) {}
}

/// No seat.
pub(crate) enum Seat {}

impl Seat {
    pub fn shares(&mut self) -> bool {
        match *self {}
    }

    pub fn is_shared(&self) -> bool {
        match *self {}
    }

    pub fn expect_end(&mut self) {
        match *self {}
    }

    pub fn leave(&mut self) {
        match *self {}
    }
}

/// No subscription.
pub(crate) enum Subscription {}

impl Subscription {
    pub async fn next(&self) -> News {
        match *self {}
    }
}

pub(crate) enum News {
    Ended(Value),
    Changed,
}
