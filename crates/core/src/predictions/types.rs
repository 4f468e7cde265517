//! Predictions and their statuses.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::snapshot::is_terminal;
use crate::value::{Object, Value};

/// The status of a prediction or training.
///
/// ```
/// use replicant::Status;
///
/// assert!(Status::Succeeded.is_terminal());
/// assert!(!Status::Other("paused".into()).is_terminal());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(from = "Option<String>", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Waiting for a machine or for the model to load.
    #[default]
    Starting,
    /// Running.
    Processing,
    /// Ended with an output.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Canceled while it ran.
    Canceled,
    /// Canceled by its deadline before it ran.
    Aborted,
    /// A status that is newer than this crate.
    #[serde(untagged)]
    Other(String),
}

impl Status {
    /// Returns the status as the API spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Starting => "starting",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
            Self::Other(other) => other,
        }
    }

    /// Whether nothing changes after this status.
    pub fn is_terminal(&self) -> bool {
        is_terminal(self.as_str())
    }
}

impl From<Option<String>> for Status {
    /// Returns the status of that name. A missing one counts as starting.
    fn from(word: Option<String>) -> Self {
        let Some(word) = word else { return Self::default() };
        let known =
            [Self::Starting, Self::Processing, Self::Succeeded, Self::Failed, Self::Canceled, Self::Aborted];
        known.into_iter().find(|status| status.as_str() == word).unwrap_or(Self::Other(word))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A prediction as the API returned it.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let prediction = client.predictions().get("4b2q8m").await?;
/// println!("{}: {}", prediction.status, prediction.output);
/// // Members that are newer than this crate are kept.
/// println!("{:?}", prediction.extra.get("queue_position"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Prediction {
    /// The id.
    pub id: String,
    /// The model, `owner/name`.
    pub model: Option<String>,
    /// The id of the version; `hidden` for official models. It may differ from the requested one.
    pub version: Option<String>,
    /// The status.
    pub status: Status,
    /// The input.
    pub input: Value,
    /// The output so far, with files as URLs. [`Client::run`](crate::Client::run) returns readable files.
    pub output: Value,
    /// The error of the model; `null` if it did not fail.
    pub error: Value,
    /// What the model printed.
    pub logs: Option<String>,
    /// Metrics such as `predict_time` in seconds.
    pub metrics: Option<Object>,
    /// `api` or `web`.
    pub source: Option<String>,
    /// The name of the deployment that ran it, if any.
    pub deployment: Option<String>,
    /// Whether input and output were deleted.
    pub data_removed: Option<bool>,
    /// When it was created. RFC 3339.
    pub created_at: Option<String>,
    /// When it began to run. RFC 3339.
    pub started_at: Option<String>,
    /// When it ended. RFC 3339.
    pub completed_at: Option<String>,
    /// When the API cancels it. RFC 3339.
    pub deadline: Option<String>,
    /// URLs to view it (`web`), get, cancel and stream it.
    pub urls: Object,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

impl Prediction {
    /// Returns the progress shown by the last progress bar in the logs.
    pub fn progress(&self) -> Option<crate::predictions::progress::Progress> {
        crate::predictions::progress::Progress::parse(self.logs.as_deref()?)
    }
}
