//! Starts jobs.

use std::sync::Arc;
use std::time::Duration;

use super::create_body::CreateBody;
use crate::catalog::{ModelEntry, Version};
use crate::config::Timing;
use crate::http::problem::Problem;
use crate::job::{Job, JobSpec, Kind};
use crate::model::{Engine, HIDDEN, Input, Schema};
use crate::state::App;
use crate::state::runner::{self, Destination, Task};
use crate::support::{ids, lock};

/// The version to run, copied from the catalog.
pub(super) struct Target {
    pub(super) model: String,
    /// The version id in responses.
    pub(super) shown_version: String,
    pub(super) actual_version: String,
    pub(super) deployment: Option<String>,
    pub(super) schema: Arc<Schema>,
    pub(super) engine: Engine,
    pub(super) timing: Timing,
    pub(super) streams: bool,
    /// The destination of a training.
    pub(super) destination: Option<Destination>,
}

/// Selects a version of a model to run.
pub(super) fn target(model: &ModelEntry, version: &Version, official: bool) -> Target {
    // As the API does: a version can run in place of another one, and responses show its id.
    let actual = version.overridden_by.as_ref().and_then(|id| model.version(id)).unwrap_or(version);
    Target {
        model: model.full_name(),
        shown_version: if official { HIDDEN.into() } else { actual.id.clone() },
        actual_version: actual.id.clone(),
        deployment: None,
        schema: actual.schema.clone(),
        engine: actual.engine.clone(),
        timing: model.timing,
        streams: model.streams,
        destination: None,
    }
}

/// Options of a job.
pub(super) struct StartOptions {
    pub(super) kind: Kind,
    pub(super) cancel_after: Option<Duration>,
    pub(super) retention: Duration,
}

/// Validates an input and starts a job.
pub(super) async fn start(
    app: &App,
    origin: &str,
    body: CreateBody,
    target: Target,
    options: StartOptions,
) -> Result<Arc<Job>, Problem> {
    let problems = target.schema.check(&body.values);
    if !problems.is_empty() {
        return Err(Problem::invalid_input(problems));
    }
    if options.kind == Kind::Prediction && !app.limits.pay() {
        return Err(Problem::insufficient_credit());
    }
    let StartOptions { kind, cancel_after, retention } = options;
    let created_at = app.now();
    let streams = target.streams && kind != Kind::Training;
    let spec = JobSpec {
        kind,
        id: ids::prediction(),
        model: target.model,
        version: target.shown_version,
        actual_version: target.actual_version,
        deployment: target.deployment,
        input: body.input.clone(),
        origin: origin.to_owned(),
        source: if kind == Kind::Example { "web" } else { "api" },
        streams_files: target.schema.outputs_files,
        stream_key: streams.then(ids::url_key),
        created_at,
        deadline: cancel_after.map(|time| created_at.plus(app.scaled(time))),
        retention,
        webhook: body.webhook.clone(),
        webhook_filter: body.filter.clone(),
    };
    let webhook = body.webhook.map(|url| app.webhooks.deliver_to(spec.id.clone(), url, body.filter));
    if let (Some(model), Kind::Prediction) = (lock(&app.catalog).models.get_mut(&spec.model), kind) {
        model.run_count += 1;
    }
    let iterates = target.schema.iterates;
    let input = Input::new(body.input, body.values, target.schema);
    let job = Arc::new(Job::new(spec, webhook));
    if iterates {
        job.begin_list();
    }
    app.jobs.add(&job, &app.files);
    let task = match target.destination {
        Some(destination) => Task::Train(target.engine, destination),
        None => Task::Predict(target.engine),
    };
    runner::spawn(app, job.clone(), task, input, target.timing).await;
    Ok(job)
}
