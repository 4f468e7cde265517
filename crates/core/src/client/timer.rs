//! The time limits of a request.

use std::{sync::Arc, time::Duration};

use super::Client;
use crate::{
    error::ErrorKind,
    http::{
        body_progress::BodyProgress, deadline::Deadline, request::Request, retry::Idempotency,
        time_limit::while_progressing,
    },
    platform::Runtime,
};

/// Additional time for the response of a request after the server's hold, without a `timeout`.
const AFTER_HOLD: Duration = Duration::from_secs(15);

/// Limits the time of a request: of all its attempts together if the user set a `timeout`, otherwise of each one.
pub(super) struct Timer<'a> {
    runtime: &'a Arc<dyn Runtime>,
    /// Limit of one step without a `timeout`: sending the request and receiving the head, or reading the body.
    step: Duration,
    /// The `timeout` for all attempts.
    total: Option<Duration>,
    /// When `total` has passed. Each progress of a transfer postpones it.
    end: Deadline,
    /// The deadline of the run or wait that the request belongs to.
    outer: Deadline,
    /// Whether `outer` ends a running attempt.
    interruptible: bool,
}

impl<'a> Timer<'a> {
    pub fn new(client: &'a Client, request: &Request) -> Self {
        let (config, runtime) = (client.config(), client.runtime());
        let timeout = request.options.timeout.or(config.explicit_timeout);
        let (hold, is_header) = client.hold(request);
        let added = if request.hold_within_timeout && !is_header { Duration::ZERO } else { hold };
        let timeout = timeout.map(|timeout| timeout.saturating_add(added));
        let step = match timeout {
            Some(timeout) => timeout,
            None if hold.is_zero() => config.timeout,
            None => hold + AFTER_HOLD,
        };
        let total = timeout.filter(|_| request.retried_for.is_none());
        Self {
            runtime,
            step,
            total,
            end: Deadline::after(runtime, total),
            outer: request.deadline,
            // The deadline does not end a create: its response has the id of the prediction to cancel.
            interruptible: request.idempotency != Idempotency::Once,
        }
    }

    /// Returns the limit that messages mention.
    pub fn limit(&self) -> Duration {
        self.step
    }

    /// Runs one step of an attempt. Returns `None` if its time has passed without progress.
    pub async fn step<F: Future>(&mut self, progress: Option<&BodyProgress>, step: F) -> Option<F::Output> {
        let before = progress.map(BodyProgress::bytes);
        let output = while_progressing(self.runtime, self.step_limit(), progress, step).await;
        if output.is_some() && progress.map(BodyProgress::bytes) != before {
            // Bytes of a file were transferred, and files can be of any size.
            self.end = Deadline::after(self.runtime, self.total);
        }
        output
    }

    /// Returns the time that the next step may take.
    pub fn step_limit(&self) -> Duration {
        let step = self.end.remaining(self.runtime).unwrap_or(self.step);
        let outer = self.outer.remaining(self.runtime).filter(|_| self.interruptible);
        outer.map_or(step, |outer| outer.min(step))
    }

    /// Returns the time in which another attempt may begin, or `None` if it is unlimited.
    pub fn remaining(&self) -> Option<Duration> {
        let (end, outer) = (self.end.remaining(self.runtime), self.outer.remaining(self.runtime));
        end.into_iter().chain(outer).min()
    }

    /// Returns the kind of the error once no time remains: whether the deadline of the run or wait has passed, or the
    /// `timeout` of the request.
    pub fn error_kind(&self) -> ErrorKind {
        let is_past_deadline = self.outer.remaining(self.runtime).is_some_and(|left| left.is_zero());
        if is_past_deadline { ErrorKind::Deadline } else { ErrorKind::Timeout }
    }
}
