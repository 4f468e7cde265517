//! How long a thing may take, or stand still.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::pin_mut;

use super::body_progress::BodyProgress;
use crate::platform::Runtime;

/// Runs `future` for at most `limit`; `None` when it took longer.
pub(crate) async fn within<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    pin_mut!(future);
    for_now(runtime, limit, future).await
}

/// Runs `future` as long as it ends or bytes move within every `limit`.
pub(crate) async fn while_moving<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    progress: Option<&BodyProgress>,
    future: F,
) -> Option<F::Output> {
    pin_mut!(future);
    let mut seen = progress.map(BodyProgress::moved);
    loop {
        if let Some(output) = for_now(runtime, limit, future.as_mut()).await {
            return Some(output);
        }
        let now = progress.map(BodyProgress::moved);
        if now == seen {
            return None;
        }
        seen = now;
    }
}

/// Runs `future` for `limit`, to be gone on with if it gives `None`.
async fn for_now<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    // What is there at once, as most bodies are, needs no timer.
    let mut timer = None;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            let timer = timer.get_or_insert_with(|| runtime.sleep(limit));
            timer.as_mut().poll(context).map(|()| None)
        }
    })
    .await
}
