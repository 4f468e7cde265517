//! A prediction or training, from its creation to its terminal status.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::support::json::{Fields, Raw, array};
use crate::support::lock;
use crate::support::time::Timestamp;
use crate::webhook::{Outbox, WebhookEvent};

mod events;
mod view;

pub(crate) use view::Shape;

use events::EventLog;

/// The status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Starting,
    Processing,
    Succeeded,
    Failed,
    Canceled,
    Aborted,
}

impl Status {
    pub(crate) fn is_terminal(self) -> bool {
        !matches!(self, Self::Starting | Self::Processing)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Prediction,
    Training,
    /// The example prediction of a model, which no list contains.
    Example,
}

/// The output so far.
#[derive(Default)]
enum Output {
    #[default]
    None,
    Whole(Raw),
    Items(Vec<Raw>),
}

impl Output {
    fn to_raw(&self) -> Option<Raw> {
        match self {
            Self::None => None,
            Self::Whole(value) => Some(value.clone()),
            Self::Items(items) => Some(array(items)),
        }
    }
}

/// The parts of a job that never change.
pub(crate) struct JobSpec {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// `owner/name`.
    pub(crate) model: String,
    /// The version that responses show.
    pub(crate) version: String,
    /// The version that runs.
    pub(crate) actual_version: String,
    pub(crate) deployment: Option<String>,
    /// The input as it was created, which the checks of tests need after its removal.
    pub(crate) input: Raw,
    pub(crate) origin: String,
    pub(crate) source: &'static str,
    pub(crate) stream_key: Option<String>,
    /// Whether the output is files, so that the API has the stream below `/v1/files/`.
    pub(crate) streams_files: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) retention: Duration,
    pub(crate) webhook: Option<String>,
    pub(crate) webhook_filter: Option<Vec<WebhookEvent>>,
}

/// The parts of a job that change while it runs.
struct State {
    status: Status,
    input: Raw,
    /// The paths of the output files.
    files: Vec<String>,
    output: Output,
    output_complete: bool,
    logs: String,
    error: Option<String>,
    started_at: Option<Timestamp>,
    /// Whether the job was canceled before it started.
    never_started: bool,
    completed_at: Option<Timestamp>,
    metrics: Vec<(String, f64)>,
    data_removed: bool,
    events: EventLog,
}

/// A prediction or training.
pub(crate) struct Job {
    pub(crate) spec: JobSpec,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    webhook: Option<Arc<Outbox>>,
}

impl Job {
    pub(crate) fn new(spec: JobSpec, webhook: Option<Arc<Outbox>>) -> Self {
        let input = spec.input.clone();
        Self {
            spec,
            state: Mutex::new(State {
                status: Status::Starting,
                input,
                files: Vec::new(),
                output: Output::None,
                output_complete: false,
                logs: String::new(),
                error: None,
                started_at: None,
                never_started: false,
                completed_at: None,
                metrics: Vec::new(),
                data_removed: false,
                events: EventLog::default(),
            }),
            changed: watch::Sender::new(0),
            webhook,
        }
    }

    pub(crate) fn status(&self) -> Status {
        lock(&self.state).status
    }

    /// Reports whether the output is complete, which it also is when the job has ended.
    pub(crate) fn output_complete(&self) -> bool {
        let state = lock(&self.state);
        state.output_complete || state.status.is_terminal()
    }

    /// Waits until `condition` holds; checks it after every change.
    pub(crate) async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.changed.subscribe();
        while !condition(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Returns a receiver that is notified of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Calls `read` with the events so far.
    pub(crate) fn events<T>(&self, read: impl FnOnce(&EventLog) -> T) -> T {
        read(&lock(&self.state).events)
    }

    /// Changes the status from starting to processing. Returns false if the job has ended.
    pub(crate) fn start(&self, now: Timestamp) -> bool {
        let mut state = lock(&self.state);
        if state.status != Status::Starting {
            return false;
        }
        state.status = Status::Processing;
        state.started_at = Some(now);
        drop(state);
        self.notify(WebhookEvent::Start, now);
        true
    }

    /// Appends an item to a list output.
    pub(crate) fn emit(&self, item: Raw, now: Timestamp) {
        let mut state = lock(&self.state);
        if state.status.is_terminal() {
            return;
        }
        state.events.output(&item, now);
        match &mut state.output {
            Output::Items(items) => items.push(item),
            other => *other = Output::Items(vec![item]),
        }
        drop(state);
        self.notify(WebhookEvent::Output, now);
    }

    /// Makes the output an empty list, for a model that may emit no item.
    pub(crate) fn begin_list(&self) {
        lock(&self.state).output = Output::Items(Vec::new());
    }

    /// Sets the whole output.
    pub(crate) fn set_output(&self, value: Raw, now: Timestamp) {
        let mut state = lock(&self.state);
        if state.status.is_terminal() {
            return;
        }
        state.events.whole_output(&value, now);
        state.output = Output::Whole(value);
        drop(state);
        self.notify(WebhookEvent::Output, now);
    }

    /// Appends to the logs.
    pub(crate) fn log(&self, text: &str, now: Timestamp) {
        let mut state = lock(&self.state);
        if state.status.is_terminal() {
            return;
        }
        state.logs.push_str(text);
        state.events.logs(text, now);
        drop(state);
        self.notify(WebhookEvent::Logs, now);
    }

    pub(crate) fn metric(&self, name: &str, value: f64) {
        lock(&self.state).metrics.push((name.into(), value));
    }

    pub(crate) fn mark_output_complete(&self) {
        lock(&self.state).output_complete = true;
        self.changed.send_modify(|count| *count += 1);
    }

    /// Ends the job. Has no effect on a job that has ended, so that a cancel and a result can race.
    pub(crate) fn finish(&self, status: Status, error: Option<String>, now: Timestamp) {
        let mut state = lock(&self.state);
        if state.status.is_terminal() {
            return;
        }
        if let (Some(error), true) = (&error, status == Status::Failed) {
            state.events.error(error, now);
        }
        state.events.done(status);
        // As in recorded responses: a job canceled before it started has started and completed at the same time.
        if status == Status::Canceled && state.started_at.is_none() {
            state.started_at = Some(now);
            state.never_started = true;
        }
        if let Some(started) = state.started_at {
            state.metrics.push(("predict_time".into(), now.since(started)));
        }
        state.metrics.push(("total_time".into(), now.since(self.spec.created_at)));
        state.completed_at = Some(now);
        state.error = error;
        state.status = status;
        drop(state);
        self.notify(WebhookEvent::Completed, now);
    }

    pub(crate) fn cancel(&self, now: Timestamp) {
        self.finish(Status::Canceled, None, now);
    }

    /// Records an output file.
    pub(crate) fn add_file(&self, path: String) {
        lock(&self.state).files.push(path);
    }

    /// Returns the paths of the output files.
    pub(crate) fn files(&self) -> Vec<String> {
        lock(&self.state).files.clone()
    }

    /// Removes input, output and logs if their retention time has passed.
    pub(crate) fn remove_expired_data(&self, now: Timestamp) {
        let mut state = lock(&self.state);
        let due = state.completed_at.map(|at| at.plus(self.spec.retention));
        if due.is_some_and(|due| due <= now) {
            Self::remove_data(&mut state);
        }
    }

    /// Removes input, output and logs if the job has ended.
    pub(crate) fn remove_data_now(&self) {
        let mut state = lock(&self.state);
        if state.status.is_terminal() {
            Self::remove_data(&mut state);
        }
    }

    fn remove_data(state: &mut State) {
        if state.data_removed {
            return;
        }
        state.data_removed = true;
        state.input = Fields::new().finish();
        state.output = Output::None;
        state.logs = String::new();
        state.events = EventLog::removed();
    }

    /// Notifies waiters and the webhook.
    fn notify(&self, event: WebhookEvent, at: Timestamp) {
        self.changed.send_modify(|count| *count += 1);
        if let Some(webhook) = self.webhook.as_ref().filter(|webhook| webhook.wants(event, at)) {
            webhook.push(event, self.view(&self.spec.origin, Shape::Read), at);
        }
    }
}
