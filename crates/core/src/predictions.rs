//! Predictions: creating, polling, streaming and canceling them.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod batch_run;
pub(crate) mod cancel_guard;
pub(crate) mod create;
pub(crate) mod cursor;
pub(crate) mod event_reader;
pub(crate) mod events;
pub(crate) mod handle;
pub(crate) mod handle_change;
pub(crate) mod handle_events;
pub(crate) mod handle_result;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod leave;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod live;
#[cfg(target_arch = "wasm32")]
#[path = "predictions/no_live.rs"]
pub(crate) mod live;
mod open_run;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod poll;
#[cfg(not(target_arch = "wasm32"))]
mod poll_together;
#[cfg(target_arch = "wasm32")]
#[path = "predictions/no_poll_together.rs"]
mod poll_together;
pub(crate) mod polled_events;
pub(crate) mod progress;
pub(crate) mod resource;
pub(crate) mod run;
pub(crate) mod run_params;
pub(crate) mod run_request;
mod run_span;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod shape;
pub(crate) mod snapshot;
pub(crate) mod stream_prediction;
pub(crate) mod stream_run;
pub(crate) mod submit;
pub(crate) mod target;
pub(crate) mod types;
pub(crate) mod wait;
mod waiter;
#[cfg(test)]
mod waiter_tests;
#[cfg(test)]
mod waiting_figures;
pub(crate) mod watch;
