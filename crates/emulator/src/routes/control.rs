//! Endpoints of the emulator itself, for tests.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use indexmap::IndexMap;

use crate::http::problem::Problem;
use crate::job::Kind;
use crate::request::{Call, Reply, empty, json, ok};
use crate::support::json::Fields;
use crate::support::lock;

pub(super) async fn faults(call: Call) -> Reply {
    Ok(ok(call.app.faults.view()))
}

/// Adds a rule or a list of rules.
pub(super) async fn add_faults(call: Call) -> Reply {
    let added = call.app.faults.add(&call.body);
    added.map_err(|error| Problem::bad_request(format!("This is not a fault rule: {error}")))?;
    Ok(json(StatusCode::CREATED, call.app.faults.view()))
}

pub(super) async fn clear_faults(call: Call) -> Reply {
    call.app.faults.clear();
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn requests(call: Call) -> Reply {
    Ok(ok(call.app.recorder.view()))
}

pub(super) async fn clear_requests(call: Call) -> Reply {
    call.app.recorder.clear();
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn state(call: Call) -> Reply {
    let app = &call.app;
    let mut jobs: IndexMap<&str, usize> = IndexMap::new();
    for job in lock(&app.jobs).values() {
        *jobs.entry(job.status().name()).or_default() += 1;
    }
    let gauges = &app.gauges;
    let (uploads, outputs) = app.files.counts();
    let body = Fields::new()
        .put("open_connections", &gauges.connections.load(Ordering::Relaxed))
        .put("connections_ever", &gauges.connections_ever.load(Ordering::Relaxed))
        .put("active_streams", &gauges.streams.load(Ordering::Relaxed))
        .put("active_holds", &gauges.holds.load(Ordering::Relaxed))
        .put("requests", &app.recorder.count())
        .put("predictions", &jobs)
        .put("files", &uploads)
        .put("output_files", &outputs)
        .put("webhook_secret", &app.webhooks.secret)
        .put("files_secret", &app.files_secret)
        .finish();
    Ok(ok(body))
}

/// Removes the data and the output files of every finished job, except of examples.
pub(super) async fn expire(call: Call) -> Reply {
    let app = &call.app;
    for job in lock(&app.jobs).values().filter(|job| job.spec.kind != Kind::Example) {
        job.remove_data_now();
    }
    app.files.expire_outputs(app.now().plus(app.retention()));
    Ok(empty(StatusCode::NO_CONTENT))
}
