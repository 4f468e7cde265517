//! Counts of a batch, and its limits.

use std::{collections::VecDeque, time::Duration};

use super::{item::MapItem, options::MapOptions};
use crate::{error::Error, value::Value};

/// The number of last rows whose failures `max_error_rate` counts.
const WINDOW: usize = 50;

/// Why a batch created no more predictions before its last row.
///
/// ```
/// assert_eq!(replicant::map::Stopped::MaxPredictions.name(), "max_predictions");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// `max_predictions` were created.
    MaxPredictions,
    /// `max_seconds` were metered, or will be when the running predictions end.
    MaxSeconds,
    /// The share of failed rows exceeded `max_error_rate`.
    ErrorRate,
    /// The API refused the token or the model, or the account has no credit.
    Refused,
    /// [`Map::stop`](super::Map::stop) was called.
    Requested,
}

impl Stopped {
    /// Returns the stable name of the reason, which is the same in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxPredictions => "max_predictions",
            Self::MaxSeconds => "max_seconds",
            Self::ErrorRate => "error_rate",
            Self::Refused => "refused",
            Self::Requested => "requested",
        }
    }
}

/// The progress of a batch; see [`Map::stats`](super::Map::stats).
///
/// ```
/// assert_eq!(replicant::map::MapStats::default().rows, 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct MapStats {
    /// Rows that were read.
    pub rows: u64,
    /// Rows with an output, including those from the checkpoint.
    pub succeeded: u64,
    /// Rows that failed, including those from the checkpoint.
    pub failed: u64,
    /// Rows whose result came from the checkpoint.
    pub resumed: u64,
    /// Rows that are being run.
    pub running: u64,
    /// Predictions that were created.
    pub predictions: u64,
    /// Predict time that the API metered for the predictions of this batch, in seconds.
    pub seconds: f64,
    /// Time since the batch began.
    pub elapsed: Duration,
    /// Why the batch ended early.
    pub stopped: Option<Stopped>,
}

impl MapStats {
    /// Returns the number of finished rows.
    pub fn finished(&self) -> u64 {
        self.succeeded + self.failed
    }

    /// Returns the finished rows per minute, without those from the checkpoint.
    pub fn per_minute(&self) -> f64 {
        let minutes = self.elapsed.as_secs_f64() / 60.0;
        if minutes > 0.0 { (self.finished().saturating_sub(self.resumed)) as f64 / minutes } else { 0.0 }
    }

    /// Returns the estimated time until `total` rows have finished; `None` if they will not, or if it is unknown.
    pub fn remaining(&self, total: u64) -> Option<Duration> {
        if self.stopped.is_some() {
            return None;
        }
        let left = total.saturating_sub(self.finished()) as f64;
        Duration::try_from_secs_f64(left * 60.0 / self.per_minute()).ok()
    }

    /// Returns the members as an object, for the bindings. Durations are in seconds.
    pub(crate) fn to_value(self, total: Option<u64>) -> Value {
        let remaining = total.and_then(|total| self.remaining(total));
        Value::from_members([
            ("rows", self.rows.into()),
            ("total", total.into()),
            ("succeeded", self.succeeded.into()),
            ("failed", self.failed.into()),
            ("resumed", self.resumed.into()),
            ("running", self.running.into()),
            ("predictions", self.predictions.into()),
            ("seconds", self.seconds.into()),
            ("elapsed", self.elapsed.as_secs_f64().into()),
            ("per_minute", self.per_minute().into()),
            ("remaining", remaining.map(|left| left.as_secs_f64()).into()),
            ("stopped", self.stopped.map(Stopped::name).into()),
        ])
    }
}

/// Counts rows and predictions, and says when to stop.
#[derive(Default)]
pub(super) struct Counters {
    pub stats: MapStats,
    began: Duration,
    max_predictions: Option<u64>,
    max_seconds: Option<f64>,
    max_error_rate: Option<f64>,
    /// Whether each of the last rows failed.
    last: VecDeque<bool>,
    /// Predictions that were created and have not ended.
    open: u64,
    /// Predictions with a metered time.
    metered: u64,
}

impl Counters {
    pub fn new(options: &MapOptions, now: Duration) -> Self {
        Self {
            began: now,
            max_predictions: options.max_predictions,
            max_seconds: options.max_seconds,
            max_error_rate: options.max_error_rate,
            ..Self::default()
        }
    }

    pub fn at(&self, now: Duration) -> MapStats {
        MapStats { elapsed: now.saturating_sub(self.began), ..self.stats }
    }

    /// Reserves a prediction. Returns `false` if a limit is reached.
    pub fn reserve(&mut self) -> bool {
        if self.stats.stopped.is_some() {
            return false;
        }
        let stopped = if self.max_predictions.is_some_and(|most| self.stats.predictions >= most) {
            Stopped::MaxPredictions
        } else if self.max_seconds.is_some_and(|most| self.expected_seconds() >= most) {
            Stopped::MaxSeconds
        } else {
            self.stats.predictions += 1;
            self.open += 1;
            return true;
        };
        self.stop(stopped);
        false
    }

    /// Returns the metered time, with the mean of it for each prediction that has not ended.
    fn expected_seconds(&self) -> f64 {
        let mean = if self.metered > 0 { self.stats.seconds / self.metered as f64 } else { 0.0 };
        self.stats.seconds + mean * self.open as f64
    }

    /// Counts the end of a reserved prediction. `created` is `false` if it was not created after all.
    pub fn ended(&mut self, created: bool, seconds: Option<f64>) {
        self.open = self.open.saturating_sub(1);
        if !created {
            self.stats.predictions = self.stats.predictions.saturating_sub(1);
        }
        if let Some(seconds) = seconds {
            self.stats.seconds += seconds;
            self.metered += 1;
        }
    }

    pub fn stop(&mut self, stopped: Stopped) {
        self.stats.stopped.get_or_insert(stopped);
    }

    /// Counts a finished row. Returns the error to end with if too many of the last rows failed.
    pub fn finished(&mut self, item: &MapItem) -> Option<Error> {
        let failed = item.error.is_some();
        if failed {
            self.stats.failed += 1;
        } else {
            self.stats.succeeded += 1;
        }
        if item.resumed {
            self.stats.resumed += 1;
            return None;
        }
        let most = self.max_error_rate?;
        self.last.push_back(failed);
        if self.last.len() > WINDOW {
            self.last.pop_front();
        }
        let failures = self.last.iter().filter(|failed| **failed).count();
        if self.last.len() < WINDOW
            || (failures as f64) <= most * WINDOW as f64
            || self.stats.stopped.is_some()
        {
            return None;
        }
        self.stop(Stopped::ErrorRate);
        let error = item.error.as_ref()?;
        let message = format!(
            "{failures} of the last {WINDOW} rows failed, more than `max_error_rate` allows, so the batch was stopped. The \
             last error: {error}"
        );
        Some(Error::new(error.kind(), message).with_prediction(item.prediction.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_includes_what_runs() {
        let options = MapOptions { max_seconds: Some(10.0), ..MapOptions::default() };
        let mut counters = Counters::new(&options, Duration::ZERO);
        assert!((0..3).all(|_| counters.reserve()));
        counters.ended(true, Some(3.0));
        assert!(counters.reserve(), "3 s metered, and 3 s each for two that run");
        assert!(!counters.reserve(), "3 s metered, and 3 s each for three that run");
        assert_eq!(counters.stats.stopped, Some(Stopped::MaxSeconds));
    }

    #[test]
    fn a_prediction_that_was_not_created_does_not_count() {
        let options = MapOptions { max_predictions: Some(2), ..MapOptions::default() };
        let mut counters = Counters::new(&options, Duration::ZERO);
        assert!(counters.reserve() && counters.reserve());
        counters.ended(false, None);
        assert!(counters.reserve() && !counters.reserve());
        assert_eq!(counters.stats.predictions, 2);
    }
}
