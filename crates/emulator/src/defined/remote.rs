//! Models that another program runs, such as the test that started the emulator.
//!
//! The program, a worker, keeps one response open, on which each run and each cancel arrives as a line of JSON. It sends
//! logs, outputs and the result of a run with requests of its own. A worker can also follow predictions from their
//! creation to their end, so that its event loop stays alive for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::model::{Announcement, Input, Model, Run, Work};
use crate::support::json::{Fields, Raw};
use crate::support::lock;

/// What a worker reports about a run.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Event {
    Logs(String),
    /// Appends an item to the output.
    Emit(Box<RawValue>),
    /// Sets the whole output.
    Output(Box<RawValue>),
    Metric(String, f64),
    Done,
    Failed(String),
}

/// The workers and their runs.
#[derive(Default)]
pub(crate) struct Hub {
    workers: Mutex<HashMap<String, Worker>>,
    runs: Mutex<HashMap<String, Active>>,
    /// The predictions whose creation a worker has not acknowledged yet.
    announced: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

#[derive(Default)]
struct Worker {
    /// The lines that wait for the worker to connect.
    waiting: VecDeque<String>,
    connection: Option<mpsc::UnboundedSender<String>>,
    /// Whether it also receives lines for the creation and the end of predictions.
    follows: bool,
    has_left: bool,
}

/// A run in progress.
#[derive(Clone)]
struct Active {
    worker: String,
    run: Run,
    events: mpsc::UnboundedSender<Event>,
}

const LEFT: &str = "The program that defined the model has ended";
/// The time that a create waits for a busy worker to acknowledge it.
const ACKNOWLEDGE: Duration = Duration::from_secs(1);

impl Hub {
    /// Connects a worker. Returns the lines to send to it, which end when another connection replaces this one.
    pub(crate) fn connect(&self, worker: &str, follows: bool) -> mpsc::UnboundedReceiver<String> {
        let (sender, lines) = mpsc::unbounded_channel();
        let mut workers = lock(&self.workers);
        let worker = workers.entry(worker.to_owned()).or_default();
        for line in worker.waiting.drain(..) {
            let _ = sender.send(line);
        }
        worker.connection = Some(sender);
        worker.follows = follows;
        worker.has_left = false;
        lines
    }

    /// Fails the runs of a worker whose connection has ended.
    pub(crate) fn disconnect(&self, name: &str) {
        let mut workers = lock(&self.workers);
        let Some(worker) = workers.get_mut(name) else { return };
        if worker.connection.as_ref().is_some_and(|connection| !connection.is_closed()) {
            // The worker has connected again.
            return;
        }
        worker.connection = None;
        worker.has_left = true;
        drop(workers);
        for active in lock(&self.runs).values().filter(|active| active.worker == name) {
            let _ = active.events.send(Event::Failed(LEFT.into()));
        }
    }

    /// Sends a line to a worker. Returns false if the worker has left.
    fn send(&self, worker: &str, line: String) -> bool {
        let mut workers = lock(&self.workers);
        let worker = workers.entry(worker.to_owned()).or_default();
        match &worker.connection {
            Some(connection) => connection.send(line).is_ok(),
            None if worker.has_left => false,
            None => {
                worker.waiting.push_back(line);
                true
            }
        }
    }

    /// Sends a line to a worker that follows predictions. Returns false if it does not.
    fn notify(&self, worker: &str, event: &str, id: &str) -> bool {
        let workers = lock(&self.workers);
        let worker = workers.get(worker).filter(|worker| worker.follows);
        let connection = worker.and_then(|worker| worker.connection.as_ref());
        let line = || Fields::new().put(event, id).finish().get().to_owned();
        connection.is_some_and(|connection| connection.send(line()).is_ok())
    }

    /// Lets the create of a prediction continue.
    pub(crate) fn acknowledge(&self, id: &str) {
        if let Some(sender) = lock(&self.announced).remove(id) {
            let _ = sender.send(());
        }
    }

    /// Hands events to a run. Returns false if it has ended.
    pub(crate) fn report(&self, id: &str, events: Vec<Event>) -> bool {
        let active = lock(&self.runs).get(id).cloned();
        active.is_some_and(|active| events.into_iter().all(|event| active.events.send(event).is_ok()))
    }

    /// Returns the context of a run, unless it has ended.
    pub(crate) fn run(&self, id: &str) -> Option<Run> {
        lock(&self.runs).get(id).map(|active| active.run.clone())
    }
}

/// A model whose runs a worker performs.
pub(super) struct Remote {
    hub: Arc<Hub>,
    worker: String,
    definition: Option<String>,
}

impl Remote {
    pub(super) fn new(hub: Arc<Hub>, worker: String, definition: Option<String>) -> Self {
        Self { hub, worker, definition }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // No version and no prediction needs the function any more.
        if let Some(definition) = &self.definition {
            let line = Fields::new().put("forget", definition).finish();
            self.hub.send(&self.worker, line.get().to_owned());
        }
    }
}

impl Model for Remote {
    fn announce<'a>(&'a self, id: &'a str) -> Announcement<'a> {
        Box::pin(async move {
            let (sender, acknowledged) = oneshot::channel();
            lock(&self.hub.announced).insert(id.to_owned(), sender);
            if self.hub.notify(&self.worker, "created", id) {
                let _ = tokio::time::timeout(ACKNOWLEDGE, acknowledged).await;
            }
            self.hub.acknowledge(id);
        })
    }

    fn ended(&self, id: &str) {
        self.hub.notify(&self.worker, "ended", id);
    }

    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let (sender, mut events) = mpsc::unbounded_channel();
            let spec = &run.job.spec;
            let active = Active { worker: self.worker.clone(), run: run.clone(), events: sender };
            lock(&self.hub.runs).insert(spec.id.clone(), active);
            let mut guard = Guard { hub: &self.hub, worker: &self.worker, id: &spec.id, ended: false };
            let task = Fields::new()
                .put("id", &spec.id)
                .put("model", &spec.model)
                .put_some("definition", self.definition.as_ref())
                .put("input", &input.complete());
            let line = Fields::new().put("run", &task.finish()).finish();
            if !self.hub.send(&self.worker, line.get().to_owned()) {
                guard.ended = true;
                return Err(LEFT.into());
            }
            while let Some(event) = events.recv().await {
                match event {
                    Event::Logs(text) => run.write(&text),
                    Event::Emit(item) => run.emit_value(Raw::from(item)),
                    Event::Output(value) => run.output(Raw::from(value)),
                    Event::Metric(name, value) => run.metric(&name, value),
                    Event::Done => {
                        guard.ended = true;
                        return Ok(());
                    }
                    Event::Failed(error) => {
                        guard.ended = true;
                        return Err(error);
                    }
                }
            }
            Err(LEFT.into())
        })
    }
}

/// Forgets a run when it ends, and cancels it on the worker if it was abandoned.
struct Guard<'a> {
    hub: &'a Hub,
    worker: &'a str,
    id: &'a str,
    ended: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        lock(&self.hub.runs).remove(self.id);
        if !self.ended {
            let line = Fields::new().put("cancel", self.id).finish();
            self.hub.send(self.worker, line.get().to_owned());
        }
    }
}
