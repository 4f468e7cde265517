//! The types of predictions.

use std::{convert::Infallible, fmt, str::FromStr};

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
/// assert_eq!("failed".parse(), Ok(Status::Failed));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize, Serialize)]
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
    /// A status that this version of the crate does not know.
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

    /// Returns `true` if the status is terminal.
    pub fn is_terminal(&self) -> bool {
        is_terminal(self.as_str())
    }
}

impl From<Option<String>> for Status {
    /// Parses a status. A missing one is [`Status::Starting`].
    fn from(word: Option<String>) -> Self {
        let Some(word) = word else { return Self::default() };
        let known =
            [Self::Starting, Self::Processing, Self::Succeeded, Self::Failed, Self::Canceled, Self::Aborted];
        known.into_iter().find(|status| status.as_str() == word).unwrap_or(Self::Other(word))
    }
}

impl FromStr for Status {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(Some(word.to_owned()).into())
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
/// // Members that this version of the crate does not know are kept.
/// println!("{:?}", prediction.extra.get("queue_position"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Prediction {
    /// Id.
    pub id: String,
    /// Model, `owner/name`.
    pub model: Option<String>,
    /// Version id, `hidden` for official models. It may differ from the requested one.
    pub version: Option<String>,
    /// Status.
    pub status: Status,
    /// Input.
    pub input: Value,
    /// Output so far, with files as URLs. [`Client::run`](crate::Client::run) returns files that can be read.
    pub output: Value,
    /// Error of the model, or `null`.
    pub error: Value,
    /// Logs of the model.
    pub logs: Option<String>,
    /// Metrics such as `predict_time` in seconds.
    pub metrics: Option<Object>,
    /// `api` or `web`.
    pub source: Option<String>,
    /// Name of the deployment, if any.
    pub deployment: Option<String>,
    /// Whether the API has deleted the input and the output.
    pub data_removed: Option<bool>,
    /// Creation time, in RFC 3339.
    pub created_at: Option<String>,
    /// Start time, in RFC 3339.
    pub started_at: Option<String>,
    /// End time, in RFC 3339.
    pub completed_at: Option<String>,
    /// Time at which the API cancels the prediction, in RFC 3339.
    pub deadline: Option<String>,
    /// URLs: `web`, `get`, `cancel` and `stream`.
    pub urls: Object,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

impl Prediction {
    /// Returns the progress from the last progress bar in the logs.
    pub fn progress(&self) -> Option<crate::predictions::progress::Progress> {
        crate::predictions::progress::Progress::parse(self.logs.as_deref()?)
    }
}
