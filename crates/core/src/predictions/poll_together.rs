//! Polling when many predictions are waited for: they take turns, and pages of the list show the status of a hundred at a time.

use std::{borrow::Cow, time::Duration};

use serde::Deserialize;
use tracing::debug;

use super::{
    poll::{FailedPolls, Polling},
    snapshot::{Snapshot, is_terminal},
};
use crate::{
    client::{
        Client,
        rate_gates::RateGates,
        rate_state::RateLimits,
        response::{Expect, Payload},
        waiting::{
            Allowance, ArrivedPage, Known, Listed, PageOfAll, Seat, Turn, format_moment, parse_moment,
        },
    },
    error::{Error, ErrorKind, Result},
    http::request::{Request, RequestOptions},
    value::Value,
};

/// How long the request of a page may take. Predictions that it should show are polled singly meanwhile.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The members of a page that polling needs.
#[derive(Deserialize)]
struct PageJson<'a> {
    #[serde(borrow)]
    results: Vec<Item<'a>>,
    #[serde(borrow, default)]
    next: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    created_at: Option<Cow<'a, str>>,
}

impl Client {
    /// Returns a seat among the waiting predictions. `None` if this one is polled in its own way: it has an interval, or its
    /// requests may be those of another account.
    pub(super) fn seat(&self, prediction: &Snapshot, polling: &Polling) -> Option<Seat> {
        let interval = polling.interval.or(self.config().poll_interval);
        let is_plain = polling.options.headers.is_empty() && polling.options.query.is_empty();
        (interval.is_none() && is_plain && !prediction.is_terminal())
            .then(|| self.waiting().sit(self.runtime()))
    }

    /// Waits for the next state of a prediction. It has all members if a poll returned it. If a page of the list showed it, only
    /// its status is new.
    pub(super) async fn poll_together(
        &self,
        prediction: &Snapshot,
        polling: &Polling,
        created: Duration,
        seat: &mut Seat,
    ) -> Result<Snapshot> {
        let runtime = self.runtime();
        let known = || {
            let known = Known {
                id: prediction.id().unwrap_or_default().to_owned(),
                status: prediction.status().to_owned(),
                created,
                hints: self.hints(prediction),
            };
            (known, prediction["created_at"].as_str().and_then(parse_moment))
        };
        let allowance = |now| self.gates().map_or_else(Allowance::default, |gates| allowance(gates, now));
        let mut failed = FailedPolls::default();
        loop {
            match seat.next(known, allowance).await {
                Turn::Changed(status) => return Ok(with_status(prediction, &status)),
                Turn::Page(page) => {
                    let read = self.read_page(page).await;
                    read.map_err(|error| self.error_with(prediction, error))?;
                }
                Turn::Poll => match self.current(prediction, polling).await {
                    Ok(seen) => {
                        debug!(
                            target: "replicant",
                            prediction_id = seen.id(),
                            prediction_status = seen.status(),
                            "polled prediction"
                        );
                        seat.polled(seen.status(), self.hints(&seen), runtime.monotonic());
                        return Ok(seen);
                    }
                    Err(error) => {
                        let now = runtime.monotonic();
                        match failed.retry_after(&error, now) {
                            Some(delay) => seat.failed(delay, now),
                            None => return Err(self.error_with(prediction, error)),
                        }
                    }
                },
            }
        }
    }

    /// Requests a page of the list, and hands it out. If the page fails, no prediction does: each is then polled alone.
    /// Only the error of a hook ends the call.
    async fn read_page(&self, page: PageOfAll) -> Result<()> {
        let before = format_moment(page.request.before);
        let request = Request::get("/predictions").query("created_before", Some(before));
        let options =
            RequestOptions { timeout: Some(PAGE_TIMEOUT), max_retries: Some(0), ..RequestOptions::default() };
        match self.page_text(&request.options(options)).await {
            Ok(text) => match serde_json::from_str::<PageJson<'_>>(&text) {
                Ok(PageJson { results, next }) => {
                    page.arrived(&ArrivedPage {
                        items: &listed(&results),
                        bytes: text.len(),
                        is_last: next.is_none(),
                    });
                }
                Err(_) => page.failed(),
            },
            Err(error) => {
                // Only its code, because messages may quote responses.
                debug!(target: "replicant", error = error.code(), "a list of predictions failed, so they are polled singly");
                page.failed();
                if error.is_of_hook() {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn page_text(&self, request: &Request) -> Result<String> {
        match self.send_as_text(request, Expect::Object).await?.value {
            Payload::Json(text) => Ok(text),
            _ => Err(Error::new(ErrorKind::InvalidResponse, "unexpected response: it is not a page")),
        }
    }
}

/// Returns what the gates let polls and lists send.
fn allowance(gates: &RateGates, now: Duration) -> Allowance {
    let RateLimits { polls, others, .. } = gates.state(now);
    let per_minute = polls.per_minute.into_iter().chain(others.per_minute).reduce(f64::min);
    let lists_pause = !others.paused.is_zero();
    Allowance { per_minute, paused: polls.paused, left: gates.polls_left(), lists_pause }
}

/// Returns the prediction with another status.
fn with_status(prediction: &Snapshot, status: &str) -> Snapshot {
    let mut changed = Value::clone(prediction);
    changed["status"] = status.into();
    Snapshot::new(changed)
}

fn listed<'a>(items: &'a [Item<'_>]) -> Vec<Listed<'a>> {
    let listed = |item: &'a Item<'_>| Listed {
        id: &item.id,
        created: item.created_at.as_deref().and_then(parse_moment),
        status: &item.status,
        ended: is_terminal(&item.status),
    };
    items.iter().map(listed).collect()
}
