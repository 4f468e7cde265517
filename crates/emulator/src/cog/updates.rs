//! The updates that Cog servers send while predictions run.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::mpsc;

use super::Prediction;
use crate::support::lock;

/// The predictions that wait for updates, by id.
#[derive(Default)]
pub(crate) struct Updates(Mutex<HashMap<String, mpsc::UnboundedSender<Prediction>>>);

impl Updates {
    /// Returns the updates of a prediction as they arrive.
    pub(super) fn subscribe(&self, id: &str) -> mpsc::UnboundedReceiver<Prediction> {
        let (sender, updates) = mpsc::unbounded_channel();
        lock(&self.0).insert(id.to_owned(), sender);
        updates
    }

    /// Ends the subscription to a prediction.
    pub(super) fn end(&self, id: &str) {
        lock(&self.0).remove(id);
    }

    /// Hands on an update. Returns false if the prediction has ended.
    pub(crate) fn report(&self, id: &str, update: Prediction) -> bool {
        let sender = lock(&self.0).get(id).cloned();
        sender.is_some_and(|sender| sender.send(update).is_ok())
    }
}
