//! The moment at which a `timeout` has passed.

use std::{sync::Arc, time::Duration};

use crate::platform::Runtime;

/// A moment on the monotonic clock of the client's [`Runtime`], or none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Deadline(Option<Duration>);

impl Deadline {
    pub const fn none() -> Self {
        Self(None)
    }

    pub fn after(runtime: &Arc<dyn Runtime>, timeout: Option<Duration>) -> Self {
        // A sum that overflows is a deadline that never passes.
        Self(timeout.and_then(|timeout| runtime.monotonic().checked_add(timeout)))
    }

    /// Returns the time left, or `None` without a deadline.
    pub fn remaining(&self, runtime: &Arc<dyn Runtime>) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_sub(runtime.monotonic()))
    }
}
