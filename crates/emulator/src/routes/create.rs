//! Creates predictions: by version, by official model and by deployment.

use axum::http::{HeaderValue, StatusCode, header};

use crate::http::gauges::GaugeGuard;
use crate::http::problem::Problem;
use crate::job::{Job, Kind, Shape};
use crate::request::{Call, Reply, json};
use crate::support::lock;

use super::create_body::CreateBody;
use super::headers;
use super::start::{StartOptions, Target, start, target};

pub(super) async fn by_version(call: Call) -> Reply {
    let body = CreateBody::read(&call, &["version"])?;
    let wanted = body.version.clone().unwrap_or_default();
    let target = find_version(&call, &wanted)?;
    create(call, body, target).await
}

pub(super) async fn by_model(call: Call) -> Reply {
    let body = CreateBody::read(&call, &[])?;
    let target = {
        let catalog = lock(&call.app.catalog);
        let model = catalog.models.get(&call.name());
        let model = model.ok_or_else(|| Problem::unknown_model(&call.name()))?;
        if !model.official {
            let newest = model.versions.first().map(|version| &*version.id);
            return Err(Problem::not_found().not_official(&call.name(), newest));
        }
        target(model, model.versions.first().ok_or_else(Problem::invalid_version)?, true)
    };
    create(call, body, target).await
}

pub(super) async fn by_deployment(call: Call) -> Reply {
    let body = CreateBody::read(&call, &[])?;
    let deployment = lock(&call.app.deployments).get(&call.name()).cloned();
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

/// Finds the version for `id`, `owner/name:id`, or `owner/name` of an official model.
fn find_version(call: &Call, wanted: &str) -> Result<Target, Problem> {
    let catalog = lock(&call.app.catalog);
    let (name, id) = match wanted.split_once(':') {
        Some((name, id)) => (Some(name), Some(id)),
        None if wanted.contains('/') => (Some(wanted), None),
        None => (None, Some(wanted)),
    };
    let found = match (name, id) {
        (Some(name), None) => {
            let model = catalog.models.get(name).ok_or_else(|| Problem::unknown_version(Some(name)))?;
            let newest = model.versions.first();
            if !model.official {
                return Err(Problem::invalid_version().not_official(name, newest.map(|version| &*version.id)));
            }
            return Ok(target(model, newest.ok_or_else(Problem::invalid_version)?, true));
        }
        (_, Some(id)) => catalog.find_version(id),
        (None, None) => None,
    };
    let (model, version) = found.ok_or_else(|| Problem::unknown_version(name))?;
    if name.is_some_and(|name| name != model.full_name()) {
        return Err(Problem::invalid_version());
    }
    Ok(target(model, version, false))
}

/// Creates a prediction, and holds the response as the `Prefer` header asks.
async fn create(call: Call, body: CreateBody, target: Target) -> Reply {
    let cancel_after = match call.header("cancel-after") {
        Some(text) => Some(headers::cancel_after(text)?),
        None => None,
    };
    let hold = call.header("prefer").and_then(headers::hold);
    let options = StartOptions { kind: Kind::Prediction, cancel_after, retention: call.app.retention() };
    let job = start(&call.app, &call.origin, body, target, options).await?;
    let (status, shape) = match hold {
        None => (StatusCode::CREATED, Shape::Created),
        Some(time) => {
            let _guard = GaugeGuard::new(&call.app.gauges, |gauges| &gauges.holds);
            let until_finished = call.app.config.hold_until_finished;
            let ready = |job: &Job| match until_finished {
                true => job.status().is_terminal(),
                false => job.output_complete(),
            };
            match call.app.time.timeout(time, job.until(ready)).await {
                Some(()) if until_finished => (StatusCode::CREATED, Shape::Created),
                Some(()) => (StatusCode::CREATED, Shape::Output),
                None => (StatusCode::ACCEPTED, Shape::HoldExpired),
            }
        }
    };
    let mut response = json(status, job.view(&call.origin, shape));
    let location = format!("{}/v1/predictions/{}", call.origin, job.spec.id);
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
