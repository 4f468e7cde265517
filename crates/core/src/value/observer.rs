//! Callbacks that receive values.

use super::Value;
use crate::platform::Callback;

/// Receives each state that a long call sees: of a prediction, or the progress of a transfer.
pub type Observer = Callback<Value>;
