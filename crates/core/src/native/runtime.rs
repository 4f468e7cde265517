//! tokio as the client's [`Runtime`].

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::runtime::Handle;

use crate::platform::{BoxFuture, Runtime, SpawnFn, Spawner};

/// The clock and timer of tokio, running at a rate of choice.
///
/// ```
/// use std::sync::Arc;
/// use replicant::{Client, Options, native::TokioRuntime};
///
/// let runtime = Arc::new(TokioRuntime::with_rate(1.0));
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
    /// A clock that passes `rate` seconds in one real second: 1 except in tests.
    ///
    /// ```
    /// use std::time::Duration;
    /// use replicant::{native::TokioRuntime, platform::Runtime};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// // An hour in under four seconds.
    /// let runtime = TokioRuntime::with_rate(1000.0);
    /// runtime.sleep(Duration::from_secs(1)).await;
    /// # }
    /// ```
    pub fn with_rate(rate: f64) -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), epoch, rate }
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
        Arc::new(Tokio(Handle::current()))
    }
}

/// The longest duration where there are more seconds than fit: a user's `Duration::MAX` means for ever.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

struct Tokio(Handle);

impl SpawnFn for Tokio {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }
}
