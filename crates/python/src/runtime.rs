//! The tokio runtime of the process: building it, waiting in it, and ending it.

mod driver;
pub mod gate;
mod greenlets;
mod inbox;
mod panics;
mod signals;
mod wait;

use std::{
    mem, process,
    sync::{
        Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use pyo3::{
    exceptions::{PyException, PyRuntimeError},
    prelude::*,
};
use replicant::{Error, ErrorKind, Result, background, bindings::lock};
use tokio::sync::watch;

use self::greenlets::Greenlets;
pub use self::{
    driver::Driver,
    inbox::Inbox,
    panics::{guard, guarded},
    signals::unblocked,
    wait::wait,
};

/// How long the end of the process waits at least for threads to leave this library.
const LEAVING: Duration = Duration::from_millis(200);
/// How long a wait may last before Python checks for signals such as Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);
/// How long a wait that progresses blocks the other greenlets of its thread at a time.
const GREENLET_SLICE: Duration = Duration::from_millis(1);

static CURRENT: Mutex<Option<Running>> = Mutex::new(None);

/// The runtime of one process.
struct Running {
    pid: u32,
    driver: &'static Driver,
    /// Notifies running calls that the process ends.
    ending: watch::Sender<()>,
}

/// Returns the runtime of this process; builds it on first use.
///
/// A fork copies no threads, so a child cannot use the runtime of its parent. It builds its own and leaks
/// the old one: dropping it would wait for threads that do not exist. Only threads attached to the
/// interpreter hold the lock, and Python forks while attached, so a child never finds it locked.
pub fn get() -> PyResult<&'static Driver> {
    with_current(|running| running.driver)
}

/// Returns the runtime and a receiver that is notified when the process ends. The end of the process waits until
/// the receiver is dropped.
pub fn with_ending() -> PyResult<(&'static Driver, watch::Receiver<()>)> {
    with_current(|running| (running.driver, running.ending.subscribe()))
}

fn with_current<T>(take: impl FnOnce(&Running) -> T) -> PyResult<T> {
    let mut current = lock(&CURRENT);
    let pid = process::id();
    if let Some(running) = current.as_ref().filter(|running| running.pid == pid) {
        return Ok(take(running));
    }
    let driver = Driver::start()
        .map_err(|error| PyRuntimeError::new_err(format!("cannot start a thread: {error}")))?;
    let running = Running { pid, driver, ending: watch::Sender::new(()) };
    let taken = take(&running);
    // In a forked child, the old one may be locked by a thread that the child does not have.
    mem::forget(current.replace(running));
    Ok(taken)
}

/// Runs Python code on a separate thread, because it and attaching to the interpreter may block.
pub async fn blocking<T: Send + 'static, E: From<Error> + Send + 'static>(
    work: impl FnOnce(Python<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let internal = |why: String| E::from(Error::new(ErrorKind::Internal, why));
    let done = tokio::task::spawn_blocking(move || unblocked(|| gate::attach(work))).await;
    match done {
        Ok(Some(result)) => result,
        Ok(None) => Err(internal("the interpreter is ending".into())),
        Err(error) => Err(internal(error.to_string())),
    }
}

/// Returns the runtime of this process if it was built.
fn existing() -> Option<&'static Driver> {
    let current = lock(&CURRENT);
    current.as_ref().and_then(|running| (running.pid == process::id()).then_some(running.driver))
}

/// Waits for background requests such as cancels, at most `limit`.
pub fn drain(py: Python<'_>, limit: Duration) {
    if let Some(driver) = existing() {
        gate::detach(py, || driver.block_on(background::drain(limit)));
    }
}

/// Ends everything that could cost money: closes the streams, abandons the calls in other threads and waits for the
/// cancels, as long as [`background::drain_at_exit`] does. Ctrl-C ends the wait. No other thread uses the interpreter through
/// this library afterwards.
pub fn finish(py: Python<'_>, close_streams: fn()) {
    gate::begin_end();
    let soon = Instant::now() + background::AT_EXIT;
    let mut deadline = soon;
    if let Some((driver, ending)) = end_calls() {
        let (sender, mut drained) = mpsc::channel();
        // In the runtime, because this thread may have no thread-local values anymore: uWSGI ends the interpreter in the
        // exit handlers of C.
        driver.spawn(async move {
            close_streams();
            ending.send_replace(());
            ending.closed().await;
            // The receiver is gone once the time has passed.
            let _ = sender.send(());
            background::drain_at_exit().await;
        });
        let mut greenlets = Greenlets::current(py).ok().flatten();
        loop {
            // The calls of greenlets notice the end only when these run.
            match greenlets.as_ref().map(|greenlets| greenlets.rest(GREENLET_SLICE)) {
                // Their loop may have ended before.
                Some(Err(error)) if error.is_instance_of::<PyException>(py) => greenlets = None,
                Some(Err(_)) => break,
                _ => {}
            }
            let waited;
            (waited, drained) = py.detach(move || (drained.recv_timeout(SLICE), drained));
            if waited.is_ok() {
                // The calls have ended, and their cancels are being sent.
                deadline += background::LONGEST_EXIT;
            }
            let is_waiting = waited != Err(RecvTimeoutError::Disconnected) && Instant::now() < deadline;
            if !is_waiting || py.check_signals().is_err() {
                break;
            }
        }
    }
    py.detach(|| gate::complete_end(soon.max(Instant::now() + LEAVING)));
}

/// Returns what notifies the running calls that the process ends. Calls that begin from here on, such as in a later exit
/// handler, are not notified.
fn end_calls() -> Option<(&'static Driver, watch::Sender<()>)> {
    let driver = existing()?;
    let mut current = lock(&CURRENT);
    Some((driver, mem::replace(&mut current.as_mut()?.ending, watch::Sender::new(()))))
}
