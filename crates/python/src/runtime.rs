//! The one tokio runtime, and how a thread of Python waits for it.

use std::{
    any::Any,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    process,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyDict};
use replicant::{BoxFuture, Error, ErrorKind, Result, Value, background};
use tokio::sync::{mpsc::UnboundedReceiver, watch};

use crate::{engine::Engine, source};

/// How long a wait may last before Python looks for signals such as Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// How long a wait blocks the other greenlets of its thread at a time, and at most leaves the thread to them.
const BRIEFLY: Duration = Duration::from_millis(1);
const REST: Duration = Duration::from_millis(16);

/// How long the end of the process waits for those it tells to stop.
const STOPPING: Duration = Duration::from_secs(1);

static CURRENT: Mutex<Option<Running>> = Mutex::new(None);

/// The runtime of one process.
struct Running {
    pid: u32,
    engine: &'static Engine,
    /// Tells what is under way that the process ends.
    ending: watch::Sender<()>,
}

/// The runtime of this process, made when it is first needed.
///
/// A fork copies no threads, so a child finds its parent's runtime dead. It makes its own and leaves
/// the old one alone: dropping it would wait for threads that do not exist. The lock is only held by
/// threads attached to the interpreter, so a fork, which Python does attached, never copies it held.
pub fn get() -> PyResult<&'static Engine> {
    with_current(|running| running.engine)
}

/// The same, and what hears of the end of the process; the process waits at its end until that is dropped.
pub fn with_ending() -> PyResult<(&'static Engine, watch::Receiver<()>)> {
    with_current(|running| (running.engine, running.ending.subscribe()))
}

fn with_current<T>(take: impl FnOnce(&Running) -> T) -> PyResult<T> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = process::id();
    if let Some(running) = current.as_ref().filter(|running| running.pid == pid) {
        return Ok(take(running));
    }
    let engine = Engine::start()
        .map_err(|error| PyRuntimeError::new_err(format!("cannot start a thread: {error}")))?;
    let made = Running { pid, engine, ending: watch::Sender::new(()) };
    let taken = take(&made);
    // What a fork left behind may be locked by a thread that the child does not have.
    mem::forget(current.replace(made));
    Ok(taken)
}

/// The runtime of this process, if it was needed yet.
fn existing() -> Option<&'static Engine> {
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    current.as_ref().and_then(|running| (running.pid == process::id()).then_some(running.engine))
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
        Ending,
    }
    let (engine, mut ending) = with_ending()?;
    let mut future = Box::pin(AssertUnwindSafe(future).catch_unwind());
    // Has the driver look at the sockets first: nobody may have for a while, and a connection that the
    // server closed meanwhile must not be used.
    let mut looked = false;
    let greenlets = Greenlets::current(py)?;
    let slice_length = if greenlets.is_some() { BRIEFLY } else { SLICE };
    let mut pause = BRIEFLY;
    loop {
        let slice = async {
            if !mem::replace(&mut looked, true) {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
            tokio::select! {
                biased;
                Some(value) = next(&mut told) => Step::Told(value),
                done = &mut future => Step::Done(done),
                _ = ending.changed() => Step::Ending,
                () = tokio::time::sleep(slice_length) => Step::Tick,
            }
        };
        // A panic here means that this thread belongs to the runtime already and must not wait.
        let step = py.detach(|| catch_unwind(AssertUnwindSafe(|| engine.block_on(slice))));
        let outcome = match step {
            Ok(Step::Done(Ok(value))) => {
                while let Some(value) = told.as_mut().and_then(|told| told.try_recv().ok()) {
                    tell(value)?;
                }
                return Ok(Ok(value));
            }
            Ok(Step::Done(Err(panic))) | Err(panic) => return Ok(Err(panicked(&*panic))),
            Ok(Step::Told(value)) => tell(value),
            Ok(Step::Tick) => {
                let rested = greenlets.as_ref().map_or(Ok(()), |greenlets| greenlets.rest(pause));
                pause = (pause * 2).min(REST);
                rested.and_then(|()| py.check_signals())
            }
            Ok(Step::Ending) => break,
        };
        if let Err(error) = outcome {
            let _inside = engine.enter();
            drop(future);
            return Err(error);
        }
    }
    let inside = engine.enter();
    drop(future);
    drop(inside);
    drop(ending);
    // A daemon thread: nobody waits for it, and an exception would only be printed.
    py.detach(|| {
        loop {
            std::thread::park();
        }
    })
}

/// The cooperative `time.sleep` of gevent or eventlet, if the program is patched by one of them.
struct Greenlets<'py>(Bound<'py, PyAny>);

impl<'py> Greenlets<'py> {
    fn current(py: Python<'py>) -> PyResult<Option<Self>> {
        const PATCHERS: [(&str, &str); 2] =
            [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")];
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
        for (module, is_patched) in PATCHERS {
            if let Some(module) = modules.get_item(module)?
                && module.call_method1(is_patched, ("time",))?.is_truthy()?
            {
                return Ok(Some(Self(py.import("time")?.getattr("sleep")?)));
            }
        }
        Ok(None)
    }

    /// Lets other greenlets run. One that is killed or out of time ends here with an exception.
    fn rest(&self, pause: Duration) -> PyResult<()> {
        self.0.call1((pause.as_secs_f64(),)).map(drop)
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
    Error::new(ErrorKind::Internal, format!("this is a bug in replicant, please report it: {text}"))
}

/// Waits for what runs in the background, if anything ever ran.
pub fn drain(py: Python<'_>, at_most: Duration) {
    if let Some(engine) = existing() {
        py.detach(|| engine.block_on(background::drain(at_most)));
    }
}

/// Leaves nothing running that costs money: closes the streams, gives up the calls that are under way
/// in other threads and waits for the cancels.
pub fn finish(py: Python<'_>, at_most: Duration) {
    let Some(engine) = existing() else { return };
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(running) = current.as_mut() else { return };
    // What begins from here on, such as in a later handler of the exit, is not told.
    let told = mem::replace(&mut running.ending, watch::Sender::new(()));
    drop(current);
    py.detach(|| {
        let inside = engine.enter();
        source::close_all();
        drop(inside);
        engine.block_on(async {
            told.send_replace(());
            drop(tokio::time::timeout(STOPPING, told.closed()).await);
        });
    });
    drain(py, at_most);
}
