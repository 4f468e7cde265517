//! Polling a prediction until it has ended.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tracing::{debug, info};

use super::{snapshot::Snapshot, waiter::Waiter};
use crate::{
    client::{Client, pause::adaptive_pause, report::milliseconds},
    error::{Error, ErrorKind, Result},
    http::{
        deadline::Deadline,
        request::{Request, RequestOptions, path},
    },
    platform::{BoxFuture, lock},
    value::{Observer, Value},
};

/// How long after the first of several failed polls another may follow.
const MAX_FAILING: Duration = Duration::from_secs(300);
/// The pause between polls while an output is read item by item.
pub(super) const ITEM_PAUSE: Duration = Duration::from_millis(500);

/// The pauses before the first polls if the end is near.
const QUICK_PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(10), Duration::from_millis(40)];

/// The last snapshot of a prediction, shared with the observer that records it.
pub(super) type LastSeen = Arc<Mutex<Option<Snapshot>>>;

/// Returns an observer that records each snapshot, and passes it on.
pub(super) fn recording(last_seen: LastSeen, observer: Option<Observer>) -> Observer {
    Arc::new(move |prediction: Value| {
        *lock(&last_seen) = Some(Snapshot::new(prediction.clone()));
        if let Some(observer) = &observer {
            observer(prediction);
        }
    })
}

/// How to poll a prediction.
#[derive(Default)]
pub(crate) struct Polling {
    pub interval: Option<Duration>,
    /// Whether to poll almost without pauses first, because the end is near.
    pub at_once: bool,
    /// When the prediction was created, on the client's clock. Defaults to the start of polling.
    pub started: Option<Duration>,
    pub deadline: Deadline,
    pub observer: Option<Observer>,
    pub options: RequestOptions,
}

impl Client {
    /// Polls a prediction until it has ended.
    pub(super) async fn poll(&self, mut prediction: Snapshot, polling: &Polling) -> Result<Snapshot> {
        if !prediction.is_terminal() {
            // Boxed, because a prediction that ended with its create needs none of this.
            prediction = Box::pin(self.poll_until_ended(prediction, polling)).await?;
        }
        log_end(&prediction);
        if let (Some(model), Some(time)) = (prediction.model(), prediction.run_time()) {
            self.run_times().learn(model, time);
        }
        Ok(prediction)
    }

    /// Polls after a pause until a response is valid, or polls have failed for too long. See [`Waiter::next`] for `pause`.
    pub(super) async fn poll_after(
        &self,
        prediction: &Snapshot,
        polling: &Polling,
        started: Duration,
        pause: Option<Duration>,
    ) -> Result<Snapshot> {
        let runtime = self.runtime();
        let adaptive = || {
            let waited = runtime.monotonic().saturating_sub(started);
            adaptive_pause(waited, prediction.status(), self.hints(prediction), fastrand::f64())
        };
        let mut failed = FailedPolls::default();
        loop {
            let interval = polling.interval.or(self.config().poll_interval);
            let wait = interval.or(pause).unwrap_or_else(adaptive);
            runtime.sleep(wait).await;
            match self.current(prediction, polling).await {
                Ok(seen) => {
                    debug!(
                        target: "replicant",
                        prediction_id = seen.id(),
                        prediction_status = seen.status(),
                        wait_ms = milliseconds(wait),
                        "polled prediction"
                    );
                    return Ok(seen);
                }
                Err(error) => match failed.retry_after(&error, runtime.monotonic()) {
                    Some(delay) => runtime.sleep(delay).await,
                    None => return Err(self.error_with(prediction, error)),
                },
            }
        }
    }

    async fn poll_until_ended(&self, mut prediction: Snapshot, polling: &Polling) -> Result<Snapshot> {
        let started = polling.started.unwrap_or_else(|| self.runtime().monotonic());
        let mut at_once: &[Duration] = if polling.at_once { &QUICK_PAUSES } else { &[] };
        let mut waiter = None;
        while !prediction.is_terminal() {
            let mut seen = None;
            if let Some((pause, later)) = at_once.split_first() {
                self.runtime().sleep(*pause).await;
                seen = self.poll_now(&prediction, polling).await?;
                at_once = if seen.is_some() { later } else { &[] };
            }
            if seen.is_none() {
                let waiter = waiter.get_or_insert_with(|| Waiter::new(self, &prediction, polling, started));
                seen = Some(waiter.next(self, &prediction, polling, None).await?);
            }
            prediction = seen.unwrap_or(prediction);
            if let Some(observer) = &polling.observer {
                observer(prediction.clone().into_value());
            }
        }
        Ok(prediction)
    }

    /// Polls without a pause. Returns `None` if the next poll may succeed.
    pub(super) async fn poll_now(
        &self,
        prediction: &Snapshot,
        polling: &Polling,
    ) -> Result<Option<Snapshot>> {
        match self.current(prediction, polling).await {
            Ok(seen) => Ok(Some(seen)),
            Err(error) if is_transient(&error) => Ok(None),
            Err(error) => Err(self.error_with(prediction, error)),
        }
    }

    /// Requests the current state of a prediction.
    pub(super) async fn current(&self, prediction: &Snapshot, polling: &Polling) -> Result<Snapshot> {
        let id = prediction.id().unwrap_or_default();
        self.fetch_prediction(id, polling.deadline, polling.options.clone()).await
    }

    /// Requests a prediction. Fails if the response is not this prediction, for example JSON from a proxy.
    pub(crate) fn fetch_prediction<'a>(
        &'a self,
        id: &'a str,
        deadline: Deadline,
        options: RequestOptions,
    ) -> BoxFuture<'a, Result<Snapshot>> {
        // Boxed, because many futures wait for it.
        Box::pin(async move {
            let request = get_prediction(id)?.deadline(deadline).options(options);
            let seen: Snapshot = self.fetch(&request).await?;
            if seen.id() != Some(id) {
                let message = format!("unexpected response: it is not prediction {id}");
                return Err(Error::new(ErrorKind::InvalidResponse, message));
            }
            Ok(seen)
        })
    }
}

/// The polls that failed since the last valid response.
#[derive(Default)]
pub(super) struct FailedPolls {
    /// When the first of them failed.
    since: Option<Duration>,
}

impl FailedPolls {
    /// Returns the delay that the server asks for before the next poll, or `None` if waiting ends with the error.
    pub fn retry_after(&mut self, error: &Error, now: Duration) -> Option<Duration> {
        let failing = now.saturating_sub(*self.since.get_or_insert(now));
        // Bounded, so that a server cannot keep an existing result waiting for months.
        (is_transient(error) && failing < MAX_FAILING)
            .then(|| error.retry_after().unwrap_or_default().min(MAX_FAILING))
    }
}

/// Builds the request for the current state of a prediction.
pub(super) fn get_prediction(id: &str) -> Result<Request> {
    path("/predictions/{id}", &[("id", id)]).map(Request::get)
}

fn log_end(prediction: &Snapshot) {
    info!(
        target: "replicant",
        prediction_id = prediction.id(),
        prediction_status = prediction.status(),
        model = prediction["model"].as_str(),
        predict_time = prediction["metrics"]["predict_time"].as_f64(),
        "prediction ended"
    );
}

/// Returns `true` if the next poll may succeed.
fn is_transient(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connection
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
            | ErrorKind::ServerError
            | ErrorKind::InvalidResponse
    ) || error.status() == Some(408)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{pause::Hints, run_times::RunTimes};

    /// Returns the number of polls of a run, and the time from its end to the last poll.
    fn polls(run: Duration) -> (usize, Duration) {
        let (mut at, mut count) = (Duration::ZERO, 0);
        while at < run {
            at += adaptive_pause(at, "processing", Hints::default(), 1.0);
            count += 1;
        }
        (count, at - run)
    }

    #[test]
    fn short_runs_are_noticed_quickly_and_long_ones_cost_few_requests() {
        let (_, late) = polls(Duration::from_secs(1));
        assert!(late < Duration::from_millis(300), "noticed {late:?} late");
        let (count, _) = polls(Duration::from_secs(3600));
        assert!(count < 400, "{count} requests");
    }

    #[test]
    fn a_poll_follows_shortly_after_the_usual_run_time() {
        let ended = |seconds: f64| {
            Snapshot::new(
                crate::json!({"version": "5c7d", "status": "succeeded", "metrics": {"total_time": seconds}})
                    .into(),
            )
        };
        let learn = |times: &RunTimes, seconds: f64| {
            let ended = ended(seconds);
            ended.run_time().into_iter().for_each(|time| times.learn(ended.model().unwrap(), time));
        };
        let hints = |usual| Hints { usual, announced: false };
        let times = RunTimes::default();
        learn(&times, 20.0);
        learn(&times, 24.0);
        let longest = RunTimes::default();
        (0..9).for_each(|_| learn(&longest, 1.8e19));
        let usual = times.usual("5c7d");
        assert_eq!(usual, Some(Duration::from_secs(21)));
        let waited = Duration::from_secs(20);
        assert!(adaptive_pause(waited, "processing", hints(usual), 1.0) <= Duration::from_millis(1100));
        assert_eq!(
            adaptive_pause(waited, "processing", hints(None), 0.5),
            adaptive_pause(waited, "processing", hints(Some(waited / 2)), 0.5)
        );
    }
}
