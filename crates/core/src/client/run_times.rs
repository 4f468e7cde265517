//! How long models usually run.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use crate::{platform::lock, value::Value};

/// How long models usually run, learned from predictions that this client has seen the end of.
#[derive(Default)]
pub(crate) struct RunTimes(Mutex<HashMap<String, Duration>>);

impl RunTimes {
    /// Models remembered at most; a program that uses more of them polls as if it knew none.
    const MODELS: usize = 256;

    pub fn usual(&self, prediction: &Value) -> Option<Duration> {
        let times = lock(&self.0);
        times.get(Self::model(prediction)?).copied()
    }

    pub fn learn(&self, prediction: &Value) {
        let seconds = prediction["metrics"]["total_time"].as_f64();
        let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let (Some(model), Some(time), Some("succeeded")) =
            (Self::model(prediction), time, prediction["status"].as_str())
        else {
            return;
        };
        let mut times = lock(&self.0);
        if let Some(usual) = times.get_mut(model) {
            *usual = *usual / 4 * 3 + time / 4;
        } else if times.len() < Self::MODELS {
            times.insert(model.to_owned(), time);
        }
    }

    /// The version says more than the model, unless it is hidden.
    fn model(prediction: &Value) -> Option<&str> {
        prediction["version"].as_str().filter(|version| *version != "hidden").or(prediction["model"].as_str())
    }
}
