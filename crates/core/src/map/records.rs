//! The records of a checkpoint: one JSON object per line.

use serde::{Deserialize, Serialize};

use super::hash::Hash;
use crate::{
    error::{Error, ErrorKind, FailureReason},
    value::{
        DecodeError, Value,
        decode::{Nulls, from_value},
    },
};

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// The first line of a checkpoint.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    /// [`FORMAT`].
    pub checkpoint: u32,
    pub model: String,
    /// The version of this crate that began the file.
    pub sdk: String,
    /// Options that outputs depend on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<HeaderOptions>,
}

/// The options of a batch that its outputs depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeaderOptions {
    /// Whether files are saved, so that outputs have paths instead of URLs.
    pub save_to: bool,
}

/// What the first line begins with.
pub(super) const BEGINNING: &[u8] = b"{\"checkpoint\":";

/// The steps of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    /// A create is about to be sent.
    Intent,
    /// The create was certainly not processed.
    Released,
    /// The prediction was created.
    Created,
    /// The cancel of the prediction is about to be sent.
    Cancel,
    /// The row is finished.
    Done,
}

/// A step of a row. Which members it has depends on the step.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub step: Option<Step>,
    pub key: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The number of predictions of the row, with this one.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// The number of them that an interruption has ended.
    #[serde(skip_serializing_if = "is_zero")]
    pub interrupted: u32,
    /// The hash of the row's input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The hash of the input as sent, if it differs: with URLs in place of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// Seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub prediction: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Record {
    pub fn new(step: Step, key: &Value) -> Self {
        Self { step: Some(step), key: key.clone(), ..Self::default() }
    }
}

/// Returns a record as a line.
pub(super) fn line(record: &impl Serialize) -> String {
    let mut line = serde_json::to_string(record).unwrap_or_default();
    line.push('\n');
    line
}

/// Parses a line.
pub(super) fn parse<T: serde::de::DeserializeOwned>(line: &[u8]) -> Result<T, DecodeError> {
    from_value(Value::from_json(line)?, Nulls::Default)
}

/// What the checkpoint knows of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The number of predictions that were created or may have been.
    pub attempts: u32,
    /// The number of them that an interruption has ended, which do not count as retries.
    pub interrupted: u32,
    pub input: Hash,
    pub state: State,
}

/// The last step of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// The create may have been processed.
    Intent { sent: Hash, time: f64, canceled: bool },
    /// The prediction exists.
    Created { id: Box<str>, canceled: bool },
    /// No prediction of this row is running.
    Released,
    /// The result is in the file. `retryable` says whether another prediction may succeed.
    Done { offset: u64, length: u32, retryable: bool },
}

impl Entry {
    /// Returns the entry for a batch with `retries`, of which a failed row may have some left.
    pub fn with_retries(mut self, retries: u32) -> Self {
        let failed = self.attempts.saturating_sub(self.interrupted);
        if matches!(self.state, State::Done { retryable: true, .. }) && failed <= retries {
            self.state = State::Released;
        }
        self
    }

    /// Returns `true` if the row needs a prediction that does not exist yet.
    pub fn needs_prediction(&self, retry_unknown: bool) -> bool {
        match self.state {
            State::Released => true,
            State::Intent { .. } => retry_unknown,
            State::Created { .. } | State::Done { .. } => false,
        }
    }
}

/// Returns `true` if another prediction may succeed with the same input.
pub(super) fn is_retryable(failure: &Error) -> bool {
    failure.kind() != ErrorKind::PredictionCanceled
        && !matches!(failure.reason(), Some(FailureReason::ContentFilter | FailureReason::InvalidInput))
}
