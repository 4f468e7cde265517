//! Learns how long models usually run.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use crate::platform::lock;

/// The usual run time of each model, learned from predictions that succeeded.
#[derive(Default)]
pub(crate) struct RunTimes(Mutex<HashMap<String, Duration>>);

impl RunTimes {
    /// Maximum number of models. Further models are treated as unknown.
    const MODELS: usize = 256;

    pub fn usual(&self, model: &str) -> Option<Duration> {
        lock(&self.0).get(model).copied()
    }

    pub fn learn(&self, model: &str, time: Duration) {
        let mut times = lock(&self.0);
        if let Some(usual) = times.get_mut(model) {
            *usual = *usual / 4 * 3 + time / 4;
        } else if times.len() < Self::MODELS {
            times.insert(model.to_owned(), time);
        }
    }
}
