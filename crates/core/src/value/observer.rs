//! Callbacks that receive values.

use super::Value;
use crate::platform::Callback;

/// A callback that receives each state of a prediction, or the progress of a transfer.
pub type Observer = Callback<Value>;
