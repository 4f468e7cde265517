//! Setting up scripted exchanges and asking how they went.

use axum::http::StatusCode;

use crate::call::{Call, Reply, json, ok};
use crate::problem::Problem;

pub(super) async fn create(call: Call) -> Reply {
    let run = call.app.replays.start(&call.body).map_err(Problem::bad_request)?;
    Ok(json(StatusCode::CREATED, run.addresses()))
}

pub(super) async fn report(call: Call) -> Reply {
    let run = call.app.replays.get(call.parameter(0));
    Ok(ok(run.ok_or_else(Problem::not_found)?.report()))
}
