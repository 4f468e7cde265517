//! Deployments.

use axum::http::StatusCode;

use crate::catalog::deployments::Deployment;
use crate::http::problem::Problem;
use crate::request::{BodyReader, Call, Order, Reply, empty, ok, page};
use crate::support::lock;

use super::hardware;

const PAGE: usize = 100;
const MAX_MIN_INSTANCES: i64 = 5;
const MAX_MAX_INSTANCES: i64 = 20;

pub(super) async fn list(call: Call) -> Reply {
    let deployments = lock(&call.app.deployments);
    let items = deployments.values().collect();
    page(&call, items, |item: &&Deployment| item.created_at, |item| item.view(), Order::NewestFirst, PAGE)
}

pub(super) async fn create(call: Call) -> Reply {
    let mut body = BodyReader::new(&call)?;
    let name = body.text("name", true);
    let model = body.text("model", true);
    let version = body.text("version", true);
    let hardware = body.choice("hardware", true, &hardware::skus());
    let min_instances = body.integer("min_instances", true, MAX_MIN_INSTANCES);
    let max_instances = body.integer("max_instances", true, MAX_MAX_INSTANCES);
    check_instances(&mut body, min_instances.unwrap_or_default(), max_instances.unwrap_or(i64::MAX));
    let full_name = format!("{}/{}", call.app.config.account, name.as_deref().unwrap_or_default());
    let valid = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    if name.as_deref().is_some_and(|name| !valid(name)) {
        body.report("pattern", "name", "Only letters, digits, dashes, dots and underscores are allowed");
    }
    if lock(&call.app.deployments).contains_key(&full_name) {
        body.report("unique", "name", "A deployment with this name already exists");
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
        created_at: now,
        released_at: now,
    };
    let view = deployment.view();
    lock(&call.app.deployments).insert(full_name, deployment);
    Ok(ok(view))
}

pub(super) async fn read(call: Call) -> Reply {
    let deployments = lock(&call.app.deployments);
    Ok(ok(deployments.get(&call.name()).ok_or_else(Problem::not_found)?.view()))
}

/// Creates a new release with the given members.
pub(super) async fn update(call: Call) -> Reply {
    let key = call.name();
    let current = lock(&call.app.deployments).get(&key).cloned();
    let mut deployment = current.ok_or_else(Problem::not_found)?;
    let mut body = BodyReader::new(&call)?;
    let version = body.text("version", false);
    let hardware = body.choice("hardware", false, &hardware::skus());
    let min_instances = body.integer("min_instances", false, MAX_MIN_INSTANCES);
    let max_instances = body.integer("max_instances", false, MAX_MAX_INSTANCES);
    check_instances(
        &mut body,
        min_instances.unwrap_or(deployment.min_instances),
        max_instances.unwrap_or(deployment.max_instances),
    );
    body.finish()?;
    if let Some(version) = &version {
        check_version(&call, &deployment.model, version)?;
    }
    deployment.version = version.unwrap_or(deployment.version);
    deployment.hardware = hardware.unwrap_or(deployment.hardware);
    deployment.min_instances = min_instances.unwrap_or(deployment.min_instances);
    deployment.max_instances = max_instances.unwrap_or(deployment.max_instances);
    deployment.number += 1;
    deployment.released_at = call.app.now();
    let view = deployment.view();
    lock(&call.app.deployments).insert(key, deployment);
    Ok(ok(view))
}

/// Deletes a deployment without minimum instances. The API also requires that it was unused for 15 minutes; tests
/// should not have to wait for that.
pub(super) async fn delete(call: Call) -> Reply {
    let mut deployments = lock(&call.app.deployments);
    let deployment = deployments.get(&call.name()).ok_or_else(Problem::not_found)?;
    if deployment.min_instances > 0 {
        let text = "The deployment is online. Set min_instances to 0 before deleting it.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    deployments.shift_remove(&call.name());
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Checks that the minimum of instances does not exceed the maximum.
fn check_instances(body: &mut BodyReader, min_instances: i64, max_instances: i64) {
    if min_instances > max_instances {
        let text = format!("Must be greater than or equal to min_instances, {min_instances}");
        body.report("number_gte", "max_instances", text);
    }
}

/// Checks that a model has a version.
fn check_version(call: &Call, model: &str, version: &str) -> Result<(), Problem> {
    let catalog = lock(&call.app.catalog);
    let found = catalog.models.get(model).and_then(|model| model.version(version));
    found.map(|_| ()).ok_or_else(Problem::invalid_version)
}
