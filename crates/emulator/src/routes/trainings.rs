//! Trainings.

use axum::http::StatusCode;

use crate::http::problem::Problem;
use crate::job::{Kind, Shape};
use crate::request::{Call, Reply, json};
use crate::state::runner::Destination;
use crate::support::lock;

use super::create_body::CreateBody;
use super::predictions::page_of_jobs;
use super::start::{StartOptions, start, target};

pub(super) async fn create(call: Call) -> Reply {
    let body = CreateBody::read(&call, &["destination"])?;
    let no_destination =
        || Problem::new(StatusCode::NOT_FOUND, "The specified training destination does not exist");
    let target = {
        let catalog = lock(&call.app.catalog);
        let model = catalog.models.get(&call.name());
        let version = model.and_then(|model| Some((model, model.version(call.parameter(2))?)));
        let (model, version) = version.ok_or_else(Problem::not_found)?;
        let destination = body.destination.clone().unwrap_or_default();
        let own =
            catalog.models.get(&destination).is_some_and(|model| model.owner == call.app.config.account);
        if !own {
            return Err(no_destination());
        }
        let mut target = target(model, version, false);
        let schema = version.schema.training.clone();
        target.destination = Some(Destination { model: destination, schema: version.schema.clone() });
        target.schema = schema.ok_or_else(|| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "This version cannot be trained.")
        })?;
        target
    };
    let retention = call.app.retention();
    let options = StartOptions { kind: Kind::Training, cancel_after: None, retention };
    let job = start(&call.app, &call.origin, body, target, options).await?;
    Ok(json(StatusCode::CREATED, job.view(&call.origin, Shape::Created)))
}

pub(super) async fn list(call: Call) -> Reply {
    let trainings = call.app.jobs.all().into_iter().filter(|job| job.spec.kind == Kind::Training);
    page_of_jobs(&call, trainings.collect())
}
