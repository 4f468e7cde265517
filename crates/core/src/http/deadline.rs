//! The moment after which a call gives up.

use std::{sync::Arc, time::Duration};

use crate::platform::Runtime;

/// A moment on the client's clock after which nothing more is done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Deadline(Option<Duration>);

impl Deadline {
    pub const fn none() -> Self {
        Self(None)
    }

    pub fn after(runtime: &Arc<dyn Runtime>, timeout: Option<Duration>) -> Self {
        // A moment beyond what a clock can show never comes.
        Self(timeout.and_then(|timeout| runtime.monotonic().checked_add(timeout)))
    }

    /// The time left, `None` if there is no end.
    pub fn remaining(&self, runtime: &Arc<dyn Runtime>) -> Option<Duration> {
        self.0.map(|at| at.saturating_sub(runtime.monotonic()))
    }
}
