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
use crate::json::{Object, Raw};
use crate::problem::{InvalidField, Problem};
use crate::runner::{self, Publication, Task};
use crate::schema::{Input, Schema};
use crate::webhook::{HookEvent, deliver_to};

use super::prefer;

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
    let body = Body::read(&call, &["version", "input"])?;
    let wanted = body.version.clone().unwrap_or_default();
    let target = version_named(&call, &wanted)?;
    create(call, body, target).await
}

pub(super) async fn by_model(call: Call) -> Reply {
    let body = Body::read(&call, &["input"])?;
    let target = {
        let catalog = lock(&call.app.catalog);
        let model = catalog.model(call.parameter(0), call.parameter(1));
        let model = model.filter(|model| model.official).ok_or_else(Problem::not_found)?;
        target(model, model.versions.first().ok_or_else(Problem::invalid_version)?, true)
    };
    create(call, body, target).await
}

pub(super) async fn by_deployment(call: Call) -> Reply {
    let body = Body::read(&call, &["input"])?;
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

/// The members of a create's body, checked.
pub(super) struct Body {
    pub(super) version: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) input: Raw,
    pub(super) values: Object,
    pub(super) webhook: Option<String>,
    pub(super) filter: Option<Vec<HookEvent>>,
}

impl Body {
    /// A body with an input and nothing else. An input that is no object counts as empty.
    pub(super) fn of_input(input: &str) -> Self {
        let values: Object = serde_json::from_str(input).unwrap_or_default();
        Self {
            version: None,
            destination: None,
            input: crate::json::raw(&values),
            values,
            webhook: None,
            filter: None,
        }
    }

    /// Reads the body, of which `required` are the members it must have besides the optional ones.
    pub(super) fn read(call: &Call, required: &[&str]) -> Result<Self, Problem> {
        let object = call.json()?;
        let is_training = required.contains(&"destination");
        let mut problems = Vec::new();
        for name in required.iter().filter(|name| !object.contains_key(**name)) {
            problems.push(InvalidField::new("required", "", format!("{name} is required")));
        }
        for name in object.keys() {
            let optional = matches!(name.as_str(), "webhook" | "webhook_events_filter");
            let stream = name == "stream" && !is_training;
            if !optional && !stream && !required.contains(&name.as_str()) {
                problems.push(InvalidField::new(
                    "additional_property_not_allowed",
                    "",
                    format!("Additional property {name} is not allowed"),
                ));
            }
        }
        let version = member(&object, "version", "string", &mut problems);
        let destination = member(&object, "destination", "string", &mut problems);
        let webhook: Option<String> = member(&object, "webhook", "string", &mut problems);
        if let Some(url) = &webhook
            && !is_web_url(url)
        {
            let text = "Must be an https URL (this server takes http too)";
            problems.push(InvalidField::new("format", "webhook", text));
        }
        let _: Option<bool> = member(&object, "stream", "boolean", &mut problems);
        let values: Option<Object> = member(&object, "input", "object", &mut problems);
        let filter = read_filter(&object, &mut problems);
        if !problems.is_empty() {
            return Err(Problem::invalid_input(problems));
        }
        Ok(Self {
            version,
            destination,
            input: object.get("input").map_or_else(crate::json::null, |input| Raw::from(input.clone())),
            values: values.unwrap_or_default(),
            webhook,
            filter,
        })
    }
}

fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Decodes an optional member; null counts as absent for all but `input`.
fn member<T: serde::de::DeserializeOwned>(
    object: &Object,
    name: &str,
    expected: &str,
    problems: &mut Vec<InvalidField>,
) -> Option<T> {
    let value = object.get(name)?;
    if value.get() == "null" && name != "input" {
        return None;
    }
    let decoded = serde_json::from_str(value.get());
    if decoded.is_err() {
        let text = format!("Invalid type. Expected: {expected}, given: {}", kind(value.get()));
        problems.push(InvalidField::new("invalid_type", name, text));
    }
    decoded.ok()
}

fn kind(json: &str) -> &'static str {
    match json.bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ if json.contains(['.', 'e', 'E']) => "number",
        _ => "integer",
    }
}

fn read_filter(object: &Object, problems: &mut Vec<InvalidField>) -> Option<Vec<HookEvent>> {
    let names: Vec<String> = member(object, "webhook_events_filter", "array", problems)?;
    let mut filter = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match HookEvent::ALL.iter().find(|event| event.name() == name) {
            Some(event) => filter.push(*event),
            None => problems.push(InvalidField::new(
                "enum",
                format!("webhook_events_filter.{index}"),
                "must be one of the following: \"start\", \"output\", \"logs\", \"completed\"",
            )),
        }
    }
    Some(filter)
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
    body: Body,
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
async fn create(call: Call, body: Body, target: Target) -> Reply {
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
