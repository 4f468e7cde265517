//! Runs jobs.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::App;
use crate::catalog::Version;
use crate::config::Timing;
use crate::job::{Job, Kind, Status};
use crate::model::{Engine, Input, Run, Schema};
use crate::support::json::Fields;
use crate::support::time::Pace;
use crate::support::{ids, lock};

// The time between the end of the output and the terminal status, in which a hold can already end.
const SETTLE: Duration = Duration::from_millis(5);
const RUN_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The work of a job.
pub(crate) enum Task {
    Predict(Engine),
    /// Trains the model and adds the result to the destination.
    Train(Engine, Destination),
}

/// The model that a training adds a version to.
pub(crate) struct Destination {
    /// `owner/name`.
    pub(crate) model: String,
    pub(crate) schema: Arc<Schema>,
}

/// Runs a job in the background. Returns when its model knows of it. The job goes on if the caller does not wait.
pub(crate) async fn spawn(app: &App, job: Arc<Job>, task: Task, input: Input, timing: Timing) {
    let app = app.clone();
    let (sender, announced) = oneshot::channel();
    tokio::spawn(async move {
        let engine = match &task {
            Task::Predict(engine) => Some(engine.clone()),
            Task::Train(..) => None,
        };
        if let Some(engine) = &engine {
            engine.announce(&job.spec.id).await;
        }
        let _ = sender.send(());
        let pace = Pace::new(app.time.clone(), job.spec.created_at).up_to(job.spec.deadline);
        let work = execute(&app, &job, task, input, timing, &pace);
        tokio::select! {
            biased;
            // A cancel request has ended the job: this drops the work.
            () = job.until(|job| job.status().is_terminal()) => {}
            () = work => {}
            end = pace.ended() => {
                let status = match job.status() {
                    Status::Starting => Status::Aborted,
                    _ => Status::Canceled,
                };
                job.finish(status, None, end);
            }
        }
        if let Some(engine) = engine {
            engine.ended(&job.spec.id);
        }
    });
    let _ = announced.await;
}

/// Takes a job from the cold start to its terminal status.
async fn execute(app: &App, job: &Arc<Job>, task: Task, input: Input, timing: Timing, pace: &Pace) {
    let is_example = job.spec.kind == Kind::Example;
    let timing = if is_example { Timing { cold_start: Duration::ZERO, run: Duration::ZERO } } else { timing };
    let given = match &task {
        Task::Predict(engine) => engine.cold_start(&input),
        Task::Train(..) => None,
    };
    pace.sleep(given.unwrap_or(timing.cold_start)).await;
    let started = pace.now();
    if !job.start(started) {
        return;
    }
    let limit = started.plus(app.scaled(RUN_LIMIT));
    let run = Run { job: job.clone(), files: app.files.clone(), pace: pace.up_to(Some(limit)), is_example };
    let earliest = started.plus(app.scaled(timing.run));
    let work = AssertUnwindSafe(perform(app, task, input, run)).catch_unwind();
    let result = tokio::select! {
        biased;
        result = work => result.unwrap_or_else(|panic| Err(panicked(&*panic))),
        () = pace.reached(limit) => Err("The prediction ran for longer than 30 minutes".into()),
    };
    match result {
        Ok(()) => {
            pace.sleep_until(earliest).await;
            job.mark_output_complete();
            pace.sleep(SETTLE).await;
            job.finish(Status::Succeeded, None, pace.now());
        }
        Err(error) => job.finish(Status::Failed, Some(error), pace.now()),
    }
}

/// Returns the error of a model that panicked.
fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    match text.or_else(|| panic.downcast_ref::<&str>().copied()) {
        Some(text) => format!("The model panicked: {text}"),
        None => "The model panicked".into(),
    }
}

async fn perform(app: &App, task: Task, input: Input, run: Run) -> Result<(), String> {
    match task {
        Task::Predict(engine) => engine.run(input, run).await,
        Task::Train(engine, destination) => {
            let trained = engine.train(input, run.clone()).await?;
            let weights = run.save("weights.json", "application/json", trained.weights);
            let id = publish(app, &destination, trained.engine)?;
            let version = format!("{}:{id}", destination.model);
            let output = Fields::new().put("version", &version).put("weights", &weights);
            run.output(output.finish());
            Ok(())
        }
    }
}

/// Adds a version to the destination and returns its id.
fn publish(app: &App, destination: &Destination, engine: Engine) -> Result<String, String> {
    let mut catalog = lock(&app.catalog);
    let model = catalog.models.get_mut(&destination.model);
    let model = model.ok_or_else(|| format!("The destination {} has been deleted", destination.model))?;
    let version = Version {
        id: ids::version(),
        created_at: app.now(),
        schema: destination.schema.clone(),
        engine,
        overridden_by: None,
    };
    let id = version.id.clone();
    model.versions.insert(0, version);
    Ok(id)
}
