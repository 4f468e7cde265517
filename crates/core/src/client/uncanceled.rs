//! Records the abandoned predictions that are not known to be canceled.

use std::sync::Mutex;

use super::{Client, background::Tasks};
use crate::platform::lock;

/// The ids of predictions. `None` for one whose id is not known.
pub(super) type Uncanceled = Mutex<Vec<Option<String>>>;

impl Tasks {
    /// Returns the ids of the abandoned predictions that are not known to be canceled: their cancels are pending or have failed.
    /// `None` for one that may exist, because the API has not responded to its create.
    pub fn uncanceled(&self) -> Vec<Option<String>> {
        lock(&self.0.uncanceled).clone()
    }
}

impl Client {
    pub(crate) fn add_uncanceled(&self, id: Option<&str>) {
        if let Some(tasks) = self.tasks() {
            lock(&tasks.0.uncanceled).push(id.map(str::to_owned));
        }
    }

    pub(crate) fn remove_uncanceled(&self, id: Option<&str>) {
        if let Some(tasks) = self.tasks() {
            let mut ids = lock(&tasks.0.uncanceled);
            if let Some(at) = ids.iter().position(|one| one.as_deref() == id) {
                ids.remove(at);
            }
        }
    }
}
