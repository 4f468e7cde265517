//! A local server with the behavior of Replicate's HTTP API. Examples and tests that use it need no token, no
//! network and no money.
//!
//! ```no_run
//! use replicant_emulator::{Config, Emulator};
//!
//! let emulator = Emulator::start(Config::default())?;
//! println!("point a client at {}", emulator.base_url());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The server keeps state, validates inputs against each model's schema, holds requests with `Prefer: wait`, streams
//! events and delivers signed webhooks. [`Rule`] injects faults, and [`Emulator::replay`] plays scripted exchanges.

// The models for examples use parts that no other model needs.
#![cfg_attr(not(feature = "demo"), allow(dead_code))]

// From the lowest layer to the highest; `tests/layers.rs` checks it.
mod support;

mod config;

mod http;

mod cassette;
mod files;
mod replay;
mod webhook;

mod job;
mod model;

mod builtin;
mod cog;
mod defined;
#[cfg(feature = "demo")]
mod demo;

mod catalog;
mod state;

mod page;
mod request;
mod routes;
mod server;

pub mod arguments;
mod emulator;

pub use config::{Action, Config, Match, RateLimits, Rule, Timing};
pub use defined::{Definition, ModelRun, Scripted};
pub use emulator::{Emulator, Error};
pub use replay::Script;
pub use webhook::sign;
