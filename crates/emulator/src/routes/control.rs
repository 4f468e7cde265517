//! Endpoints of the emulator itself, for tests.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use indexmap::IndexMap;
use serde::Deserialize;

use crate::http::problem::Problem;
use crate::request::{Call, Reply, empty, json, ok};
use crate::support::duration;
use crate::support::json::{Fields, reason};
use crate::support::time::LONGEST_ADVANCE;

pub(super) async fn faults(call: Call) -> Reply {
    Ok(ok(call.app.faults.view()))
}

/// Adds a rule or a list of rules.
pub(super) async fn add_faults(call: Call) -> Reply {
    let added = call.app.faults.add_json(&call.body);
    added.map_err(|error| Problem::bad_request(format!("This is not a fault rule: {}", reason(&error))))?;
    Ok(json(StatusCode::CREATED, call.app.faults.view()))
}

pub(super) async fn clear_faults(call: Call) -> Reply {
    call.app.faults.clear();
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn requests(call: Call) -> Reply {
    let mut response = ok(call.app.recorder.view());
    response.headers_mut().insert("x-emulator-dropped", call.app.recorder.dropped().into());
    Ok(response)
}

pub(super) async fn clear_requests(call: Call) -> Reply {
    call.app.recorder.clear();
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn state(call: Call) -> Reply {
    let app = &call.app;
    let mut jobs: IndexMap<&str, usize> = IndexMap::new();
    for job in app.jobs.all() {
        *jobs.entry(job.status().name()).or_default() += 1;
    }
    let gauges = &app.gauges;
    let (uploads, outputs) = app.files.counts();
    let dropped = Fields::new()
        .put("jobs", &app.jobs.dropped())
        .put("requests", &app.recorder.dropped())
        .put("scripts", &app.replays.dropped())
        .put("webhooks", &app.webhooks.dropped.load(Ordering::Relaxed))
        .put("deliveries", &app.webhooks.deliveries_dropped())
        .finish();
    let body = Fields::new()
        .put("open_connections", &gauges.connections.load(Ordering::Relaxed))
        .put("connections_ever", &gauges.connections_ever.load(Ordering::Relaxed))
        .put("active_streams", &gauges.streams.load(Ordering::Relaxed))
        .put("active_holds", &gauges.holds.load(Ordering::Relaxed))
        .put("requests", &app.recorder.count())
        .put("predictions", &jobs)
        .put("files", &uploads)
        .put("output_files", &outputs)
        .put("dropped", &dropped)
        .put("webhook_secret", &app.webhooks.secret)
        .put("files_secret", &app.files_secret)
        .finish();
    Ok(ok(body))
}

/// Returns all predictions and trainings, oldest first.
pub(super) async fn predictions(call: Call) -> Reply {
    call.app.emulates()?;
    let mut response = ok(call.app.jobs.view(&call.origin));
    response.headers_mut().insert("x-emulator-dropped", call.app.jobs.dropped().into());
    Ok(response)
}

/// Forgets everything that clients and tests have created, except models that tests have defined.
pub(super) async fn reset(call: Call) -> Reply {
    call.app.reset();
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Advances the clock by `{"advance": duration}`: seconds, or text such as `1h30m`.
pub(super) async fn advance(call: Call) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        advance: Advance,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Advance {
        Seconds(f64),
        Text(String),
    }
    let invalid = || {
        Problem::bad_request(
            "`advance` must be seconds, or text such as \"90s\", \"1h30m\" or \"2d\", up to a year",
        )
    };
    let body: Body = serde_json::from_slice(&call.body).map_err(|_| invalid())?;
    let seconds = match body.advance {
        Advance::Seconds(seconds) => Some(seconds),
        Advance::Text(text) => duration::seconds(&text).map(|seconds| seconds as f64),
    };
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    call.app.time.advance(time.filter(|time| *time <= LONGEST_ADVANCE).ok_or_else(invalid)?);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Removes the data and the output files of every finished job, except of examples.
pub(super) async fn expire(call: Call) -> Reply {
    let app = &call.app;
    for job in app.jobs.all() {
        job.remove_data_now();
    }
    app.files.expire_outputs(app.now().plus(app.retention()));
    Ok(empty(StatusCode::NO_CONTENT))
}
