//! Parameters of `run` and `stream` as they come from another language.

use std::time::Duration;

use serde::Deserialize;

use super::{Plan, Run, StreamRun};
use crate::{
    client::Client,
    error::{Error, Result},
    request::seconds,
    resources::predictions::PredictionOptions,
    value::{Object, Value},
    wait::OnAbandon,
};

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RunParams {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    input: Option<Value>,
    #[serde(default, deserialize_with = "seconds")]
    timeout: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    interval: Option<Duration>,
    #[serde(default)]
    use_file_output: Option<bool>,
    #[serde(default)]
    on_abandon: Option<OnAbandon>,
    /// Whether the answer is `{"output", "prediction"}` instead of the output alone.
    #[serde(default)]
    detailed: bool,
    /// Whether the observer is told of uploads, too, as `{"upload": {"place", "name", "loaded", "total"}}`; a
    /// stream, which has no observer, begins with such values.
    #[serde(default)]
    pub report_uploads: bool,
    /// Whether a stream of a model that has no events gives its output as polling finds it.
    #[serde(default)]
    poll_output: bool,
    #[serde(flatten)]
    options: PredictionOptions,
    #[serde(flatten)]
    unknown: Object,
}

impl RunParams {
    fn plan(self, client: &Client, operation: &str) -> Result<Plan> {
        if let Some(name) = self.unknown.keys().next() {
            return Err(Error::invalid(format!(
                "{operation}: unknown option `{name}`; what the model takes belongs into `input`"
            )));
        }
        let mut plan = Plan::new(client, &self.reference, self.input.unwrap_or_else(Value::object));
        plan.timeout = self.timeout;
        plan.use_file_output = self.use_file_output;
        plan.on_abandon = self.on_abandon;
        plan.prediction = self.options;
        Ok(plan)
    }

    pub fn run(self, client: &Client) -> Result<Run> {
        let Self { interval, detailed, report_uploads, .. } = self;
        Ok(Run { plan: self.plan(client, "run")?, interval, detailed, report_uploads, observer: None })
    }

    pub fn stream(self, client: &Client) -> Result<StreamRun> {
        let poll_output = self.poll_output;
        let mut plan = self.plan(client, "stream")?;
        plan.poll_output = poll_output;
        Ok(StreamRun { plan })
    }
}
