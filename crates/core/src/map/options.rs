//! The options of a batch.

use std::path::PathBuf;

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    value::options::{option_types, options},
};

const DEFAULT_CONCURRENCY: usize = 64;
const MAX_CONCURRENCY: usize = 10_000;

/// What to do with a row that fails.
///
/// ```
/// use replicant::map::OnError;
///
/// assert_eq!(OnError::default(), OnError::Return);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnError {
    /// Return it as an item with its error.
    #[default]
    Return,
    /// Fail with its error, which cancels the running predictions. An error that the checkpoint has is raised after they have
    /// finished; [`Map::retries`](super::Map::retries) runs such a row again.
    Raise,
    /// Leave it out. It is counted.
    Skip,
}

option_types! {
    usize => "integer",
    OnError => "return | raise | skip",
}

options! {
    /// The options of `map` in addition to those of `run`.
    #[derive(Debug, Clone, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct MapOptions {
        pub concurrency: Option<usize>,
        pub ordered: bool,
        pub errors: OnError,
        pub max_error_rate: Option<f64>,
        pub retries: u32,
        pub max_predictions: Option<u64>,
        pub max_seconds: Option<f64>,
        pub checkpoint: Option<PathBuf>,
        pub retry_unknown: bool,
        pub save_to: Option<PathBuf>,
    }
}

impl MapOptions {
    pub fn check(&self) -> Result<()> {
        let concurrency = self.concurrency();
        if !(1..=MAX_CONCURRENCY).contains(&concurrency) {
            let problem = format!("must be 1 to {MAX_CONCURRENCY}, not {concurrency}");
            return Err(Error::invalid_argument("concurrency", problem));
        }
        if let Some(rate) = self.max_error_rate
            && !(rate > 0.0 && rate <= 1.0)
        {
            let problem = format!("must be a share of the rows, above 0 and at most 1, not {rate}");
            return Err(Error::invalid_argument("max_error_rate", problem));
        }
        if let Some(seconds) = self.max_seconds
            && (seconds.is_nan() || seconds <= 0.0)
        {
            let problem = format!("must be a positive number of seconds, not {seconds}");
            return Err(Error::invalid_argument("max_seconds", problem));
        }
        if self.max_predictions == Some(0) {
            return Err(Error::invalid_argument("max_predictions", "must be at least 1"));
        }
        Ok(())
    }

    pub fn concurrency(&self) -> usize {
        self.concurrency.unwrap_or(DEFAULT_CONCURRENCY)
    }
}
