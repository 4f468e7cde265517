//! Reading, listing and cancelling predictions.

use std::sync::Arc;
use std::time::Duration;

use crate::app::lock;
use crate::call::{Call, Reply, ok};
use crate::clock::Stamp;
use crate::job::{Job, Kind, Shape, Status};
use crate::page::{Item, Order, page};
use crate::problem::Problem;

const PAGE: usize = 100;
// `source=web` looks back no further.
const WEB_WINDOW: Duration = Duration::from_secs(14 * 24 * 3600);

pub(super) async fn read(call: Call) -> Reply {
    let job = find(&call)?;
    Ok(ok(job.view(&call.origin, Shape::Read)))
}

/// Cancels. A job that has ended stays as it is.
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

fn only_training(call: &Call) -> Result<(), Problem> {
    match find(call)?.order.kind {
        Kind::Training => Ok(()),
        _ => Err(Problem::not_found()),
    }
}

pub(super) async fn list(call: Call) -> Reply {
    let after = moment(&call, "created_after")?;
    let before = moment(&call, "created_before")?;
    let source = call.query("source");
    if source.is_some_and(|source| source != "web") {
        return Err(Problem::bad_request("The only value of \"source\" is \"web\"."));
    }
    let since = source.map(|_| call.app.now().minus(WEB_WINDOW));
    let jobs: Vec<Arc<Job>> = lock(&call.app.jobs).values().cloned().collect();
    let jobs = jobs.into_iter().filter(|job| {
        let at = job.order.created_at;
        job.order.kind == Kind::Prediction
            && after.is_none_or(|after| at >= after)
            && before.is_none_or(|before| at < before)
            && since.is_none_or(|since| at >= since && job.order.source == "web")
    });
    page(&call, items(&call, jobs), Order::NewestFirst, PAGE)
}

pub(super) fn items(call: &Call, jobs: impl Iterator<Item = Arc<Job>>) -> Vec<Item> {
    let now = call.app.now();
    jobs.map(|job| {
        job.forget_if_due(now);
        Item { at: job.order.created_at, body: job.view(&call.origin, Shape::Listed) }
    })
    .collect()
}

/// The job the path names. Trainings answer under both paths, since theirs point here at first.
fn find(call: &Call) -> Result<Arc<Job>, Problem> {
    let job = lock(&call.app.jobs).get(call.parameter(0)).cloned();
    let job = job.ok_or_else(Problem::not_found)?;
    job.forget_if_due(call.app.now());
    Ok(job)
}

fn moment(call: &Call, name: &str) -> Result<Option<Stamp>, Problem> {
    let Some(text) = call.query(name) else { return Ok(None) };
    let bad = || Problem::bad_request(format!("\"{name}\" must be an ISO 8601 date and time, not {text:?}."));
    Stamp::parse(text).map(Some).ok_or_else(bad)
}
