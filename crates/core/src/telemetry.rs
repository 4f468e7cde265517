//! Events and spans as data, for the bindings of Python and JavaScript; not covered by semantic versioning.
//!
//! The core reports its work with [`tracing`](https://docs.rs/tracing), under the target `replicant`. A program in Rust
//! subscribes to it as usual. A binding instead [attaches](attach) a [`Sink`] to each call, which receives the events
//! and spans of that call as values:
//!
//! | record | members |
//! |---|---|
//! | an event | `event`, `level` (`info`, `debug`, ...), `fields`, `text` (the event and its fields in one line) |
//! | a span begins | `span`: `open`, `id`, `parent`, `name`, `kind`, `attributes`, `time` |
//! | a span has further attributes | `span`: `set`, `id`, `status` (`ERROR` or null), `attributes` |
//! | a span ends | `span`: `close`, `id`, `time` |
//!
//! Times are in nanoseconds since the Unix epoch. The names of attributes are those of OpenTelemetry.

mod attached;
mod fields;
mod open_spans;
mod recorder;

use std::{fmt, sync::Arc};

pub(crate) use self::attached::inherit;
pub use self::attached::{attach, attach_stream};
use crate::value::Observer;

/// The level of the events that a [`Sink`] receives.
///
/// ```
/// use replicant::telemetry::Level;
///
/// assert_eq!(Level::from_name("debug"), Some(Level::Debug));
/// assert_eq!(Level::from_name("loud"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No events.
    Off,
    /// Failures that nobody else reports, such as that of a cancel in the background.
    Warn,
    /// One event per request, retry, prediction and transfer.
    Info,
    /// Also each attempt and each poll.
    Debug,
}

impl Level {
    /// Returns the level with a name: `off`, `warn`, `info` or `debug`. `error` is `warn`, and `trace` is `debug`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "off" | "none" | "silent" => Some(Self::Off),
            "error" | "warn" | "warning" => Some(Self::Warn),
            "info" => Some(Self::Info),
            "debug" | "trace" => Some(Self::Debug),
            _ => None,
        }
    }

    fn allows(self, level: &tracing::Level) -> bool {
        match self {
            Self::Off => false,
            Self::Warn => *level <= tracing::Level::WARN,
            Self::Info => *level <= tracing::Level::INFO,
            Self::Debug => *level <= tracing::Level::DEBUG,
        }
    }
}

/// Receives the events and spans of a call.
///
/// ```
/// use std::sync::Arc;
/// use replicant::telemetry::{Level, Sink};
///
/// let sink = Sink::new(Level::Info, false, Arc::new(|record| println!("{}", record["text"])));
/// ```
pub struct Sink {
    level: Level,
    spans: bool,
    receive: Observer,
}

impl Sink {
    /// Builds a sink that calls `receive` with each record: events up to `level`, and spans if `spans` is true.
    ///
    /// `receive` runs on the thread that does the work, so it must not block.
    pub fn new(level: Level, spans: bool, receive: Observer) -> Arc<Self> {
        recorder::install(level, spans);
        Arc::new(Self { level, spans, receive })
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, spans, receive: _ } = self;
        f.debug_struct("Sink").field("level", level).field("spans", spans).finish_non_exhaustive()
    }
}

/// Returns the id of the innermost span of the work that this thread is doing, as a record has it.
///
/// ```
/// assert_eq!(replicant::telemetry::current_span(), None);
/// ```
pub fn current_span() -> Option<u64> {
    attached::innermost()
}
