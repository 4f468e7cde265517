//! Implements [`Runtime`] over tokio.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::runtime::Handle;

use crate::platform::{BoxFuture, Runtime, SpawnFn, Spawner};

/// When the clock of the process began. Clients with the same token compare times, to share a rate limit.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The clock of the system, and the timer and spawner of tokio. Tests can make its time pass faster: see
/// [`TokioRuntime::with_rate`]. Do not pause the time of tokio, which has no effect on the clock.
///
/// ```
/// use std::sync::Arc;
/// use replicant::{Client, Options, native::TokioRuntime};
///
/// let runtime = Arc::new(TokioRuntime::new());
/// let client = Client::new(Options { runtime: Some(runtime), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokioRuntime {
    started: Instant,
    epoch: Duration,
    rate: f64,
}

impl TokioRuntime {
    /// Builds a runtime with the clock of the system.
    pub fn new() -> Self {
        Self::with_rate(1.0)
    }

    /// Builds a runtime whose clock advances `rate` seconds per real second: 1 except in tests.
    pub fn with_rate(rate: f64) -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = if rate == 1.0 { *STARTED } else { Instant::now() };
        Self { started, epoch, rate }
    }
}

impl Default for TokioRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for TokioRuntime {
    fn now(&self) -> Duration {
        if self.rate == 1.0 {
            return SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        }
        self.epoch.saturating_add(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        seconds(self.started.elapsed().as_secs_f64() * self.rate)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let duration = if self.rate == 1.0 { duration } else { seconds(duration.as_secs_f64() / self.rate) };
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawner(&self) -> Spawner {
        Arc::new(TokioSpawner(Handle::current()))
    }
}

/// Converts seconds to a duration, saturating: `Duration::MAX` means forever.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

struct TokioSpawner(Handle);

impl SpawnFn for TokioSpawner {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }
}
