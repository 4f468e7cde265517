//! What a prediction looks like.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::snapshot::is_terminal;
use crate::value::{Object, Value};

/// The state of a prediction or training.
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
    /// Ended well; the output is there.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because it was cancelled while it ran.
    Canceled,
    /// Ended because its deadline passed before it ran.
    Aborted,
    /// A state that is newer than this crate.
    #[serde(untagged)]
    Other(String),
}

impl Status {
    /// The word on the wire.
    ///
    /// ```
    /// assert_eq!(replicant::Status::Canceled.as_str(), "canceled");
    /// ```
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

    /// Whether nothing more will happen.
    ///
    /// ```
    /// assert!(replicant::Status::Aborted.is_terminal());
    /// assert!(!replicant::Status::Processing.is_terminal());
    /// ```
    pub fn is_terminal(&self) -> bool {
        is_terminal(self.as_str())
    }
}

impl From<Option<String>> for Status {
    /// The state of that name; what is not known yet is starting.
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

/// A prediction as it was seen last.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let prediction = client.predictions().get("4b2q8m").await?;
/// println!("{}: {}", prediction.status, prediction.output);
/// // What is newer than this crate is there all the same.
/// println!("{:?}", prediction.extra.get("queue_position"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Prediction {
    /// Its id.
    pub id: String,
    /// The model, `owner/name`.
    pub model: Option<String>,
    /// The version's id; `hidden` for official models. It may be another than was asked for.
    pub version: Option<String>,
    /// Its state.
    pub status: Status,
    /// The input.
    pub input: Value,
    /// The output so far, files as URLs; see [`Client::run`](crate::Client::run) for files as [`FileOutput`](crate::FileOutput)s.
    pub output: Value,
    /// Why it failed.
    pub error: Value,
    /// What the model printed.
    pub logs: Option<String>,
    /// Measures such as `predict_time` in seconds.
    pub metrics: Option<Object>,
    /// `api` or `web`.
    pub source: Option<String>,
    /// The deployment's name, if one ran it.
    pub deployment: Option<String>,
    /// Whether input and output were deleted.
    pub data_removed: Option<bool>,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// RFC 3339.
    pub started_at: Option<String>,
    /// RFC 3339.
    pub completed_at: Option<String>,
    /// When it is cancelled by itself. RFC 3339.
    pub deadline: Option<String>,
    /// Where it can be seen (`web`, `get`), cancelled and streamed.
    pub urls: Object,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

impl Prediction {
    /// Progress by the last progress bar in the logs.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let prediction = client.predictions().get("4b2q8m").await?;
    /// if let Some(progress) = prediction.progress() {
    ///     println!("{:.0} %", progress.percentage * 100.0);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn progress(&self) -> Option<crate::predictions::progress::Progress> {
        crate::predictions::progress::Progress::parse(self.logs.as_deref()?)
    }
}
