//! Takes a job through its life, and is the world a model sees while it works.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, lock};
use crate::catalog::{Engine, Version};
use crate::config::Timing;
use crate::fetch::{self, Fetched};
use crate::files;
use crate::ids;
use crate::job::{Job, Status};
use crate::json::{Fields, Raw, raw};
use crate::models::Input;
use crate::schema::Schema;

// The pause between the last piece of output and the final status, in which a held create already answers.
const SETTLE: Duration = Duration::from_millis(5);
const RUN_LIMIT: Duration = Duration::from_secs(30 * 60);

/// What a job is to do.
pub(crate) enum Task {
    Predict(Engine),
    /// Train the model and add the result to the destination, an `owner/name`.
    Train(Engine, Publication),
}

/// Where the result of a training goes.
pub(crate) struct Publication {
    pub(crate) destination: String,
    pub(crate) schema: Arc<Schema>,
}

/// Runs a job in the background.
pub(crate) fn spawn(app: &App, job: Arc<Job>, task: Task, input: Input, timing: Timing) {
    let app = app.clone();
    tokio::spawn(async move {
        let work = live(&app, &job, task, input, timing);
        tokio::select! {
            biased;
            // Dropping the work is how it is cancelled.
            () = job.until(|job| job.status().is_terminal()) => {}
            () = at_deadline(&app, &job) => {
                let status = match job.status() {
                    Status::Starting => Status::Aborted,
                    _ => Status::Canceled,
                };
                job.finish(status, None, app.now());
            }
            () = work => {}
        }
    });
}

async fn at_deadline(app: &App, job: &Job) {
    match job.order.deadline {
        Some(deadline) => {
            let left = deadline.since(app.now());
            tokio::time::sleep(Duration::from_secs_f64(left)).await;
        }
        None => std::future::pending().await,
    }
}

async fn live(app: &App, job: &Arc<Job>, task: Task, input: Input, timing: Timing) {
    let cold_start = input.number("cold_start").map_or(timing.cold_start, seconds);
    tokio::time::sleep(app.scaled(cold_start)).await;
    if !job.start(app.now()) {
        return;
    }
    let run = Run { app: app.clone(), job: job.clone() };
    let least = tokio::time::sleep(app.scaled(timing.run));
    let limit = tokio::time::sleep(app.scaled(RUN_LIMIT));
    let result = tokio::select! {
        result = perform(task, input, run) => result,
        () = limit => Err("The prediction ran for longer than 30 minutes".into()),
    };
    match result {
        Ok(()) => {
            least.await;
            job.mark_output_complete();
            tokio::time::sleep(app.scaled(SETTLE)).await;
            job.finish(Status::Succeeded, None, app.now());
        }
        Err(error) => job.finish(Status::Failed, Some(error), app.now()),
    }
}

async fn perform(task: Task, input: Input, run: Run) -> Result<(), String> {
    match task {
        Task::Predict(engine) => engine.run(input, run).await,
        Task::Train(engine, publication) => {
            let trained = engine.train(input, run.clone()).await?;
            let weights = run.save("weights.json", "application/json", trained.weights);
            let version =
                format!("{}:{}", publication.destination, publish(&run, &publication, trained.engine)?);
            let output = Fields::new().put("version", &version).put("weights", &weights);
            run.output(output.finish());
            Ok(())
        }
    }
}

/// Adds a version to a model and gives its id.
fn publish(run: &Run, publication: &Publication, engine: Engine) -> Result<String, String> {
    let destination = &publication.destination;
    let mut catalog = lock(&run.app.catalog);
    let model = catalog.models.get_mut(destination);
    let model = model.ok_or_else(|| format!("The destination {destination} has been deleted"))?;
    let version = Version {
        id: ids::version(),
        created_at: run.app.now(),
        schema: publication.schema.clone(),
        engine,
        overridden_by: None,
    };
    let id = version.id.clone();
    model.versions.insert(0, version);
    Ok(id)
}

/// Seconds given by a caller, kept within what a timer takes.
pub(crate) fn seconds(value: f64) -> Duration {
    Duration::from_secs_f64(if value.is_finite() { value.clamp(0.0, 86_400.0) } else { 0.0 })
}

/// What a model can do while it works on a job.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) app: App,
    pub(crate) job: Arc<Job>,
}

impl Run {
    /// Writes a line to the logs.
    pub(crate) fn log(&self, line: impl AsRef<str>) {
        self.job.log(&format!("{}\n", line.as_ref()), self.app.now());
    }

    /// Adds an item to the output list.
    pub(crate) fn emit(&self, item: &str) {
        self.job.emit(raw(item), self.app.now());
    }

    /// Sets the whole output.
    pub(crate) fn output(&self, value: Raw) {
        self.job.set_output(value, self.app.now());
    }

    pub(crate) fn metric(&self, name: &str, value: f64) {
        self.job.metric(name, value);
    }

    pub(crate) async fn sleep(&self, time: Duration) {
        tokio::time::sleep(self.app.scaled(time)).await;
    }

    /// Reads a file input. The error is ready to be shown to the user.
    pub(crate) async fn fetch(&self, name: &str, uri: &str) -> Result<Fetched, String> {
        let result = fetch::fetch(&self.app, uri).await;
        result.map_err(|error| {
            self.log(format!("Could not read input.{name}"));
            format!("Could not read input.{name}: {error}")
        })
    }

    /// Keeps an output file and gives its URL.
    pub(crate) fn save(&self, name: &str, content_type: &'static str, bytes: Vec<u8>) -> String {
        files::save_output(&self.app, &self.job, name, content_type, bytes)
    }

    /// Runs work that keeps a processor busy, off the thread that serves requests.
    pub(crate) async fn busy<T, F>(&self, work: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, String> + Send + 'static,
    {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(_) => Err("The model crashed".into()),
        }
    }
}

/// What a model's work yields: nothing (its output has been handed over) or what is shown as the job's `error`.
pub(crate) type Work<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;
