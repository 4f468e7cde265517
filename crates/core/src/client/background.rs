//! Background tasks that outlive their caller: cancels of abandoned predictions.
//!
//! They run on the runtime of their caller and end with it, so a program waits for them before `main` returns:
//!
//! ```no_run
//! use std::{future::IntoFuture, time::Duration};
//! use replicant::{Client, background, json};
//!
//! #[tokio::main]
//! async fn main() -> replicant::Result<()> {
//!     let client = Client::from_env()?;
//!     let run = client.run("acme/painter", json!({"prompt": "a heron"}));
//!     // After a second, the run is abandoned.
//!     let _ = tokio::time::timeout(Duration::from_secs(1), run.into_future()).await;
//!     // Its id comes with the response to the create, which the API holds for up to 5 s.
//!     background::drain(Duration::from_secs(10)).await;
//!     Ok(())
//! }
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tracing::{info, warn};

use super::{Client, response::Expect, uncanceled::Uncanceled};
use crate::{
    error::Result,
    http::{
        request::{Request, RequestOptions, path},
        time_limit::within,
    },
    platform::{BoxFuture, PerProcess, Runtime, Spawner},
    telemetry::inherit,
};

/// How long a cancel is retried. Long enough to wait out a rate limit, which abandoning many runs at once can cause.
pub(super) const CANCEL_TIMEOUT: Duration = Duration::from_secs(120);
/// How long an exit waits if the API is silent, so that it takes less than a second.
pub const AT_EXIT: Duration = Duration::from_millis(600);
/// How long an exit waits if cancels succeed: those who end a process, such as Docker, wait ten seconds before they kill it.
#[cfg(not(target_arch = "wasm32"))]
pub const LONGEST_EXIT: Duration = Duration::from_secs(9);

/// All tasks.
static ALL: PerProcess<Tasks> = PerProcess::new();

/// The background tasks of one call, so that its caller can wait for them and no others. See [`Client::with_tasks`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::{future::IntoFuture, time::Duration};
/// use replicant::{background::Tasks, json};
///
/// let tasks = Tasks::default();
/// let run = client.with_tasks(tasks.clone()).run("acme/painter", json!({"prompt": "a heron"}));
/// let _ = tokio::time::timeout(Duration::from_secs(1), run.into_future()).await;
/// tasks.done().await;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tasks(pub(super) Arc<Count>);

#[derive(Debug, Default)]
pub(super) struct Count {
    pending: AtomicUsize,
    /// The number of cancels that succeeded.
    canceled: AtomicUsize,
    done: Notify,
    pub uncanceled: Uncanceled,
}

impl Tasks {
    /// Waits until all tasks are done: cancels, creates in flight and batches that have not ended, which could still need
    /// cancels. Drop a batch first that is not read to its end.
    pub async fn done(&self) {
        self.until(|| self.is_idle()).await;
    }

    /// Waits until `condition` holds, which can change whenever a task ends.
    async fn until(&self, condition: impl Fn() -> bool) {
        loop {
            let notified = self.0.done.notified();
            if condition() {
                return;
            }
            notified.await;
        }
    }

    /// Waits as [`drain_at_exit`] does, for these tasks only.
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn done_at_exit(&self) {
        let runtime: Arc<dyn Runtime> = Arc::new(crate::native::TokioRuntime::new());
        let canceled = || self.0.canceled.load(SeqCst);
        let done = async {
            while !self.is_idle() {
                let before = canceled();
                let progress = self.until(|| self.is_idle() || canceled() != before);
                if within(&runtime, AT_EXIT, progress).await.is_none() {
                    return;
                }
            }
        };
        within(&runtime, LONGEST_EXIT, done).await;
    }

    fn is_idle(&self) -> bool {
        self.0.pending.load(SeqCst) == 0
    }

    fn start(&self) -> Started {
        self.0.pending.fetch_add(1, SeqCst);
        Started(self.0.clone())
    }
}

/// Counts a task of [`Tasks`] while it exists.
struct Started(Arc<Count>);

impl Drop for Started {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, SeqCst);
        self.0.done.notify_waiters();
    }
}

/// Spawns a task of a call that [`drain`] waits for.
pub(crate) fn spawn(client: &Client, spawner: &Spawner, task: BoxFuture<'static, ()>) {
    let counted = (ALL.get().start(), client.tasks().map(Tasks::start));
    spawner.spawn(inherit(Box::pin(async move {
        let _counted = counted;
        task.await;
    })));
}

/// Builds the request that cancels a prediction. A second cancel has no effect, so it can be retried.
pub(crate) fn cancel_request(id: &str) -> Result<Request> {
    path("/predictions/{id}/cancel", &[("id", id)]).map(|path| Request::post(path).idempotent())
}

/// Cancels a prediction in the background, with the `options` of its call. Limits of time and retries do not apply: they are
/// for a caller that waits.
pub(crate) fn cancel(client: &Client, spawner: &Spawner, id: &str, options: &RequestOptions) {
    let (caller, client, id, mut options) = (client, client.clone(), id.to_owned(), options.clone());
    options.timeout = None;
    client.add_uncanceled(Some(&id));
    // Outside the task, so that it is dropped also if the task never runs.
    let failure = Failure { id: id.clone(), error: Some("runtime_ended") };
    let task = async move {
        let mut failure = failure;
        info!(target: "replicant", prediction_id = id, "canceling prediction");
        let sent = async {
            let request = cancel_request(&id)?.retried_for(CANCEL_TIMEOUT).options(options);
            let _permit = client.abandoned().cancel_permit(client.runtime()).await;
            client.send(&request, Expect::Nothing).await
        };
        failure.error = match within(client.runtime(), CANCEL_TIMEOUT, sent).await {
            Some(Ok(_)) => {
                for tasks in [Some(ALL.get()), client.tasks()].into_iter().flatten() {
                    tasks.0.canceled.fetch_add(1, SeqCst);
                }
                client.remove_uncanceled(Some(&id));
                None
            }
            Some(Err(error)) => Some(error.code()),
            None => Some("timeout"),
        };
    };
    spawn(caller, spawner, Box::pin(task));
}

/// Logs that a cancel failed, or that its runtime ended before it was sent. The caller is gone, so a failure can only be
/// logged.
struct Failure {
    id: String,
    error: Option<&'static str>,
}

impl Drop for Failure {
    fn drop(&mut self) {
        if let Some(error) = self.error {
            warn!(target: "replicant", prediction_id = self.id, error, "cancel failed");
        }
    }
}

/// Waits until all background cancels have been sent, for at most `limit` in real time. Creates in flight and batches that have
/// not ended count as well, because they could still need cancels: in a server, await its calls or drop them first.
///
/// Await this before a program ends: a prediction whose cancel is not sent continues to run and to cost money.
#[cfg(not(target_arch = "wasm32"))]
pub async fn drain(limit: Duration) {
    drain_on(std::sync::Arc::new(crate::native::TokioRuntime::new()), limit).await;
}

/// Waits until all background cancels have been sent, in a process that exits: for at most 600 ms after the last one that
/// succeeded, and 9 s in all.
///
/// This covers the cancels of predictions whose ids are known; that of a run whose create is in flight takes up to 10 s. The
/// create sends `Cancel-After`, so the API ends a prediction whose cancel was not sent, but only 5 s after the timeout of its
/// run, or a day after its create.
#[cfg(not(target_arch = "wasm32"))]
pub async fn drain_at_exit() {
    ALL.get().done_at_exit().await;
}

/// Like [`drain`](self), with the timer of `runtime`, for platforms without tokio's.
pub async fn drain_on(runtime: Arc<dyn Runtime>, limit: Duration) {
    within(&runtime, limit, ALL.get().done()).await;
}

/// Returns `true` if no cancel is pending, and no create or batch that could need one is running.
pub fn is_idle() -> bool {
    ALL.get().is_idle()
}
