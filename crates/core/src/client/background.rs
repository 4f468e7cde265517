//! Work that outlives its caller: cancels that are still on their way.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Client, response::Expect};
use crate::{
    http::{
        request::{Request, path},
        time_limit::within,
    },
    platform::{BoxFuture, Spawner},
};

/// How long a cancel may take, its retries included: enough to wait out a rate limit, which is just what
/// many runs given up at once run into.
const LIMIT: Duration = Duration::from_secs(120);
/// How long the end of a process should wait: for a create that is held, and the cancel after it.
///
/// Give it to [`drain`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::background;
///
/// background::drain(background::AT_EXIT).await;
/// # Ok(()) }
/// ```
pub const AT_EXIT: Duration = Duration::from_secs(8);

static PENDING: AtomicUsize = AtomicUsize::new(0);
static DONE: Notify = Notify::const_new();

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

/// Starts work that [`drain`] waits for.
pub(crate) fn spawn(spawner: &Spawner, task: BoxFuture<'static, ()>) {
    let pending = Pending::new();
    spawner.spawn(Box::pin(async move {
        let _pending = pending;
        task.await;
    }));
}

/// Sends a prediction's cancel without anybody waiting for it.
pub(crate) fn cancel(client: Client, spawner: &Spawner, id: String) {
    let task = async move {
        let Ok(path) = path("/predictions/{id}/cancel", &[("id", &id)]) else { return };
        let request = Request::post(path).idempotent();
        // Nobody is left to be told of a failure.
        let _ = within(client.runtime(), LIMIT, client.send(&request, Expect::Nothing)).await;
    };
    spawn(spawner, Box::pin(task));
}

/// Waits until all cancels in the background are sent, `limit` at most (in real time).
///
/// For the end of a process: a cancel that is not sent is a prediction that goes on costing money.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::time::Duration;
/// use replicant::background;
///
/// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
/// // Given up: its cancel is sent while this waits.
/// drop(tokio::time::timeout(Duration::from_secs(1), std::future::IntoFuture::into_future(run)).await);
/// background::drain(background::AT_EXIT).await;
/// # Ok(()) }
/// ```
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

/// Whether cancels are still on their way.
///
/// ```
/// assert!(replicant::background::is_idle(), "nothing was given up yet");
/// ```
pub fn is_idle() -> bool {
    PENDING.load(Ordering::SeqCst) == 0
}
