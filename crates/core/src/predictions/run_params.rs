//! Parameters of `run` and `stream` from another language.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use super::{options::with_prediction_options, run::Run, run_request::RunRequest, stream_run::StreamRun};
use crate::{
    client::{Client, options::OnAbandon},
    identifier::Named,
    value::{Value, seconds::seconds},
};

with_prediction_options! {
    /// Parameters of `run` and `stream` from another language.
    pub(crate) struct RunParams {
        #[serde(rename = "ref", deserialize_with = "reference")]
        reference: Named,
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
        /// Whether to return `{"output", "prediction"}` instead of the output alone.
        #[serde(default)]
        detailed: bool,
        /// Whether to return `{"output"}`, or `{"live", "prediction"}` for a version that writes its output item by item.
        #[serde(default)]
        live: bool,
        /// Whether to report uploads to the observer as `{"upload": {"place", "name", "loaded", "total"}}`. A
        /// stream, which has no observer, begins with such values.
        #[serde(default)]
        pub report_uploads: bool,
        /// Whether a stream of a model without events yields the output that polling finds.
        #[serde(default)]
        poll_output: bool,
    }
}

/// Decodes a reference, and explains what to do with a prediction in its place.
fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Named, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(Named::Text(text)),
        Value::Object(mut members) if members.contains_key("version") && !members.contains_key("status") => {
            let version =
                members.shift_remove("version").and_then(|version| version.as_str().map(str::to_owned));
            let version =
                version.ok_or_else(|| D::Error::custom("must have its version's id as a string"))?;
            Ok(Named::Version { version, schema: members.shift_remove("schema") })
        }
        prediction if prediction["id"].as_str().is_some() && prediction["status"].as_str().is_some() => {
            Err(D::Error::custom(
                "must name a model, and this is a prediction; did you mean `predictions.wait(prediction)`?",
            ))
        }
        other => Err(D::Error::custom(format!(
            "must be \"owner/name\", \"owner/name:version\" or a version id, not {}",
            other.kind()
        ))),
    }
}

impl RunParams {
    fn request(mut self, client: &Client) -> RunRequest {
        let options = self.prediction_options();
        let mut request = RunRequest::new(client, self.reference, self.input.unwrap_or_else(Value::object));
        request.timeout = self.timeout;
        request.use_file_output = self.use_file_output;
        request.on_abandon = self.on_abandon;
        request.prediction = options;
        request
    }

    pub fn run(self, client: &Client) -> Run {
        let Self { interval, detailed, live, report_uploads, .. } = self;
        Run { request: self.request(client), interval, detailed, live, report_uploads, observer: None }
    }

    pub fn stream(self, client: &Client) -> StreamRun {
        let poll_output = self.poll_output;
        let mut request = self.request(client);
        request.poll_output = poll_output;
        StreamRun { request }
    }
}
