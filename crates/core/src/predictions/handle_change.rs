//! What the events of a handle report.

use super::{cursor::HandleCursor, output::Output, progress::Progress, types::Status};
use crate::{client::Client, value::Value};

/// A change of a prediction, with the cursor to continue after it.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
/// use replicant::HandleChange;
///
/// let mut events = client.handle("4b2q8m").events();
/// while let Some(event) = events.try_next().await? {
///     if let HandleChange::Logs(text) = &event.change {
///         eprint!("{text}");
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HandleEvent {
    /// What has changed.
    pub change: HandleChange,
    /// Where to continue after this event; see [`HandleEvents::since`](crate::HandleEvents::since).
    pub cursor: HandleCursor,
}

/// What has changed in a prediction.
///
/// ```no_run
/// use replicant::HandleChange;
///
/// fn show(change: &HandleChange) {
///     match change {
///         HandleChange::Output { output, .. } => print!("{output}"),
///         HandleChange::End { status, .. } => println!("{status}"),
///         _ => {}
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HandleChange {
    /// The status, while it is not terminal.
    Status(Status),
    /// New text of the logs.
    Logs(String),
    /// The progress, read from a progress bar in the logs.
    Progress(Progress),
    /// A new item of an output list, with its index. An item whose index was already received replaces that item.
    /// `index` is `None` for an output that is not a list, and for the rest of a text whose beginning was received as
    /// items.
    Output {
        /// Position in the output list.
        index: Option<usize>,
        /// The item.
        output: Output,
    },
    /// The end, successful or not. The last event.
    End {
        /// The terminal status.
        status: Status,
        /// The prediction as last polled, with its `error`, `output` and `metrics`.
        prediction: Value,
    },
}

impl HandleEvent {
    /// Reads an event of the operation `predictions.watch`. `None` for a type that this version does not know.
    pub(super) fn of(client: &Client, mut event: Value) -> Option<Self> {
        let cursor = HandleCursor::of(&event["cursor"])?;
        let mut take = |name: &str| std::mem::take(&mut event[name]);
        let kind = take("type");
        let mut status = || Status::from(take("status").as_str().map(str::to_owned));
        let change = match kind.as_str()? {
            "status" => HandleChange::Status(status()),
            "logs" => HandleChange::Logs(take("text").as_str()?.to_owned()),
            "progress" => HandleChange::Progress(Progress::of(&take("progress"))?),
            "output" => {
                let index = take("index").as_i64().and_then(|index| index.try_into().ok());
                HandleChange::Output { index, output: Output::new(client, take("output")) }
            }
            "end" => HandleChange::End { status: status(), prediction: take("prediction") },
            _ => return None,
        };
        Some(Self { change, cursor })
    }
}
