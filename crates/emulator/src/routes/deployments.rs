//! Deployments.

use axum::http::StatusCode;

use crate::app::lock;
use crate::call::{Call, Reply, empty, ok};
use crate::deployments::Deployment;
use crate::page::{Item, Order, page};
use crate::problem::Problem;

use super::body::Reader;
use super::hardware;

const PAGE: usize = 100;
const MOST_MIN_INSTANCES: i64 = 5;
const MOST_MAX_INSTANCES: i64 = 20;

pub(super) async fn list(call: Call) -> Reply {
    let item = |deployment: &Deployment| Item { at: deployment.made_at, body: deployment.view() };
    let items = lock(&call.app.deployments).values().map(item).collect();
    page(&call, items, Order::NewestFirst, PAGE)
}

pub(super) async fn create(call: Call) -> Reply {
    let mut body = Reader::new(&call)?;
    let name = body.text("name", true);
    let model = body.text("model", true);
    let version = body.text("version", true);
    let hardware = body.choice("hardware", true, &hardware::skus());
    let min_instances = body.integer("min_instances", true, MOST_MIN_INSTANCES);
    let max_instances = body.integer("max_instances", true, MOST_MAX_INSTANCES);
    let full_name = format!("{}/{}", call.app.config.account, name.as_deref().unwrap_or_default());
    let valid = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    if name.as_deref().is_some_and(|name| !valid(name)) {
        body.report("pattern", "name", "Only letters, digits, dashes, dots and underscores are allowed");
    }
    if lock(&call.app.deployments).contains_key(&full_name) {
        body.report("unique", "name", "There is a deployment of this name already");
    }
    body.finish()?;
    let (model, version) = (model.unwrap_or_default(), version.unwrap_or_default());
    check_version(&call, &model, &version)?;
    let now = call.app.now();
    let deployment = Deployment {
        owner: call.app.config.account.clone(),
        name: name.unwrap_or_default(),
        number: 1,
        model,
        version,
        hardware: hardware.unwrap_or_default(),
        min_instances: min_instances.unwrap_or_default(),
        max_instances: max_instances.unwrap_or_default(),
        made_at: now,
        created_at: now,
    };
    let view = deployment.view();
    lock(&call.app.deployments).insert(full_name, deployment);
    Ok(ok(view))
}

pub(super) async fn read(call: Call) -> Reply {
    let deployments = lock(&call.app.deployments);
    Ok(ok(deployments.get(&key(&call)).ok_or_else(Problem::not_found)?.view()))
}

/// Makes a new release with the members given changed.
pub(super) async fn update(call: Call) -> Reply {
    let key = key(&call);
    let current = lock(&call.app.deployments).get(&key).cloned();
    let mut deployment = current.ok_or_else(Problem::not_found)?;
    let mut body = Reader::new(&call)?;
    let version = body.text("version", false);
    let hardware = body.choice("hardware", false, &hardware::skus());
    let min_instances = body.integer("min_instances", false, MOST_MIN_INSTANCES);
    let max_instances = body.integer("max_instances", false, MOST_MAX_INSTANCES);
    body.finish()?;
    if let Some(version) = &version {
        check_version(&call, &deployment.model, version)?;
    }
    deployment.version = version.unwrap_or(deployment.version);
    deployment.hardware = hardware.unwrap_or(deployment.hardware);
    deployment.min_instances = min_instances.unwrap_or(deployment.min_instances);
    deployment.max_instances = max_instances.unwrap_or(deployment.max_instances);
    deployment.number += 1;
    deployment.created_at = call.app.now();
    let view = deployment.view();
    lock(&call.app.deployments).insert(key, deployment);
    Ok(ok(view))
}

/// Deletes a deployment that is not kept running. The real service also wants it unused for 15 minutes; that would
/// only make tests wait.
pub(super) async fn delete(call: Call) -> Reply {
    let mut deployments = lock(&call.app.deployments);
    let deployment = deployments.get(&key(&call)).ok_or_else(Problem::not_found)?;
    if deployment.min_instances > 0 {
        let text = "The deployment is online. Set min_instances to 0 before deleting it.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    deployments.shift_remove(&key(&call));
    Ok(empty(StatusCode::NO_CONTENT))
}

fn key(call: &Call) -> String {
    format!("{}/{}", call.parameter(0), call.parameter(1))
}

fn check_version(call: &Call, model: &str, version: &str) -> Result<(), Problem> {
    let catalog = lock(&call.app.catalog);
    let found = catalog.models.get(model).and_then(|model| model.version(version));
    found.map(|_| ()).ok_or_else(Problem::invalid_version)
}
