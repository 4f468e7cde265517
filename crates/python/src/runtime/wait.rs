//! Blocking calls: how a thread of Python waits for a future.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use pyo3::prelude::*;
use replicant::{Error, Result};
use tokio::sync::watch;

use super::{Driver, GREENLET_SLICE, Inbox, SLICE, driver::Counted, gate, greenlets::Greenlets, with_ending};
use crate::once::Once;

/// How long a wait may last in threads other than the main one, which receives no signals.
const LONG_SLICE: Duration = Duration::from_millis(250);
/// How long a waiting greenlet lets the others run at most.
const GREENLET_REST: Duration = Duration::from_millis(16);
/// Time in which the runtime continues what a greenlet waits for.
const GREENLET_PROGRESS: Duration = Duration::from_micros(200);

/// What a blocking call waits for. A trait object, because `wait` is long and would be compiled for each call.
type Waited<'a, T> = Pin<Box<dyn Future<Output = thread::Result<T>> + Send + 'a>>;

/// A blocking call in progress.
struct Waiting<'a, T> {
    driver: &'static Driver,
    /// `None` if the call was abandoned.
    future: Option<Waited<'a, T>>,
    /// Notified when the process ends, which waits until this is dropped.
    ending: Option<watch::Receiver<()>>,
}

impl<T> Waiting<'_, T> {
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
    observe: &dyn Fn(N) -> PyResult<()>,
) -> PyResult<Result<T>> {
    enum Step<T, N> {
        Done(thread::Result<T>),
        Observed(N),
        Tick,
        Ending,
    }
    let (driver, ending) = with_ending()?;
    let future: Waited<'_, T> = Box::pin(AssertUnwindSafe(future).catch_unwind());
    let mut waiting = Waiting { driver, future: Some(future), ending: Some(ending) };
    let greenlets = Greenlets::current(py)?;
    let peeking = greenlets.is_some().then(|| Peeking::new(driver));
    let mut slice_length = SLICE;
    let mut pause = GREENLET_SLICE;
    loop {
        let slice = |waiting: &mut Waiting<'_, _>| {
            let Waiting { future, ending, .. } = waiting;
            let step = async {
                tokio::select! {
                    biased;
                    Some(value) = next(observed) => Step::Observed(value),
                    Some(done) = poll_fn(|context| poll(future, context)) => Step::Done(done),
                    () = notified(ending) => Step::Ending,
                }
            };
            // Panics if this thread belongs to the runtime, where it must not wait.
            catch_unwind(AssertUnwindSafe(|| match &peeking {
                Some(peeking) => peeking.poll(step).unwrap_or(Step::Tick),
                None => driver.block_on(async {
                    tokio::select! {
                        biased;
                        step = step => step,
                        () = tokio::time::sleep(slice_length) => Step::Tick,
                    }
                }),
            }))
        };
        let outcome = match gate::detach_or(py, &mut waiting, slice, Waiting::abandon) {
            Ok(Step::Done(Ok(value))) => {
                while let Some(value) = observed.and_then(Inbox::now) {
                    observe(value)?;
                }
                // A Ctrl-C that the interpreter raises after the call would lose the result.
                py.check_signals()?;
                return Ok(Ok(value));
            }
            Ok(Step::Done(Err(panic))) | Err(panic) => return Ok(Err(Error::from_panic(&*panic))),
            Ok(Step::Observed(value)) => observe(value),
            Ok(Step::Tick) => {
                if slice_length == SLICE && !is_main_thread(py)? {
                    slice_length = LONG_SLICE;
                }
                if peeking.as_ref().is_some_and(Peeking::is_progressing) {
                    pause = GREENLET_SLICE;
                }
                let rested = greenlets.as_ref().map_or(Ok(()), |greenlets| greenlets.rest(pause));
                pause = (pause * 2).min(GREENLET_REST);
                rested.and_then(|()| py.check_signals()).and_then(|()| raise_pending(py))
            }
            // The thread of a greenlet is the one that ends the process, and is not parked.
            Ok(Step::Ending) if greenlets.is_some() => {
                waiting.abandon();
                Ok(())
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

/// How a greenlet waits: all others of its thread stand still while it is in here, so it only looks what the runtime has
/// done, which our thread drives.
struct Peeking {
    driver: &'static Driver,
    woken: Arc<Woken>,
    _driven: Counted,
}

/// Wakes a thread that waits for progress.
struct Woken {
    is_woken: AtomicBool,
    thread: Thread,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, SeqCst);
        self.thread.unpark();
    }
}

impl Peeking {
    fn new(driver: &'static Driver) -> Self {
        let woken = Arc::new(Woken { is_woken: AtomicBool::new(true), thread: thread::current() });
        Self { driver, woken, _driven: driver.keep_driven() }
    }

    /// Polls `future` as long as it progresses, for a slice at most.
    fn poll<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let _inside = self.driver.enter();
        let waker = Waker::from(self.woken.clone());
        let mut future = pin!(future);
        let end = Instant::now() + GREENLET_SLICE;
        loop {
            let progresses = self.woken.is_woken.swap(false, SeqCst);
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            if progresses && !self.is_progressing() {
                thread::park_timeout(GREENLET_PROGRESS);
            }
            if !self.is_progressing() || Instant::now() >= end {
                return None;
            }
        }
    }

    fn is_progressing(&self) -> bool {
        self.woken.is_woken.load(SeqCst)
    }
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}

/// Raises the exception that another thread has set for this one, such as the time limit of a task queue. The interpreter
/// raises it only while it executes Python code.
fn raise_pending(py: Python<'_>) -> PyResult<()> {
    static NOTHING: Once<PyAny> = Once::new();
    let nothing = NOTHING.get_or_try_init(|| Ok(py.eval(c"lambda: None", None, None)?.unbind()))?;
    nothing.call0(py).map(drop)
}

/// Polls a future that was not abandoned.
fn poll<T>(future: &mut Option<Waited<'_, T>>, context: &mut Context<'_>) -> Poll<Option<thread::Result<T>>> {
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
