//! The events of a handle: what changes in a prediction, by polling it.

use std::{time::Duration, vec};

use super::{
    cursor::HandleCursor,
    poll::{ITEM_PAUSE, Polling},
    progress::Progress,
    snapshot::{Snapshot, is_terminal},
    wait::{OfPrediction, WaitOptions},
    waiter::Waiter,
};
use crate::{
    client::Client,
    error::{Error, Params, Result, flattened},
    http::{deadline::Deadline, request::RequestOptions},
    platform::BoxStream,
    value::{DecodeError, Value, options::options},
};
use futures_util::stream;

/// The longest pause between polls, in pauses while something changes.
const MAX_PAUSES: u32 = 10;

/// How to watch a prediction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    pub(super) id: String,
    pub(super) since: Option<HandleCursor>,
    pub(super) interval: Option<Duration>,
    pub(super) use_file_output: Option<bool>,
}

options! {
    /// Where to begin.
    pub(crate) struct WatchStart {
        /// The event after which to continue, or its cursor.
        since: Value,
    }
}

impl Params for WatchStart {
    fn decode(mut start: Value) -> Result<Self, DecodeError> {
        Ok(Self { since: std::mem::take(&mut start["since"]) })
    }
}

flattened! {
    /// The parameters of `predictions.watch`.
    pub(crate) struct WatchParams {
        of: OfPrediction,
        start: WatchStart,
        options: WaitOptions,
    }
}

impl Watch {
    pub(crate) fn of(params: WatchParams) -> Result<Self> {
        let WatchParams { of, start, options: WaitOptions { timeout, interval } } = params;
        if timeout.is_some() {
            return Err(Error::invalid_argument(
                "timeout",
                "is not an option of `events`, which end with the prediction",
            ));
        }
        let since = match start.since {
            Value::Null => None,
            given => {
                let cursor = HandleCursor::of(given.get("cursor").unwrap_or(&given));
                Some(cursor.ok_or_else(|| {
                    let expected = "must be an event of this prediction, or the `cursor` of one";
                    Error::invalid_argument("since", expected)
                })?)
            }
        };
        let id = of.id().unwrap_or_default().to_owned();
        Ok(Self { id, since, interval, use_file_output: of.use_file_output })
    }

    /// Yields the changes since the cursor until the prediction has ended.
    pub(crate) fn watch(self, client: &Client, options: RequestOptions) -> BoxStream<'static, Result<Value>> {
        let Self { id, since, interval, use_file_output } = self;
        let cursor = since.unwrap_or_default();
        let watching = Watching {
            client: client.clone(),
            prediction: None,
            // `first` rejects a cursor of another prediction.
            ended: is_terminal(&cursor.status) && cursor.id == id,
            events: Vec::new().into_iter(),
            use_file_output: client.uses_files(use_file_output),
            polling: Polling { interval, options, ..Polling::default() },
            waiter: None,
            quiet: 0,
            cursor,
            id,
        };
        // Boxed because it is moved in and out for each event.
        Box::pin(stream::try_unfold(Box::new(watching), |mut watching| async move {
            Ok(watching.next().await?.map(|event| (event, watching)))
        }))
    }
}

struct Watching {
    client: Client,
    id: String,
    cursor: HandleCursor,
    /// The prediction as last seen.
    prediction: Option<Snapshot>,
    events: vec::IntoIter<Value>,
    ended: bool,
    use_file_output: bool,
    polling: Polling,
    waiter: Option<Waiter>,
    /// The number of polls since something has changed.
    quiet: u32,
}

impl Watching {
    async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(event) = self.events.next() {
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            let seen = match &self.prediction {
                None => self.first().await?,
                Some(prediction) => {
                    let pause = ITEM_PAUSE * (1 + self.quiet).min(MAX_PAUSES);
                    let (client, polling) = (&self.client, &self.polling);
                    let waiter = self.waiter.get_or_insert_with(|| {
                        Waiter::new(client, prediction, polling, client.runtime().monotonic())
                    });
                    waiter.next(client, prediction, polling, Some(pause)).await?
                }
            };
            let events = self.compare(&seen);
            self.quiet = if events.is_empty() { self.quiet + 1 } else { 0 };
            self.events = events.into_iter();
            self.prediction = Some(seen);
        }
    }

    async fn first(&mut self) -> Result<Snapshot> {
        if !self.cursor.id.is_empty() && self.cursor.id != self.id {
            let problem = format!("belongs to prediction {}, not to {}", self.cursor.id, self.id);
            return Err(Error::invalid_argument("since", problem));
        }
        self.cursor.id.clone_from(&self.id);
        let options = self.polling.options.clone();
        self.client.fetch_prediction(&self.id, Deadline::none(), options).await
    }

    /// Returns the events for what is new in a prediction.
    fn compare(&mut self, seen: &Snapshot) -> Vec<Value> {
        let Self { client, cursor, use_file_output, prediction, .. } = self;
        let mut events = Vec::new();
        let status = seen.status();
        let ended = seen.is_terminal();
        // An old state may arrive after a new one.
        let is_old = cursor.status == "processing" && status == "starting";
        if !ended && !is_old && !status.is_empty() && cursor.status != status {
            status.clone_into(&mut cursor.status);
            events.push(event("status", vec![("status", status.into())], cursor));
        }
        let logs = seen["logs"].as_str().unwrap_or_default();
        let new = cursor.new_logs(logs);
        if !new.is_empty() {
            events.push(event("logs", vec![("text", new.into())], cursor));
        }
        // Also the first time: the cursor may be that of the logs with this progress.
        if (!new.is_empty() || prediction.is_none())
            && let Some(progress) = Progress::parse(logs)
        {
            let seen = (progress.current, progress.total);
            if seen != (cursor.current, cursor.total) {
                (cursor.current, cursor.total) = seen;
                events.push(event("progress", vec![("progress", progress.to_value())], cursor));
            }
        }
        cursor.new_output(&seen["output"], ended, &mut |cursor, index, output| {
            let output = client.with_files_if(*use_file_output, output);
            events.push(event("output", vec![("index", index.into()), ("output", output)], cursor));
        });
        if ended {
            status.clone_into(&mut cursor.status);
            let prediction = seen.clone().into_value();
            events.push(event("end", vec![("status", status.into()), ("prediction", prediction)], cursor));
            self.ended = true;
        }
        events
    }
}

/// Builds an event. A value, so that only the Rust API has code for its types.
fn event(kind: &str, mut members: Vec<(&str, Value)>, cursor: &HandleCursor) -> Value {
    members.insert(0, ("type", kind.into()));
    members.push(("cursor", cursor.to_value()));
    Value::from_members(members)
}
