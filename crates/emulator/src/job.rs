//! One prediction or training, from creation to its end.

use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::app::lock;
use crate::clock::Stamp;
use crate::events::EventLog;
use crate::json::{Raw, array};
use crate::webhook::{Hook, HookEvent};

mod view;

pub(crate) use view::Shape;

/// Where a job stands.
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
    /// The prediction that shows what a model does; in nobody's list.
    Example,
}

/// What a job makes known so far.
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

/// What was asked for; never changes.
pub(crate) struct Order {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// `owner/name`.
    pub(crate) model: String,
    /// The version as answers show it.
    pub(crate) version: String,
    pub(crate) deployment: Option<String>,
    pub(crate) input: Raw,
    pub(crate) origin: String,
    pub(crate) source: &'static str,
    pub(crate) stream_key: Option<String>,
    pub(crate) created_at: Stamp,
    pub(crate) deadline: Option<Stamp>,
    pub(crate) retention: Duration,
    pub(crate) webhook: Option<String>,
    pub(crate) webhook_filter: Option<Vec<HookEvent>>,
}

/// What changes while it runs.
struct Live {
    status: Status,
    output: Output,
    output_complete: bool,
    logs: String,
    error: Option<String>,
    started_at: Option<Stamp>,
    completed_at: Option<Stamp>,
    metrics: Vec<(String, f64)>,
    data_removed: bool,
    events: EventLog,
}

/// One prediction or training.
pub(crate) struct Job {
    pub(crate) order: Order,
    live: Mutex<Live>,
    changed: watch::Sender<u64>,
    hook: Option<mpsc::UnboundedSender<Hook>>,
}

impl Job {
    pub(crate) fn new(order: Order, hook: Option<mpsc::UnboundedSender<Hook>>) -> Self {
        Self {
            order,
            live: Mutex::new(Live {
                status: Status::Starting,
                output: Output::None,
                output_complete: false,
                logs: String::new(),
                error: None,
                started_at: None,
                completed_at: None,
                metrics: Vec::new(),
                data_removed: false,
                events: EventLog::default(),
            }),
            changed: watch::Sender::new(0),
            hook,
        }
    }

    pub(crate) fn status(&self) -> Status {
        lock(&self.live).status
    }

    /// Whether the whole output is there, or the job ended without.
    pub(crate) fn output_complete(&self) -> bool {
        let live = lock(&self.live);
        live.output_complete || live.status.is_terminal()
    }

    /// Resolves when `condition` holds, which is tested after every change.
    pub(crate) async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.changed.subscribe();
        while !condition(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// A receiver that wakes at every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Runs `read` on the events sent so far.
    pub(crate) fn events<T>(&self, read: impl FnOnce(&EventLog) -> T) -> T {
        read(&lock(&self.live).events)
    }

    /// Moves from starting to processing. False if it already ended.
    pub(crate) fn start(&self, now: Stamp) -> bool {
        let mut live = lock(&self.live);
        if live.status != Status::Starting {
            return false;
        }
        live.status = Status::Processing;
        live.started_at = Some(now);
        drop(live);
        self.tell(HookEvent::Start);
        true
    }

    /// Adds an item to a list output.
    pub(crate) fn emit(&self, item: Raw, now: Stamp) {
        let mut live = lock(&self.live);
        if live.status.is_terminal() {
            return;
        }
        live.events.output(&item, now);
        match &mut live.output {
            Output::Items(items) => items.push(item),
            other => *other = Output::Items(vec![item]),
        }
        drop(live);
        self.tell(HookEvent::Output);
    }

    /// Makes the output an empty list, for a model that yields items one by one and may yield none.
    pub(crate) fn begin_list(&self) {
        lock(&self.live).output = Output::Items(Vec::new());
    }

    /// Sets an output that is there all at once.
    pub(crate) fn set_output(&self, value: Raw, now: Stamp) {
        let mut live = lock(&self.live);
        if live.status.is_terminal() {
            return;
        }
        live.events.whole_output(&value, now);
        live.output = Output::Whole(value);
        drop(live);
        self.tell(HookEvent::Output);
    }

    /// Appends to the logs, as is.
    pub(crate) fn log(&self, text: &str, now: Stamp) {
        let mut live = lock(&self.live);
        if live.status.is_terminal() {
            return;
        }
        live.logs.push_str(text);
        live.events.logs(text, now);
        drop(live);
        self.tell(HookEvent::Logs);
    }

    pub(crate) fn metric(&self, name: &str, value: f64) {
        lock(&self.live).metrics.push((name.into(), value));
    }

    pub(crate) fn mark_output_complete(&self) {
        lock(&self.live).output_complete = true;
        self.changed.send_modify(|count| *count += 1);
    }

    /// Ends the job. Does nothing if it has ended before, so that a cancel and a result may race.
    pub(crate) fn finish(&self, status: Status, error: Option<String>, now: Stamp) {
        let mut live = lock(&self.live);
        if live.status.is_terminal() {
            return;
        }
        if let (Some(error), true) = (&error, status == Status::Failed) {
            live.events.error(error, now);
        }
        live.events.done(status);
        // Cancelled while it waited: recorded answers show it as started and completed in the same instant.
        if status == Status::Canceled && live.started_at.is_none() {
            live.started_at = Some(now);
        }
        if let Some(started) = live.started_at {
            live.metrics.push(("predict_time".into(), now.since(started)));
        }
        live.metrics.push(("total_time".into(), now.since(self.order.created_at)));
        live.completed_at = Some(now);
        live.error = error;
        live.status = status;
        drop(live);
        self.tell(HookEvent::Completed);
    }

    /// Forgets input, output and logs once they have been kept long enough.
    pub(crate) fn forget_if_due(&self, now: Stamp) {
        let mut live = lock(&self.live);
        let due = live.completed_at.map(|at| at.plus(self.order.retention));
        if due.is_some_and(|due| due <= now) {
            self.forget(&mut live);
        }
    }

    /// Forgets at once, if the job has ended.
    pub(crate) fn forget_now(&self) {
        let mut live = lock(&self.live);
        if live.status.is_terminal() {
            self.forget(&mut live);
        }
    }

    fn forget(&self, live: &mut Live) {
        live.data_removed = true;
        live.output = Output::None;
        live.logs.clear();
        live.events = EventLog::gone();
    }

    fn tell(&self, event: HookEvent) {
        self.changed.send_modify(|count| *count += 1);
        if let Some(hook) = &self.hook {
            let body = self.view(&self.order.origin, Shape::Read);
            let _ = hook.send(Hook { event, body });
        }
    }
}
