//! Reads, lists and cancels predictions.

use std::sync::Arc;
use std::time::Duration;

use crate::http::problem::Problem;
use crate::job::{Job, Kind, Shape};
use crate::request::{Call, Order, Reply, ok, page};
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
    job.cancel(call.app.now());
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
    let jobs = call.app.jobs.all().into_iter().filter(|job| {
        let at = job.spec.created_at;
        job.spec.kind == Kind::Prediction
            && after.is_none_or(|after| at >= after)
            && before.is_none_or(|before| at < before)
            && since.is_none_or(|since| at >= since && job.spec.source == "web")
    });
    page_of_jobs(&call, jobs.collect())
}

/// Responds with a page of jobs.
pub(super) fn page_of_jobs(call: &Call, jobs: Vec<Arc<Job>>) -> Reply {
    let now = call.app.now();
    let view = |job: &Arc<Job>| {
        job.remove_expired_data(now);
        job.view(&call.origin, Shape::Listed)
    };
    page(call, jobs, |job| job.spec.created_at, view, Order::NewestFirst, PAGE)
}

/// Returns the job that the path names. Trainings have both paths, as the response to a create shows this one.
fn find(call: &Call) -> Result<Arc<Job>, Problem> {
    let job = call.app.jobs.get(call.parameter(0));
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
