//! What a signal means to the command that runs.

use std::cell::Cell;

use tokio::sync::Notify;

/// Set by commands for which a signal means more than to be dropped.
pub(crate) struct Interrupt {
    /// What is canceled when the command is dropped.
    pub abandoned: Cell<&'static str>,
    /// What to do afterwards. May be empty.
    pub advice: Cell<&'static str>,
    drains: Cell<bool>,
    requested: Cell<bool>,
    changed: Notify,
}

impl Interrupt {
    pub fn new() -> Self {
        Self {
            abandoned: Cell::new("the prediction"),
            advice: Cell::new(""),
            drains: Cell::new(false),
            requested: Cell::new(false),
            changed: Notify::new(),
        }
    }

    /// Sets what to say when a signal ends the command.
    pub fn abandons(&self, abandoned: &'static str, advice: &'static str) {
        self.abandoned.set(abandoned);
        self.advice.set(advice);
    }

    /// Lets the command end on its own after the first signal.
    pub fn drain(&self) {
        self.drains.set(true);
    }

    /// Passes a signal on. Returns `false` if the command is to be dropped.
    pub fn request(&self) -> bool {
        if self.drains.get() {
            self.requested.set(true);
            self.changed.notify_one();
        }
        self.drains.get()
    }

    /// Waits for the first signal.
    pub async fn requested(&self) {
        while !self.requested.get() {
            self.changed.notified().await;
        }
    }
}
