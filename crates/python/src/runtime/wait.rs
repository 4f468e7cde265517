//! Blocking calls: how a thread of Python waits for a future.

use std::{
    future::{Future, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use pyo3::prelude::*;
use replicant::{Error, Result};
use tokio::sync::watch;

use super::{Driver, Inbox, SLICE, gate, greenlets::Greenlets, with_ending};
use crate::once::Once;

/// How long a wait blocks the other greenlets of its thread at a time, and how long it lets them run at most.
const GREENLET_SLICE: Duration = Duration::from_millis(1);
const GREENLET_REST: Duration = Duration::from_millis(16);

/// A blocking call in progress.
struct Waiting<F> {
    driver: &'static Driver,
    /// `None` if the call was abandoned.
    future: Option<Pin<Box<F>>>,
    /// Notified when the process ends, which waits until this is dropped.
    ending: Option<watch::Receiver<()>>,
}

impl<F> Waiting<F> {
    fn abandon(&mut self) {
        let _inside = self.driver.enter();
        self.future = None;
        self.ending = None;
    }
}

/// Waits for `future` without holding the interpreter. Ctrl-C drops the future.
///
/// Calls `observe` between two slices with the values from `observed`: there it may call this package again,
/// which is impossible inside the runtime.
pub fn wait<T: Send, N: Send>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send,
    observed: Option<&Inbox<N>>,
    observe: impl Fn(N) -> PyResult<()>,
) -> PyResult<Result<T>> {
    enum Step<T, N> {
        Done(std::thread::Result<T>),
        Observed(N),
        Tick,
        Ending,
    }
    let (driver, ending) = with_ending()?;
    let future = Some(Box::pin(AssertUnwindSafe(future).catch_unwind()));
    let mut waiting = Waiting { driver, future, ending: Some(ending) };
    // Polls the sockets before the future: a pooled connection that the server has closed must not be used.
    let mut polled = false;
    let greenlets = Greenlets::current(py)?;
    let slice_length = if greenlets.is_some() { GREENLET_SLICE } else { SLICE };
    let mut pause = GREENLET_SLICE;
    loop {
        let slice = |waiting: &mut Waiting<_>| {
            let Waiting { future, ending, .. } = waiting;
            let slice = async {
                if !mem::replace(&mut polled, true) {
                    tokio::task::yield_now().await;
                    tokio::task::yield_now().await;
                }
                tokio::select! {
                    biased;
                    Some(value) = next(observed) => Step::Observed(value),
                    Some(done) = poll_fn(|context| poll(future, context)) => Step::Done(done),
                    () = notified(ending) => Step::Ending,
                    () = tokio::time::sleep(slice_length) => Step::Tick,
                }
            };
            // Panics if this thread belongs to the runtime, where it must not wait.
            catch_unwind(AssertUnwindSafe(|| driver.block_on(slice)))
        };
        let outcome = match gate::detach_or(py, &mut waiting, slice, Waiting::abandon) {
            Ok(Step::Done(Ok(value))) => {
                while let Some(value) = observed.and_then(Inbox::now) {
                    observe(value)?;
                }
                return Ok(Ok(value));
            }
            Ok(Step::Done(Err(panic))) | Err(panic) => return Ok(Err(Error::from_panic(&*panic))),
            Ok(Step::Observed(value)) => observe(value),
            Ok(Step::Tick) => {
                let rested = greenlets.as_ref().map_or(Ok(()), |greenlets| greenlets.rest(pause));
                pause = (pause * 2).min(GREENLET_REST);
                rested.and_then(|()| py.check_signals()).and_then(|()| raise_pending(py))
            }
            // A thread of the program was parked. This one serves the runtime, which still sends cancels.
            Ok(Step::Ending) => {
                waiting.ending = None;
                Ok(())
            }
        };
        if let Err(error) = outcome {
            waiting.abandon();
            return Err(error);
        }
    }
}

/// Raises the exception that another thread has set for this one, such as the time limit of a task queue. The interpreter
/// raises it only while it executes Python code.
fn raise_pending(py: Python<'_>) -> PyResult<()> {
    static NOTHING: Once<PyAny> = Once::new();
    let nothing = NOTHING.get_or_try_init(|| Ok(py.eval(c"lambda: None", None, None)?.unbind()))?;
    nothing.call0(py).map(drop)
}

/// Polls a future that was not abandoned.
fn poll<F: Future>(future: &mut Option<Pin<Box<F>>>, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
    match future {
        Some(future) => future.as_mut().poll(context).map(Some),
        None => Poll::Ready(None),
    }
}

/// Waits until the process ends.
async fn notified(ending: &mut Option<watch::Receiver<()>>) {
    match ending {
        Some(ending) => drop(ending.changed().await),
        None => std::future::pending().await,
    }
}

async fn next<N>(observed: Option<&Inbox<N>>) -> Option<N> {
    match observed {
        Some(observed) => observed.next().await,
        None => None,
    }
}
