//! What a signal means to the command that runs.

use std::cell::Cell;

use tokio::sync::Notify;

/// Set by commands for which a signal means more than to be dropped.
pub(crate) struct Interrupt {
    /// What is canceled when the command is dropped.
    pub abandoned: Cell<&'static str>,
    /// What to do afterwards. May be empty.
    pub advice: Cell<&'static str>,
    /// What to say at the first signal, after which the command ends on its own. `None` if the signal ends it.
    notice: Cell<Option<&'static str>>,
    requested: Cell<bool>,
    changed: Notify,
}

impl Interrupt {
    pub fn new() -> Self {
        Self {
            abandoned: Cell::new("the prediction"),
            advice: Cell::new(""),
            notice: Cell::new(None),
            requested: Cell::new(false),
            changed: Notify::new(),
        }
    }

    /// Sets what to say when a signal ends the command.
    pub fn abandons(&self, abandoned: &'static str, advice: &'static str) {
        self.abandoned.set(abandoned);
        self.advice.set(advice);
    }

    /// Lets the command end on its own after the first signal, at which `notice` is printed. With `None`, the signal ends the
    /// command again.
    pub fn finish_after_signal(&self, notice: Option<&'static str>) {
        self.notice.set(notice);
    }

    /// Passes a signal on. Returns what to print, or `None` if the command is to be dropped.
    pub fn request(&self) -> Option<&'static str> {
        let notice = self.notice.get()?;
        self.requested.set(true);
        self.changed.notify_one();
        Some(notice)
    }

    /// Waits for the first signal.
    pub async fn requested(&self) {
        while !self.requested.get() {
            self.changed.notified().await;
        }
    }
}
