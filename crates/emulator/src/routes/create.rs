//! Creating predictions: by version, by official model, by deployment.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};

use crate::app::{App, Counted, lock};
use crate::call::{Call, Reply, json};
use crate::catalog::{Engine, HIDDEN, ModelEntry, Version};
use crate::config::Timing;
use crate::ids;
use crate::job::{Job, Kind, Order, Shape};
use crate::problem::Problem;
use crate::runner::{self, Publication, Task};
use crate::schema::{Input, Schema};
use crate::webhook::deliver_to;

use super::prefer;
use super::submission::Submission;

/// A version chosen to run, copied out of the catalogue.
pub(super) struct Target {
    pub(super) model: String,
    /// The version as answers show it.
    pub(super) shown_version: String,
    pub(super) deployment: Option<String>,
    pub(super) schema: Arc<Schema>,
    pub(super) engine: Engine,
    pub(super) timing: Timing,
    pub(super) streams: bool,
    /// For a training: what becomes of its result.
    pub(super) publication: Option<Publication>,
}

pub(super) async fn by_version(call: Call) -> Reply {
    let body = Submission::read(&call, &["version"])?;
    let wanted = body.version.clone().unwrap_or_default();
    let target = version_named(&call, &wanted)?;
    create(call, body, target).await
}

pub(super) async fn by_model(call: Call) -> Reply {
    let body = Submission::read(&call, &[])?;
    let target = {
        let catalog = lock(&call.app.catalog);
        let model = catalog.model(call.parameter(0), call.parameter(1));
        let model = model.filter(|model| model.official).ok_or_else(Problem::not_found)?;
        target(model, model.versions.first().ok_or_else(Problem::invalid_version)?, true)
    };
    create(call, body, target).await
}

pub(super) async fn by_deployment(call: Call) -> Reply {
    let body = Submission::read(&call, &[])?;
    let (owner, name) = (call.parameter(0), call.parameter(1));
    let deployment = lock(&call.app.deployments).get(&format!("{owner}/{name}")).cloned();
    let deployment = deployment.ok_or_else(Problem::not_found)?;
    let target = {
        let catalog = lock(&call.app.catalog);
        let model = catalog.models.get(&deployment.model).ok_or_else(Problem::invalid_version)?;
        let mut versions = model.versions.iter();
        let version = versions.find(|version| version.id == deployment.version);
        let mut target = target(model, version.ok_or_else(Problem::invalid_version)?, false);
        target.deployment = Some(deployment.name);
        target
    };
    create(call, body, target).await
}

/// Resolves `id`, `owner/name:id`, or `owner/name` of an official model.
fn version_named(call: &Call, wanted: &str) -> Result<Target, Problem> {
    let catalog = lock(&call.app.catalog);
    let (name, id) = match wanted.split_once(':') {
        Some((name, id)) => (Some(name), Some(id)),
        None if wanted.contains('/') => (Some(wanted), None),
        None => (None, Some(wanted)),
    };
    let found = match (name, id) {
        (Some(name), None) => {
            let model = catalog.models.get(name).filter(|model| model.official);
            return model
                .and_then(|model| Some(target(model, model.versions.first()?, true)))
                .ok_or_else(Problem::invalid_version);
        }
        (_, Some(id)) => catalog.find_version(id),
        (None, None) => None,
    };
    let (model, version) = found.ok_or_else(Problem::invalid_version)?;
    if name.is_some_and(|name| name != model.full_name()) {
        return Err(Problem::invalid_version());
    }
    Ok(target(model, version, false))
}

pub(super) fn target(model: &ModelEntry, version: &Version, official: bool) -> Target {
    // Some versions are run by another one, and answers name that.
    let actual = version.overridden_by.as_ref().and_then(|id| model.version(id)).unwrap_or(version);
    Target {
        model: model.full_name(),
        shown_version: if official { HIDDEN.into() } else { actual.id.clone() },
        deployment: None,
        schema: actual.schema.clone(),
        engine: actual.engine.clone(),
        timing: model.timing,
        streams: model.streams,
        publication: None,
    }
}

/// How a job differs from the next one of its target.
pub(super) struct Terms {
    pub(super) kind: Kind,
    pub(super) cancel_after: Option<Duration>,
    pub(super) retention: Duration,
}

/// Checks an input and starts a job with it.
pub(super) fn start(
    app: &App,
    origin: &str,
    body: Submission,
    target: Target,
    terms: Terms,
) -> Result<Arc<Job>, Problem> {
    let problems = target.schema.check(&body.values);
    if !problems.is_empty() {
        return Err(Problem::invalid_input(problems));
    }
    let Terms { kind, cancel_after, retention } = terms;
    let created_at = app.now();
    let streams = target.streams && kind != Kind::Training;
    let order = Order {
        kind,
        id: ids::prediction(),
        model: target.model,
        version: target.shown_version,
        deployment: target.deployment,
        input: body.input.clone(),
        origin: origin.to_owned(),
        source: if kind == Kind::Example { "web" } else { "api" },
        stream_key: streams.then(ids::capability),
        created_at,
        deadline: cancel_after.map(|time| created_at.plus(app.scaled(time))),
        retention,
        webhook: body.webhook.clone(),
        webhook_filter: body.filter.clone(),
    };
    let hook = body.webhook.map(|url| deliver_to(app, url, body.filter));
    if let (Some(model), Kind::Prediction) = (lock(&app.catalog).models.get_mut(&order.model), kind) {
        model.run_count += 1;
    }
    let iterates = target.schema.iterates;
    let input = Input::new(body.input, body.values, target.schema);
    let job = Arc::new(Job::new(order, hook));
    if iterates {
        job.begin_list();
    }
    lock(&app.jobs).insert(job.order.id.clone(), job.clone());
    if let Some(key) = &job.order.stream_key {
        lock(&app.streams).insert(key.clone(), job.clone());
    }
    let task = match target.publication {
        Some(publication) => Task::Train(target.engine, publication),
        None => Task::Predict(target.engine),
    };
    runner::spawn(app, job.clone(), task, input, target.timing);
    Ok(job)
}

/// Creates a prediction, and holds the answer as long as `Prefer` asks.
async fn create(call: Call, body: Submission, target: Target) -> Reply {
    let cancel_after = match call.header("cancel-after") {
        Some(text) => Some(prefer::cancel_after(text)?),
        None => None,
    };
    let hold = call.header("prefer").and_then(prefer::hold);
    let terms =
        Terms { kind: Kind::Prediction, cancel_after, retention: call.app.scaled(call.app.config.retention) };
    let job = start(&call.app, &call.origin, body, target, terms)?;
    let (status, shape) = match hold {
        None => (StatusCode::CREATED, Shape::Created),
        Some(time) => {
            let _counted = Counted::new(&call.app.gauges, |gauges| &gauges.holds);
            let until_finished = call.app.config.hold_until_finished;
            let ready = |job: &Job| match until_finished {
                true => job.status().is_terminal(),
                false => job.output_complete(),
            };
            match tokio::time::timeout(call.app.scaled(time), job.until(ready)).await {
                Ok(()) => (StatusCode::CREATED, Shape::Created),
                Err(_) => (StatusCode::ACCEPTED, Shape::HoldExpired),
            }
        }
    };
    let mut response = json(status, job.view(&call.origin, shape));
    let location = format!("{}/v1/predictions/{}", call.origin, job.order.id);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if hold.is_some()
        && let Some(preference) = call.headers.get("prefer")
    {
        response.headers_mut().insert("preference-applied", preference.clone());
    }
    Ok(response)
}
