//! The parameters of the operations `run` and `stream`.

use super::{options::PredictionOptions, run::Run, run_request::RunRequest, stream_run::StreamRun};
use crate::{
    client::{Client, options::OnAbandon},
    error::{Error, Result, flattened},
    identifier::ReferenceParam,
    value::{Value, options::options, seconds::seconds},
};
use std::time::Duration;

use serde::Deserialize;

options! {
    /// The target and the input of `run` and `stream`, and the form of the result.
    #[derive(Debug, Clone, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct RunArguments {
        r#ref: ReferenceParam,
        #[serde(default)]
        input: Option<Value>,
        /// Whether to return `{"output", "prediction"}` instead of only the output.
        #[serde(default)]
        detailed: bool,
        /// Whether to return `{"live", "prediction"}` for a version that writes its output item by item.
        #[serde(default)]
        live: bool,
        /// Whether to report uploads to the observer as `{"upload": {"place", "name", "loaded", "total"}}`. A
        /// stream, which has no observer, starts with such values.
        #[serde(default)]
        report_uploads: bool,
        /// Whether to poll the output of a model that has no event stream.
        #[serde(default)]
        poll_output: bool,
    }
}

options! {
    /// The options of `run` and `stream` in addition to those of a create.
    #[derive(Debug, Clone, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct RunOptions {
        #[serde(deserialize_with = "seconds")]
        pub timeout: Option<Duration>,
        #[serde(deserialize_with = "seconds")]
        pub interval: Option<Duration>,
        pub use_file_output: Option<bool>,
        pub on_abandon: Option<OnAbandon>,
    }
}

flattened! {
    /// The parameters of `run` and `stream`.
    #[derive(Clone)]
    pub(crate) struct RunParams {
        arguments: RunArguments,
        pub options: RunOptions,
        pub create_options: PredictionOptions,
    }
}

impl RunParams {
    /// Returns `true` if uploads are to be reported.
    pub fn reports_uploads(&self) -> bool {
        self.arguments.report_uploads
    }

    pub fn run(self, client: &Client) -> Run {
        let RunArguments { detailed, live, report_uploads, .. } = self.arguments;
        Run { request: self.request(client), detailed, live, report_uploads, observer: None }
    }

    /// Fails for the interval of polls, unless there are polls.
    pub fn stream(self, client: &Client) -> Result<StreamRun> {
        if self.options.interval.is_some() && !self.arguments.poll_output {
            return Err(Error::invalid_argument(
                "interval",
                "is not an option of `stream`, which does not poll",
            ));
        }
        Ok(StreamRun { request: self.request(client) })
    }

    /// Returns what a create needs. Fails for the options of a run, which waits.
    pub(super) fn for_submit(self) -> Result<(ReferenceParam, Value, PredictionOptions)> {
        let RunOptions { timeout, interval, use_file_output, on_abandon } = self.options;
        let given = [
            ("timeout", timeout.is_some()),
            ("interval", interval.is_some()),
            ("use_file_output", use_file_output.is_some()),
            ("on_abandon", on_abandon.is_some()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
            return Err(Error::invalid_argument(
                name,
                "is not an option of `submit`, which does not wait; see the methods of the handle",
            ));
        }
        let RunArguments { r#ref, input, .. } = self.arguments;
        Ok((r#ref, input.unwrap_or_else(Value::object), self.create_options))
    }

    /// Builds the parameters of runs whose inputs follow.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(reference: ReferenceParam, options: RunOptions, create_options: PredictionOptions) -> Self {
        let arguments = RunArguments {
            r#ref: reference,
            input: None,
            detailed: false,
            live: false,
            report_uploads: false,
            poll_output: false,
        };
        Self { arguments, options, create_options }
    }

    pub(super) fn request(self, client: &Client) -> RunRequest {
        let Self { arguments, options, create_options } = self;
        RunRequest {
            run: options,
            create_options,
            poll_output: arguments.poll_output,
            ..RunRequest::new(client, arguments.r#ref, arguments.input.unwrap_or_else(Value::object))
        }
    }
}
