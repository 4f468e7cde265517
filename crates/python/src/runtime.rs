//! The tokio runtime of the process: building it, waiting in it, and ending it.

mod driver;
mod greenlets;
mod panics;
mod wait;

use std::{mem, process, sync::Mutex, time::Duration};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use replicant::background;
use tokio::sync::watch;

pub use self::{
    driver::Driver,
    panics::{guard, guarded},
    wait::wait,
};
use crate::lock::lock;

/// How long the end of the process waits for the calls that it stops.
const STOPPING: Duration = Duration::from_secs(1);

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

/// Returns the runtime of this process if it was built.
fn existing() -> Option<&'static Driver> {
    let current = lock(&CURRENT);
    current.as_ref().and_then(|running| (running.pid == process::id()).then_some(running.driver))
}

/// Waits for background requests such as cancels, at most `limit`.
pub fn drain(py: Python<'_>, limit: Duration) {
    if let Some(driver) = existing() {
        py.detach(|| driver.block_on(background::drain(limit)));
    }
}

/// Ends everything that could cost money: closes the streams, abandons the calls in other threads and waits for the
/// cancels.
pub fn finish(py: Python<'_>, close_streams: fn()) {
    let Some(driver) = existing() else { return };
    let mut current = lock(&CURRENT);
    let Some(running) = current.as_mut() else { return };
    // Calls that begin from here on, such as in a later exit handler, are not notified.
    let ending = mem::replace(&mut running.ending, watch::Sender::new(()));
    drop(current);
    py.detach(|| {
        let inside = driver.enter();
        close_streams();
        drop(inside);
        driver.block_on(async {
            ending.send_replace(());
            drop(tokio::time::timeout(STOPPING, ending.closed()).await);
        });
    });
    drain(py, background::AT_EXIT);
}
