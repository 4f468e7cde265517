//! Reads, lists and cancels predictions.

use std::sync::Arc;
use std::time::Duration;

use crate::http::problem::Problem;
use crate::job::{Job, Kind, Shape, Status};
use crate::request::{Call, Item, Order, Reply, ok, page};
use crate::support::lock;
use crate::support::time::Timestamp;

const PAGE: usize = 100;
// The period that `source=web` covers.
const WEB_WINDOW: Duration = Duration::from_secs(14 * 24 * 3600);

pub(super) async fn read(call: Call) -> Reply {
    let job = find(&call)?;
    Ok(ok(job.view(&call.origin, Shape::Read)))
}

/// Cancels a job. Has no effect on a job that has ended.
pub(super) async fn cancel(call: Call) -> Reply {
    let job = find(&call)?;
    job.finish(Status::Canceled, None, call.app.now());
    Ok(ok(job.view(&call.origin, Shape::Read)))
}

pub(super) async fn read_training(call: Call) -> Reply {
    only_training(&call)?;
    read(call).await
}

pub(super) async fn cancel_training(call: Call) -> Reply {
    only_training(&call)?;
    cancel(call).await
}

/// Fails unless the path names a training.
fn only_training(call: &Call) -> Result<(), Problem> {
    match find(call)?.spec.kind {
        Kind::Training => Ok(()),
        _ => Err(Problem::not_found()),
    }
}

pub(super) async fn list(call: Call) -> Reply {
    let after = timestamp(&call, "created_after")?;
    let before = timestamp(&call, "created_before")?;
    let source = call.query("source");
    if source.is_some_and(|source| source != "web") {
        return Err(Problem::bad_request("The only value of \"source\" is \"web\"."));
    }
    let since = source.map(|_| call.app.now().minus(WEB_WINDOW));
    let jobs: Vec<Arc<Job>> = lock(&call.app.jobs).values().cloned().collect();
    let jobs = jobs.into_iter().filter(|job| {
        let at = job.spec.created_at;
        job.spec.kind == Kind::Prediction
            && after.is_none_or(|after| at >= after)
            && before.is_none_or(|before| at < before)
            && since.is_none_or(|since| at >= since && job.spec.source == "web")
    });
    page(&call, items(&call, jobs), Order::NewestFirst, PAGE)
}

/// Returns the list items of jobs.
pub(super) fn items(call: &Call, jobs: impl Iterator<Item = Arc<Job>>) -> Vec<Item> {
    let now = call.app.now();
    jobs.map(|job| {
        job.remove_expired_data(now);
        Item { at: job.spec.created_at, body: job.view(&call.origin, Shape::Listed) }
    })
    .collect()
}

/// Returns the job that the path names. Trainings have both paths, as the response to a create shows this one.
fn find(call: &Call) -> Result<Arc<Job>, Problem> {
    let job = lock(&call.app.jobs).get(call.parameter(0)).cloned();
    let job = job.ok_or_else(Problem::not_found)?;
    job.remove_expired_data(call.app.now());
    Ok(job)
}

/// Reads a timestamp from the query.
fn timestamp(call: &Call, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = call.query(name) else { return Ok(None) };
    let invalid =
        || Problem::bad_request(format!("\"{name}\" must be an ISO 8601 date and time, not {text:?}."));
    Timestamp::parse(text).map(Some).ok_or_else(invalid)
}
