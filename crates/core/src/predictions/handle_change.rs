//! What the events of a handle report.

use super::{cursor::HandleCursor, output::Output, progress::Progress, types::Status};
use crate::value::Value;

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
    /// Returns the event as a value with a `type`.
    pub(crate) fn into_value(self) -> Value {
        let (kind, mut members) = match self.change {
            HandleChange::Status(status) => ("status", vec![("status", status.as_str().into())]),
            HandleChange::Logs(text) => ("logs", vec![("text", text.into())]),
            HandleChange::Progress(progress) => ("progress", vec![("progress", progress.to_value())]),
            HandleChange::Output { index, output } => {
                ("output", vec![("index", index.into()), ("output", output.into_value())])
            }
            HandleChange::End { status, prediction } => {
                ("end", vec![("status", status.as_str().into()), ("prediction", prediction)])
            }
        };
        members.insert(0, ("type", kind.into()));
        members.push(("cursor", self.cursor.to_value()));
        Value::from_members(members)
    }
}
