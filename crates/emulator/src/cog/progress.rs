//! A prediction as a Cog server sends it, and what it adds to the job.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::content;
use crate::model::Run;

/// Metrics that the emulator measures itself.
const OWN_METRICS: [&str; 2] = ["predict_time", "total_time"];

/// A prediction as a Cog server sends it: in responses, and in updates while it runs.
#[derive(Deserialize)]
pub(crate) struct Prediction {
    status: String,
    output: Option<Box<RawValue>>,
    error: Option<String>,
    logs: Option<String>,
    #[serde(default)]
    metrics: Option<IndexMap<String, Value>>,
}

impl Prediction {
    /// Reports whether the prediction has ended.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self.status.as_str(), "succeeded" | "failed" | "canceled")
    }

    pub(super) fn has_logs(&self) -> bool {
        self.logs.as_ref().is_some_and(|logs| !logs.is_empty())
    }
}

/// What a job has received of its prediction.
pub(super) struct Progress<'a> {
    run: &'a Run,
    /// Whether the output is a list that grows while the model runs.
    iterates: bool,
    /// Whether the output is files. Updates have their paths on the server, and only the response their content.
    has_files: bool,
    /// The length of the logs, in bytes.
    logged: usize,
    emitted: usize,
    updates: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(run: &'a Run, iterates: bool, has_files: bool) -> Self {
        Self { run, iterates, has_files, logged: 0, emitted: 0, updates: 0 }
    }

    pub(super) fn has_updates(&self) -> bool {
        self.updates > 0
    }

    /// Adds what is new in an update. Updates can arrive out of order; an older one has nothing new.
    pub(super) fn report(&mut self, update: &Prediction) {
        self.updates += 1;
        self.add_logs(update);
        if !self.has_files {
            self.add_items(update);
        }
    }

    fn add_logs(&mut self, prediction: &Prediction) {
        let logs = prediction.logs.as_deref().unwrap_or_default();
        if let Some(added) = logs.get(self.logged..).filter(|added| !added.is_empty()) {
            self.logged = logs.len();
            self.run.write(added);
        }
    }

    fn add_items(&mut self, prediction: &Prediction) {
        let output = prediction.output.as_ref().filter(|_| self.iterates);
        let items = output.and_then(|output| serde_json::from_str::<Vec<Box<RawValue>>>(output.get()).ok());
        let items = items.unwrap_or_default();
        for item in items.iter().skip(self.emitted) {
            self.run.emit_value(content::save(self.run, item));
        }
        self.emitted = self.emitted.max(items.len());
    }

    /// Adds the rest of a prediction that has ended. The error is that of the prediction.
    pub(super) fn finish(mut self, last: &Prediction) -> Result<(), String> {
        self.add_logs(last);
        self.add_items(last);
        for (name, value) in last.metrics.iter().flatten() {
            if let Some(value) = value.as_f64().filter(|_| !OWN_METRICS.contains(&name.as_str())) {
                self.run.metric(name, value);
            }
        }
        match (last.status.as_str(), &last.error) {
            ("succeeded", _) => {}
            (_, Some(error)) => return Err(error.clone()),
            (status, None) => return Err(format!("the Cog server ended the prediction as {status}")),
        }
        if let Some(output) = last.output.as_ref().filter(|_| !self.iterates) {
            self.run.output(content::save(self.run, output));
        }
        Ok(())
    }
}
