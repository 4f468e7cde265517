//! The deliveries so far, for the page.

use std::collections::VecDeque;

use super::WebhookEvent;
use crate::support::json::Raw;
use crate::support::time::Timestamp;

// Older deliveries are dropped.
const MOST: usize = 500;
const MOST_BYTES: usize = 8_000_000;
// Attempts kept per delivery; the page can repeat a delivery any number of times.
const MOST_ATTEMPTS: usize = 50;

/// A webhook that was sent.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) number: u64,
    /// The id of the job.
    pub(super) job: String,
    pub(super) url: String,
    pub(crate) event: WebhookEvent,
    /// The `webhook-id`, which is the same for all attempts.
    pub(crate) id: String,
    pub(super) body: Raw,
    pub(crate) attempts: Vec<Attempt>,
}

/// An attempt to deliver a webhook: the status of the response, or why there was none.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    pub(crate) result: Result<u16, String>,
}

impl Delivery {
    pub(super) fn new(job: &str, url: &str, event: WebhookEvent, id: String, body: Raw) -> Self {
        Self { number: 0, job: job.into(), url: url.into(), event, id, body, attempts: Vec::new() }
    }
}

/// The latest deliveries, oldest first.
#[derive(Default)]
pub(super) struct Log {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
    count: u64,
    pub(super) dropped: u64,
}

impl Log {
    /// Adds a delivery and returns its number.
    pub(super) fn add(&mut self, delivery: &Delivery) -> u64 {
        self.count += 1;
        self.bytes += delivery.body.get().len();
        self.deliveries.push_back(Delivery { number: self.count, ..delivery.clone() });
        while self.deliveries.len() > MOST || self.bytes > MOST_BYTES {
            let Some(first) = self.deliveries.pop_front() else { break };
            self.bytes -= first.body.get().len();
            self.dropped += 1;
        }
        self.count
    }

    pub(super) fn record(&mut self, number: u64, attempt: Attempt) {
        if let Some(delivery) = self.deliveries.iter_mut().find(|delivery| delivery.number == number) {
            delivery.attempts.push(attempt);
            let excess = delivery.attempts.len().saturating_sub(MOST_ATTEMPTS);
            delivery.attempts.drain(..excess);
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<Delivery> {
        self.deliveries.iter().find(|delivery| delivery.number == number).cloned()
    }

    pub(super) fn of(&self, job: &str) -> Vec<Delivery> {
        self.deliveries.iter().filter(|delivery| delivery.job == job).cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self { count: self.count, ..Self::default() };
    }
}
