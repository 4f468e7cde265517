//! A prediction as the API returned it.

use std::{ops::Deref, time::Duration};

use tracing::info;

use crate::{
    client::Client,
    error::{Error, ErrorKind, Result},
    value::{Value, options::option_types},
};

/// Returns `true` if the status is terminal. An unknown status is not, because the API may add new ones.
pub(crate) fn is_terminal(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "canceled" | "aborted")
}

/// A prediction or training as JSON, at one moment.
///
/// Keeps members that this version of the crate does not know. Accessors never fail, because a proxy or a test
/// double may have produced the JSON.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Snapshot(Value);

option_types! {
    Snapshot => "any",
}

impl Client {
    /// Fails if a prediction ended without success. The error does not contain the token, which a model may echo.
    pub(crate) fn check_success(&self, ended: Snapshot) -> Result<Snapshot> {
        ended.into_success().map_err(|error| self.without_token(error))
    }

    /// Fails if a prediction ended without success, or if the API has deleted its output, as it may have while this process was
    /// suspended.
    pub(super) fn check_output(&self, ended: Snapshot) -> Result<Snapshot> {
        let ended = ended.into_success().and_then(Snapshot::with_output);
        ended.map_err(|error| self.without_token(error))
    }

    /// Adds a prediction to an error, without the token.
    pub(super) fn error_with(&self, prediction: &Snapshot, error: Error) -> Error {
        self.without_token(error.with_prediction(prediction.0.clone()))
    }
}

impl Snapshot {
    pub fn new(prediction: Value) -> Self {
        Self(prediction)
    }

    /// Returns the id, or `None` if it is missing or empty.
    pub fn id(&self) -> Option<&str> {
        self.0["id"].as_str().filter(|id| !id.is_empty())
    }

    /// Fails if the response to a create has no id.
    pub fn with_id(self) -> Result<Self> {
        if self.id().is_some() {
            return Ok(self);
        }
        let message = "the response to the create has no `id`, so the prediction may exist; look for it in `predictions.list()` before you create it again";
        Err(Error::new(ErrorKind::InvalidResponse, message).with_outcome_unknown())
    }

    /// Returns the status, or an empty string.
    pub fn status(&self) -> &str {
        self.0["status"].as_str().unwrap_or_default()
    }

    pub fn is_terminal(&self) -> bool {
        is_terminal(self.status())
    }

    /// Returns `true` if there is an output. The response to a held create may contain the whole output while its status is
    /// still `processing`.
    pub fn has_output(&self) -> bool {
        self.0.get("output").is_some_and(|output| !output.is_null())
    }

    /// Returns the URL of the event stream.
    pub fn stream_url(&self) -> Option<&str> {
        self.0["urls"]["stream"].as_str()
    }

    /// Reports the response to a create.
    pub fn log_create(&self) {
        info!(
            target: "replicant",
            prediction_id = self.id(),
            prediction_status = self.status(),
            model = self.0["model"].as_str(),
            "created prediction"
        );
    }

    /// Returns what identifies the model: its version, or the name if the API hides the version.
    pub fn model(&self) -> Option<&str> {
        self.0["version"].as_str().filter(|version| *version != "hidden").or(self.0["model"].as_str())
    }

    /// Returns the time from creation to success, if the prediction succeeded.
    pub fn run_time(&self) -> Option<Duration> {
        let seconds = self.0["metrics"]["total_time"].as_f64().filter(|_| self.status() == "succeeded")?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// Returns `true` if the API will send a webhook when the prediction has ended.
    pub fn has_final_webhook(&self) -> bool {
        let filter = &self.0["webhook_events_filter"];
        let includes = filter.as_array().is_none_or(|events| {
            events.is_empty() || events.iter().any(|event| event.as_str() == Some("completed"))
        });
        includes && self.has_webhook()
    }

    pub fn has_webhook(&self) -> bool {
        self.0["webhook"].as_str().is_some_and(|url| !url.is_empty())
    }

    /// Records an end without success that the event stream reported. The API may still return an earlier status.
    pub fn end_with(&mut self, status: &str, error: Option<String>) {
        if self.0.as_object().is_none() {
            self.0 = Value::object();
        }
        if self.status() == "succeeded" || !self.is_terminal() {
            self.0["status"] = status.into();
        }
        if let Some(error) = error.filter(|_| self.0["error"].is_null()) {
            self.0["error"] = error.into();
        }
    }

    /// Fails if the prediction ended without success.
    pub fn into_success(self) -> Result<Self> {
        let id = self.id().unwrap_or_default();
        let why = match &self.0["error"] {
            Value::Null => String::new(),
            error => format!(": {error}"),
        };
        let (kind, message) = match self.status() {
            "failed" => (ErrorKind::PredictionFailed, format!("Prediction failed{why}")),
            "canceled" => {
                (ErrorKind::PredictionCanceled, format!("Prediction was canceled{why} (prediction {id})"))
            }
            "aborted" => (
                ErrorKind::PredictionAborted,
                format!("Prediction was aborted before it started{why} (prediction {id})"),
            ),
            _ => return Ok(self),
        };
        Err(Error::new(kind, message).with_prediction(self.0))
    }

    /// Fails if the API has deleted the output.
    pub fn with_output(self) -> Result<Self> {
        if self.has_output() || self.0["data_removed"].as_bool() != Some(true) {
            return Ok(self);
        }
        let message = format!(
            "the API has deleted the output of prediction {}, which it keeps for an hour; read the result earlier, or receive it with a webhook",
            self.id().unwrap_or_default()
        );
        Err(Error::new(ErrorKind::OutputExpired, message).with_prediction(self.0))
    }

    /// Takes the output.
    pub fn into_output(mut self) -> Value {
        match &mut self.0 {
            Value::Object(members) => members.shift_remove("output").unwrap_or_default(),
            _ => Value::Null,
        }
    }

    pub fn into_value(self) -> Value {
        self.0
    }
}

impl Deref for Snapshot {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn four_statuses_are_terminal(status in "[a-z]{0,12}") {
            let known = ["succeeded", "failed", "canceled", "aborted"].contains(&status.as_str());
            prop_assert_eq!(is_terminal(&status), known);
        }
    }
}
