//! Waiting for a prediction to end: when to look, what counts as an end, and until when.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    client::Client,
    error::{Error, ErrorKind, Result},
    http::{
        deadline::Deadline,
        request::{Request, RequestOptions, path},
    },
    platform::lock,
    value::{Observer, Value},
};

/// How long polling goes on while every answer is an error.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest time between two looks.
const SLOWEST: Duration = Duration::from_secs(15);
const QUICKEST: Duration = Duration::from_millis(100);

/// Whether a status is an end. An unknown one is not: the API may grow new states on the way.
pub(crate) fn is_terminal(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "canceled" | "aborted")
}

/// How long to wait before the next look.
///
/// A tenth of the time already gone, so that a short run is noticed quickly and a long one costs
/// few requests; a sixth while it has not started, as starting takes long. Where the model's usual
/// run time is known, one look comes just after it.
pub(crate) fn next_look(waited: Duration, status: &str, usual: Option<Duration>, random: f64) -> Duration {
    let share = if status == "starting" { 6.0 } else { 10.0 };
    let pause = (QUICKEST + waited.div_f64(share)).min(SLOWEST).mul_f64(0.9 + random / 5.0);
    match usual.and_then(|usual| usual.checked_sub(waited)) {
        Some(left) if left < pause => pause.min(left + QUICKEST),
        _ => pause,
    }
}

/// An observer that notes what was last seen, and tells the one given.
pub(crate) fn remembering(seen: Arc<Mutex<Option<Value>>>, observer: Option<Observer>) -> Observer {
    Arc::new(move |prediction: Value| {
        *lock(&seen) = Some(prediction.clone());
        if let Some(observer) = &observer {
            observer(prediction);
        }
    })
}

/// How a known prediction is waited for.
#[derive(Default)]
pub(crate) struct Polling {
    pub interval: Option<Duration>,
    /// When the prediction was created, on the client's clock; when polling begins if not known.
    pub began: Option<Duration>,
    pub deadline: Deadline,
    pub observer: Option<Observer>,
    pub options: RequestOptions,
}

impl Client {
    /// Looks at a prediction until it has ended.
    pub(crate) async fn poll(&self, mut prediction: Value, polling: &Polling) -> Result<Value> {
        let runtime = self.runtime();
        let began = polling.began.unwrap_or(runtime.monotonic());
        while !is_terminal(prediction["status"].as_str().unwrap_or_default()) {
            let adaptive = || {
                let status = prediction["status"].as_str().unwrap_or_default();
                let usual = self.run_times().usual(&prediction);
                next_look(runtime.monotonic().saturating_sub(began), status, usual, fastrand::f64())
            };
            prediction = self.look_again(&prediction, polling, adaptive).await?;
            if let Some(observer) = &polling.observer {
                observer(prediction.clone());
            }
        }
        self.run_times().learn(&prediction);
        Ok(prediction)
    }

    /// Waits as long as the client's interval says and looks once more.
    pub(crate) async fn poll_once(&self, prediction: &Value, options: &RequestOptions) -> Result<Value> {
        let polling = Polling { options: options.clone(), ..Polling::default() };
        self.look_again(prediction, &polling, || Duration::from_millis(500)).await
    }

    /// Waits and looks once more. Answers that fail are survived for a while.
    async fn look_again(
        &self,
        prediction: &Value,
        polling: &Polling,
        pause: impl Fn() -> Duration,
    ) -> Result<Value> {
        let runtime = self.runtime();
        let last_answer = runtime.monotonic();
        loop {
            let interval = polling.interval.or(self.config().poll_interval);
            runtime.sleep(interval.unwrap_or_else(&pause)).await;
            match self.look(prediction, polling).await {
                Ok(seen) => return Ok(seen),
                Err(error)
                    if is_passing(&error) && runtime.monotonic().saturating_sub(last_answer) < PATIENCE =>
                {
                    // However long was asked for, a result that is there does not wait for months.
                    runtime.sleep(error.retry_after().unwrap_or_default().min(PATIENCE)).await;
                }
                Err(error) => return Err(error.with_prediction(prediction.clone())),
            }
        }
    }

    async fn look(&self, prediction: &Value, polling: &Polling) -> Result<Value> {
        let id = prediction["id"].as_str().unwrap_or_default();
        let request = Request::get(path("/predictions/{id}", &[("id", id)])?)
            .deadline(polling.deadline)
            .options(polling.options.clone());
        let seen: Value = self.fetch(&request).await?;
        if seen["id"].as_str() != Some(id) {
            // Such as a proxy's page in JSON. Taken for the prediction it would lose the id.
            let why = format!("unexpected response: it is not prediction {id}");
            return Err(Error::new(ErrorKind::InvalidResponse, why));
        }
        Ok(seen)
    }
}

/// Whether an error may be over when we look again.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connection
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
            | ErrorKind::ServerError
            | ErrorKind::InvalidResponse
    ) || error.status() == Some(408)
}

/// The error for a prediction that ended without success; `Ok` if it succeeded.
pub(crate) fn succeeded(prediction: Value) -> Result<Value> {
    let id = prediction["id"].as_str().unwrap_or_default();
    let why = match &prediction["error"] {
        Value::Null => String::new(),
        error => format!(": {error}"),
    };
    let (kind, message) = match prediction["status"].as_str() {
        Some("failed") => (ErrorKind::PredictionFailed, format!("Prediction failed{why}")),
        Some("canceled") => {
            (ErrorKind::PredictionCanceled, format!("Prediction was canceled{why} (prediction {id})"))
        }
        Some("aborted") => {
            let why = format!("Prediction was aborted before it started{why} (prediction {id})");
            (ErrorKind::PredictionAborted, why)
        }
        _ => return Ok(prediction),
    };
    Err(Error::new(kind, message).with_prediction(prediction))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::run_times::RunTimes;

    fn looks(run: Duration) -> (usize, Duration) {
        let (mut at, mut count) = (Duration::ZERO, 0);
        while at < run {
            at += next_look(at, "processing", None, 1.0);
            count += 1;
        }
        (count, at - run)
    }

    #[test]
    fn quick_for_short_runs_and_cheap_for_long_ones() {
        let (_, late) = looks(Duration::from_secs(1));
        assert!(late < Duration::from_millis(300), "noticed {late:?} late");
        let (count, _) = looks(Duration::from_secs(3600));
        assert!(count < 400, "{count} requests");
    }

    #[test]
    fn a_poll_follows_shortly_after_the_usual_run_time() {
        let times = RunTimes::default();
        let ended = |seconds: f64| {
            crate::json!({"version": "5c7d", "status": "succeeded", "metrics": {"total_time": seconds}})
                .into()
        };
        times.learn(&ended(20.0));
        times.learn(&ended(24.0));
        let longest = RunTimes::default();
        (0..9).for_each(|_| longest.learn(&ended(1.8e19)));
        let usual = times.usual(&crate::json!({"version": "5c7d"}).into());
        assert_eq!(usual, Some(Duration::from_secs(21)));
        let waited = Duration::from_secs(20);
        assert!(next_look(waited, "processing", usual, 1.0) <= Duration::from_millis(1100));
        assert_eq!(
            next_look(waited, "processing", None, 0.5),
            next_look(waited, "processing", Some(waited / 2), 0.5)
        );
    }

    proptest! {
        #[test]
        fn only_four_ends(status in "[a-z]{0,12}") {
            let known = ["succeeded", "failed", "canceled", "aborted"].contains(&status.as_str());
            prop_assert_eq!(is_terminal(&status), known);
        }
    }
}
