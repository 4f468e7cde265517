//! Blocking calls: how a thread of Python waits for a future.

use std::{
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures_util::FutureExt;
use pyo3::prelude::*;
use replicant::Result;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{greenlets::Greenlets, panics::panicked, with_ending};

/// How long a wait may last before Python checks for signals such as Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// How long a wait blocks the other greenlets of its thread at a time, and how long it lets them run at most.
const GREENLET_SLICE: Duration = Duration::from_millis(1);
const GREENLET_REST: Duration = Duration::from_millis(16);

/// Waits for `future` without holding the interpreter. Ctrl-C drops the future.
///
/// Calls `observe` between two slices with the values from `observed`: there it may call this package again,
/// which is impossible inside the runtime.
pub fn wait<T: Send, N: Send>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send,
    observed: &mut Option<UnboundedReceiver<N>>,
    observe: impl Fn(N) -> PyResult<()>,
) -> PyResult<Result<T>> {
    enum Step<T, N> {
        Done(std::thread::Result<T>),
        Observed(N),
        Tick,
        Ending,
    }
    let (driver, mut ending) = with_ending()?;
    let mut future = Box::pin(AssertUnwindSafe(future).catch_unwind());
    // Polls the sockets before the future: a pooled connection that the server has closed must not be used.
    let mut polled = false;
    let greenlets = Greenlets::current(py)?;
    let slice_length = if greenlets.is_some() { GREENLET_SLICE } else { SLICE };
    let mut pause = GREENLET_SLICE;
    loop {
        let slice = async {
            if !mem::replace(&mut polled, true) {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
            tokio::select! {
                biased;
                Some(value) = next(&mut *observed) => Step::Observed(value),
                done = &mut future => Step::Done(done),
                _ = ending.changed() => Step::Ending,
                () = tokio::time::sleep(slice_length) => Step::Tick,
            }
        };
        // Panics if this thread belongs to the runtime, where it must not wait.
        let step = py.detach(|| catch_unwind(AssertUnwindSafe(|| driver.block_on(slice))));
        let outcome = match step {
            Ok(Step::Done(Ok(value))) => {
                while let Some(value) = observed.as_mut().and_then(|observed| observed.try_recv().ok()) {
                    observe(value)?;
                }
                return Ok(Ok(value));
            }
            Ok(Step::Done(Err(panic))) | Err(panic) => return Ok(Err(panicked(&*panic))),
            Ok(Step::Observed(value)) => observe(value),
            Ok(Step::Tick) => {
                let rested = greenlets.as_ref().map_or(Ok(()), |greenlets| greenlets.rest(pause));
                pause = (pause * 2).min(GREENLET_REST);
                rested.and_then(|()| py.check_signals())
            }
            Ok(Step::Ending) => break,
        };
        if let Err(error) = outcome {
            let _inside = driver.enter();
            drop(future);
            return Err(error);
        }
    }
    let inside = driver.enter();
    drop(future);
    drop(inside);
    drop(ending);
    // The process ends, so this is a daemon thread, whose exception would only be printed.
    py.detach(|| {
        loop {
            std::thread::park();
        }
    })
}

async fn next<N>(observed: &mut Option<UnboundedReceiver<N>>) -> Option<N> {
    match observed {
        Some(observed) => observed.recv().await,
        None => None,
    }
}
