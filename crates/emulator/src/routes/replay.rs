//! Starts scripts and reports on them, as the replay server does.

use axum::http::StatusCode;

use crate::http::problem::Problem;
use crate::request::{Call, Reply, json, ok};

pub(super) async fn create(call: Call) -> Reply {
    let run = call.app.replays.start(&call.body).map_err(Problem::bad_request)?;
    Ok(json(StatusCode::CREATED, run.addresses()))
}

pub(super) async fn report(call: Call) -> Reply {
    let run = call.app.replays.get(call.parameter(0));
    Ok(ok(run.ok_or_else(Problem::not_found)?.report()))
}
