//! The results of a batch.

use crate::{
    error::Error,
    predictions::{output::Output, types::Status},
    value::Value,
};

/// The result of one row of a batch.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::{TryStreamExt, stream};
/// use replicant::json;
///
/// let rows = stream::iter((1..=100).map(|number| json!({"prompt": format!("heron {number}")})));
/// let mut results = client.map("acme/painter", rows);
/// while let Some(item) = results.try_next().await? {
///     match (&item.output, &item.error) {
///         (Some(output), _) => println!("{}: {output:?}", item.key),
///         (None, Some(error)) => println!("{}: {error}", item.key),
///         (None, None) => println!("{}: no output", item.key),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MapItem {
    /// The key of the row: its own, or its index.
    pub key: Value,
    /// The position of the row, from 0.
    pub index: u64,
    /// The input of the row, as it was read.
    pub input: Value,
    /// The status of the prediction. The [other](Status::Other) status `unknown` if a create was sent and it is not known whether
    /// the prediction exists, and `rejected` if no prediction was created.
    pub status: Status,
    /// The output, if the prediction succeeded. With `save_to`, files are replaced by their paths.
    pub output: Option<Output>,
    /// The prediction as last seen, without `input`, `output`, `logs`, `urls` and `webhook`.
    pub prediction: Value,
    /// Why there is no output.
    pub error: Option<Error>,
    /// The number of predictions that were created for the row.
    pub attempts: u32,
    /// The predict time that the API metered for the row, in seconds.
    pub seconds: Option<f64>,
    /// Whether the result comes from the checkpoint.
    pub resumed: bool,
}

/// The status of an item if no prediction was created, and if it is not known whether one exists.
pub(super) const REJECTED: &str = "rejected";
pub(super) const UNKNOWN: &str = "unknown";

impl MapItem {
    /// Builds the item of a row without a prediction.
    pub(super) fn new(key: Value, index: u64, input: Value) -> Self {
        Self {
            key,
            index,
            input,
            status: Status::Other(REJECTED.to_owned()),
            output: None,
            prediction: Value::Null,
            error: None,
            attempts: 0,
            seconds: None,
            resumed: false,
        }
    }

    /// Returns the item as an object, for the bindings, without its input.
    pub(crate) fn into_value(self) -> Value {
        Value::from_members([
            ("key", self.key),
            ("index", self.index.into()),
            ("status", self.status.as_str().into()),
            ("output", self.output.map(Output::into_value).into()),
            ("prediction", self.prediction),
            ("error", self.error.as_ref().map(Error::to_value).into()),
            ("attempts", self.attempts.into()),
            ("seconds", self.seconds.into()),
            ("resumed", self.resumed.into()),
        ])
    }
}

/// Members of a prediction that an item does not keep: the row has the input, the item the output, and logs may be long.
const DROPPED: [&str; 5] = ["input", "output", "logs", "urls", "webhook"];

/// Returns a prediction without what an item does not keep.
pub(super) fn shortened(mut prediction: Value) -> Value {
    if let Value::Object(members) = &mut prediction {
        members.retain(|name, _| !DROPPED.contains(&name.as_str()));
    }
    prediction
}

/// Returns the predict time that the API metered.
pub(super) fn predict_time(prediction: &Value) -> Option<f64> {
    prediction["metrics"]["predict_time"].as_f64().filter(|seconds| *seconds >= 0.0)
}
