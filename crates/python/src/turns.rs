//! A rate gate that one process keeps for others.

use std::{collections::HashMap, time::Duration};

use pyo3::prelude::*;
use replicant::bindings;

use crate::error;

/// Hands out turns for creates to other processes.
#[pyclass(frozen, module = "replicant._native")]
pub struct Turns(bindings::Turns);

#[pymethods]
impl Turns {
    #[new]
    #[pyo3(signature = (per_minute = None, /))]
    fn new(py: Python<'_>, per_minute: Option<f64>) -> PyResult<Self> {
        bindings::Turns::new(per_minute).map(Self).map_err(|error| error::to_python(py, &error))
    }

    /// Takes a turn. Returns its number and 0, or None and the seconds to wait before asking again.
    fn take(&self) -> (Option<u64>, f64) {
        match self.0.take() {
            Ok(turn) => (Some(turn), 0.0),
            Err(wait) => (None, wait.as_secs_f64()),
        }
    }

    /// Learns from the response to the create of a turn, which was sent `age` ago. Times are in seconds.
    #[pyo3(signature = (turn, status, headers, age, /, delay = None))]
    fn responded(
        &self,
        turn: u64,
        status: u16,
        headers: HashMap<String, String>,
        age: f64,
        delay: Option<f64>,
    ) {
        let headers: Vec<_> = headers.into_iter().collect();
        let duration = |seconds| Duration::try_from_secs_f64(seconds).ok();
        let age = duration(age).unwrap_or_default();
        self.0.responded(turn, status, &headers, age, delay.and_then(duration));
    }

    /// Returns the pace in creates per minute, the remaining creates, and the seconds of the pause.
    fn state(&self) -> (Option<f64>, Option<u64>, f64) {
        let state = self.0.state();
        (state.per_minute, state.remaining, state.paused.as_secs_f64())
    }
}
