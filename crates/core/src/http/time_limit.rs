//! Time limits for futures.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use futures_util::pin_mut;

use super::body_progress::BodyProgress;
use crate::platform::Runtime;

/// Runs `future` for at most `limit`. Returns `None` if it takes longer.
pub(crate) async fn within<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    pin_mut!(future);
    poll_for(runtime, limit, future).await
}

/// Runs `future` until it completes. Returns `None` once `limit` passes without progress.
pub(crate) async fn while_progressing<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    progress: Option<&BodyProgress>,
    future: F,
) -> Option<F::Output> {
    pin_mut!(future);
    let mut before = progress.map(BodyProgress::bytes);
    loop {
        if let Some(output) = poll_for(runtime, limit, future.as_mut()).await {
            return Some(output);
        }
        let now = progress.map(BodyProgress::bytes);
        if now == before {
            return None;
        }
        before = now;
    }
}

/// What a future has after its limit: a process that was stopped, or had no processor, sees that the time has passed before it
/// sees what arrived meanwhile.
const GRACE: Duration = Duration::from_millis(2);

/// Runs `future` for at most `limit`. It can be polled again after `None`.
async fn poll_for<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    // Created lazily: most futures complete without a timer.
    let mut timer = None;
    // The event loop of JavaScript cannot be asked what has arrived.
    let mut is_last = cfg!(target_arch = "wasm32");
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => loop {
            let sleep = timer.get_or_insert_with(|| runtime.sleep(limit));
            ready!(sleep.as_mut().poll(context));
            if mem::replace(&mut is_last, true) {
                return Poll::Ready(None);
            }
            timer = Some(runtime.sleep(GRACE));
        },
    })
    .await
}
