//! A local server that behaves like Replicate's HTTP API, so that examples and tests need no token, no network and
//! no money.
//!
//! ```no_run
//! use replicant_emulator::{Config, Emulator};
//!
//! let emulator = Emulator::start(Config::default())?;
//! println!("point a client at {}", emulator.base_url());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! It keeps real state, checks inputs against each model's schema, holds `Prefer: wait`, streams events, delivers
//! signed webhooks, and misbehaves when told to ([`Rule`], [`Emulator::replay`]).

mod app;
pub mod arguments;
mod call;
mod catalog;
mod clock;
mod config;
mod deployments;
mod emulator;
mod events;
mod fault;
mod fetch;
mod files;
mod ids;
mod job;
mod json;
mod limits;
mod listener;
mod models;
mod multipart;
mod page;
mod problem;
mod recorder;
mod replay;
mod routes;
mod runner;
mod schema;
mod server;
mod webhook;

pub use config::{Config, RateLimits, Timing};
pub use emulator::Emulator;
pub use fault::{Action, Match, Rule};
pub use replay::Script;
pub use webhook::sign;
