//! How long a thing may take, or stand still.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{
    future::{Either, select},
    pin_mut,
};

use crate::{platform::Runtime, upload::Progress};

/// Runs `future` for at most `limit`; `None` when it took longer.
pub(crate) async fn within<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let sleep = runtime.sleep(limit);
    pin_mut!(future);
    match select(future, sleep).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Runs `future` as long as it ends or bytes move within every `limit`.
pub(super) async fn while_moving<F: Future>(
    runtime: &Arc<dyn Runtime>,
    limit: Duration,
    progress: Option<&Progress>,
    future: F,
) -> Option<F::Output> {
    pin_mut!(future);
    let mut seen = progress.map(Progress::moved);
    loop {
        match select(future.as_mut(), runtime.sleep(limit)).await {
            Either::Left((output, _)) => return Some(output),
            Either::Right(_) => {
                let now = progress.map(Progress::moved);
                if now == seen {
                    return None;
                }
                seen = now;
            }
        }
    }
}
