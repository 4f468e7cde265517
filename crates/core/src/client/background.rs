//! Background tasks that outlive their caller: cancels of abandoned predictions.
//!
//! ```no_run
//! # async fn example(client: replicant::Client) -> replicant::Result<()> {
//! use std::{future::IntoFuture, time::Duration};
//! use replicant::background;
//!
//! // The run is abandoned after a second. `drain` waits until its cancel has been sent.
//! let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
//! let _ = tokio::time::timeout(Duration::from_secs(1), run.into_future()).await;
//! background::drain(background::AT_EXIT).await;
//! # Ok(()) }
//! ```

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::Notify;
use tracing::{info, warn};

use super::{Client, response::Expect};
#[cfg(not(target_arch = "wasm32"))]
use crate::telemetry::inherit;
use crate::{
    http::{
        request::{Request, path},
        time_limit::within,
    },
    platform::{BoxFuture, Spawner},
};

/// Time limit of a cancel, including retries. Long enough to wait out a rate limit, which abandoning many
/// runs at once can cause.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a process should [`drain`] before it exits. Covers a create in flight and its cancel.
pub const AT_EXIT: Duration = Duration::from_secs(8);

static PENDING: AtomicUsize = AtomicUsize::new(0);
static DONE: Notify = Notify::const_new();

/// Counts a pending task while it exists.
struct Pending;

impl Pending {
    fn new() -> Self {
        PENDING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        PENDING.fetch_sub(1, Ordering::SeqCst);
        DONE.notify_waiters();
    }
}

/// Spawns a task that [`drain`] waits for.
pub(crate) fn spawn(spawner: &Spawner, task: BoxFuture<'static, ()>) {
    let pending = Pending::new();
    spawner.spawn(inherit(Box::pin(async move {
        let _pending = pending;
        task.await;
    })));
}

#[cfg(target_arch = "wasm32")]
fn inherit(task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    task
}

/// Cancels a prediction in the background.
pub(crate) fn cancel(client: Client, spawner: &Spawner, id: String) {
    let task = async move {
        let Ok(path) = path("/predictions/{id}/cancel", &[("id", &id)]) else { return };
        let request = Request::post(path).idempotent();
        info!(target: "replicant", prediction_id = id, "canceling prediction");
        // The caller is gone, so a failure can only be logged.
        match within(client.runtime(), CANCEL_TIMEOUT, client.send(&request, Expect::Nothing)).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                warn!(target: "replicant", prediction_id = id, error = error.code(), "cancel failed");
            }
            None => warn!(target: "replicant", prediction_id = id, error = "timeout", "cancel failed"),
        }
    };
    spawn(spawner, Box::pin(task));
}

/// Waits until all background cancels have been sent, for at most `limit` in real time.
///
/// Call this before a process exits: a prediction whose cancel is not sent continues to run and to cost money.
#[cfg(not(target_arch = "wasm32"))]
pub async fn drain(limit: Duration) {
    let runtime: std::sync::Arc<dyn crate::platform::Runtime> =
        std::sync::Arc::new(crate::native::TokioRuntime::with_rate(1.0));
    let idle = async {
        loop {
            let done = DONE.notified();
            if PENDING.load(Ordering::SeqCst) == 0 {
                return;
            }
            done.await;
        }
    };
    within(&runtime, limit, idle).await;
}

/// Returns `true` if no cancel is pending.
pub fn is_idle() -> bool {
    PENDING.load(Ordering::SeqCst) == 0
}
