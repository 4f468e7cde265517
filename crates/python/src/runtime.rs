//! The one tokio runtime, and how a thread of Python waits for it.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    process,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use replicant::{BoxFuture, Error, ErrorKind, Result, Value, background};
use tokio::{runtime::Runtime, sync::mpsc::UnboundedReceiver};

use crate::source;

/// How long a wait may last before Python looks for signals such as Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

static CURRENT: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// The runtime of this process, made when it is first needed.
///
/// A fork copies no threads, so a child finds its parent's runtime dead. It makes its own and leaves
/// the old one alone: dropping it would wait for threads that do not exist. The lock is only held by
/// threads attached to the interpreter, so a fork, which Python does attached, never copies it held.
pub fn get() -> PyResult<&'static Runtime> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = process::id();
    if let Some((owner, runtime)) = *current
        && owner == pid
    {
        return Ok(runtime);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("replicant")
        .enable_all()
        .build()
        .map_err(|error| {
            PyRuntimeError::new_err(format!("cannot start the threads of replicant: {error}"))
        })?;
    // Never dropped: at exit its threads end with the process, without a wait.
    let runtime: &'static Runtime = Box::leak(Box::new(runtime));
    *current = Some((pid, runtime));
    Ok(runtime)
}

/// The runtime of this process, if it was needed yet.
fn existing() -> Option<&'static Runtime> {
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    current.and_then(|(owner, runtime)| (owner == process::id()).then_some(runtime))
}

/// Waits for `future` without holding the interpreter. Ctrl-C drops it.
///
/// `tell` is called here, between two slices, with what comes through `told` meanwhile: in a place
/// where it may call this package again, which inside the runtime it could not.
pub fn wait<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send,
    mut told: Option<UnboundedReceiver<Value>>,
    tell: impl Fn(Value) -> PyResult<()>,
) -> PyResult<Result<T>> {
    enum Step<T> {
        Done(std::thread::Result<T>),
        Told(Value),
        Tick,
    }
    let runtime = get()?;
    let mut future = Box::pin(AssertUnwindSafe(future).catch_unwind());
    loop {
        let slice = async {
            tokio::select! {
                biased;
                Some(value) = next(&mut told) => Step::Told(value),
                done = &mut future => Step::Done(done),
                () = tokio::time::sleep(SLICE) => Step::Tick,
            }
        };
        // A panic here means that this thread belongs to the runtime already and must not wait.
        let step = py.detach(|| catch_unwind(AssertUnwindSafe(|| runtime.block_on(slice))));
        let outcome = match step {
            Ok(Step::Done(Ok(value))) => {
                while let Some(value) = told.as_mut().and_then(|told| told.try_recv().ok()) {
                    tell(value)?;
                }
                return Ok(Ok(value));
            }
            Ok(Step::Done(Err(panic))) | Err(panic) => return Ok(Err(panicked(&*panic))),
            Ok(Step::Told(value)) => tell(value),
            Ok(Step::Tick) => py.check_signals(),
        };
        if let Err(error) = outcome {
            let _inside = runtime.enter();
            drop(future);
            return Err(error);
        }
    }
}

async fn next(told: &mut Option<UnboundedReceiver<Value>>) -> Option<Value> {
    match told {
        Some(told) => told.recv().await,
        None => None,
    }
}

/// Runs what may panic; a panic is an error of the core like any other.
pub fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// Awaits what may panic.
pub async fn guarded<T>(work: BoxFuture<'static, Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
    Error::new(ErrorKind::Internal, format!("a defect in replicant, please report it: {text}"))
}

/// Waits for what runs in the background, if anything ever ran.
pub fn drain(py: Python<'_>, at_most: Duration) {
    if let Some(runtime) = existing() {
        py.detach(|| runtime.block_on(background::drain(at_most)));
    }
}

/// Leaves nothing running that costs money: closes the streams and waits for the cancels.
pub fn finish(py: Python<'_>, at_most: Duration) {
    if let Some(runtime) = existing() {
        py.detach(|| {
            let _inside = runtime.enter();
            source::close_all();
        });
        drain(py, at_most);
    }
}
