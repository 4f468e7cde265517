//! asyncio: results that come from the runtime's thread reach an event loop in batches.
//!
//! Waking a loop from another thread costs more than the rest of a call. So what is finished goes
//! into one queue for each loop, and only the first thing in an empty queue wakes the loop, which
//! then takes all there is. With many calls at a time this is several times as fast as a wake-up
//! for each.

use std::{
    cell::Cell,
    future::Future,
    mem,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyWeakrefMethods, PyWeakrefReference},
};
use replicant::{Observer, Value};
use tokio::task::AbortHandle;

use crate::{client::Client, runtime, value};

/// Makes the Python result of what is finished; run by the thread of the event loop.
type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

enum Arrival {
    /// A call is finished: `future` gets the outcome.
    Finished { future: Py<PyAny>, outcome: Outcome },
    /// An observer is to be called; its exception ends `call`.
    Observed { observer: Py<PyAny>, client: Py<Client>, value: Value, call: Promised },
}

/// The asyncio future of a call, as soon as there is one.
pub type Promised = Arc<OnceLock<Py<PyAny>>>;

/// The way to one event loop.
pub struct Delivery {
    // Weak, so that the copy a thread keeps of its last loop does not keep that loop alive.
    event_loop: Py<PyWeakrefReference>,
    arrivals: Mutex<Vec<Arrival>>,
}

thread_local! {
    static LAST: Cell<Option<Arc<Delivery>>> = const { Cell::new(None) };
}

impl Delivery {
    /// The way to the loop that runs in this thread.
    pub fn current(py: Python<'_>) -> PyResult<Arc<Self>> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let running = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
        // Taken out, because Python code may run below, even code that asks for the same.
        if let Some(delivery) = LAST.take()
            && delivery.event_loop.bind(py).upgrade().is_some_and(|known| known.is(&running))
        {
            LAST.set(Some(delivery.clone()));
            return Ok(delivery);
        }
        let event_loop = PyWeakrefReference::new(&running)?.unbind();
        let delivery = Arc::new(Self { event_loop, arrivals: Mutex::default() });
        LAST.set(Some(delivery.clone()));
        Ok(delivery)
    }

    /// Starts `work` and gives an asyncio future for its outcome; cancelling that drops `work`.
    pub fn future<'py, T: Send + 'static>(
        self: &Arc<Self>,
        py: Python<'py>,
        work: impl Future<Output = T> + Send + 'static,
        outcome: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        let running = self.event_loop.bind(py).upgrade();
        let running =
            running.ok_or_else(|| pyo3::exceptions::PyRuntimeError::new_err("the event loop is gone"))?;
        let future = running.call_method0(pyo3::intern!(py, "create_future"))?;
        let promised = future.clone().unbind();
        let delivery = self.clone();
        let mut ending = runtime::ending()?;
        let task = runtime::get()?.spawn(async move {
            let result = tokio::select! {
                biased;
                result = work => result,
                _ = ending.changed() => return,
            };
            let outcome: Outcome = Box::new(move |py| outcome(py, result));
            delivery.arrive(Arrival::Finished { future: promised, outcome });
        });
        let abort = Bound::new(py, Abort(task.abort_handle()))?;
        future.call_method1(pyo3::intern!(py, "add_done_callback"), (abort,))?;
        Ok(future)
    }

    /// An observer whose calls are made by the event loop.
    pub fn observer(
        self: &Arc<Self>,
        py: Python<'_>,
        observer: Py<PyAny>,
        client: &Py<Client>,
        call: Promised,
    ) -> Observer {
        let (delivery, client) = (self.clone(), client.clone_ref(py));
        let held = Mutex::new((observer, client));
        Arc::new(move |value| {
            // Without the interpreter there is nobody left to tell.
            let arrival = Python::try_attach(|py| {
                let held = held.lock().unwrap_or_else(PoisonError::into_inner);
                let (observer, client) = (held.0.clone_ref(py), held.1.clone_ref(py));
                Arrival::Observed { observer, client, value, call: call.clone() }
            });
            if let Some(arrival) = arrival {
                delivery.arrive(arrival);
            }
        })
    }

    fn arrive(self: &Arc<Self>, arrival: Arrival) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let first = arrivals.is_empty();
        arrivals.push(arrival);
        drop(arrivals);
        // The lock is free here: a thread that holds it must not wait for the interpreter. When the
        // interpreter is ending, this does nothing and nobody waits either.
        if first {
            Python::try_attach(|py| self.wake(py));
        }
    }

    fn wake(self: &Arc<Self>, py: Python<'_>) {
        let woken = self.event_loop.bind(py).upgrade().is_some_and(|event_loop| {
            let drain = Bound::new(py, Drain(self.clone()));
            drain
                .and_then(|drain| {
                    event_loop.call_method1(pyo3::intern!(py, "call_soon_threadsafe"), (drain,))
                })
                .is_ok()
        });
        if !woken {
            // The loop is closed, so nobody waits any more.
            drop(self.take());
        }
    }

    fn take(&self) -> Vec<Arrival> {
        mem::take(&mut *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Delivers what has arrived; called by the event loop.
#[pyclass(frozen)]
struct Drain(Arc<Delivery>);

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) {
        for arrival in self.0.take() {
            let (delivered, to) = match arrival {
                Arrival::Finished { future, outcome } => (settle(future.bind(py), outcome), future),
                Arrival::Observed { observer, client, value, call } => {
                    let value = value::to_python(py, value, Some(client.bind(py)));
                    let told = value.and_then(|value| observer.bind(py).call1((value,)).map(drop));
                    (told.or_else(|error| end(py, &call, error)), observer)
                }
            };
            // The others that arrived must not suffer from one that fails.
            if let Err(error) = delivered {
                error.write_unraisable(py, Some(to.bind(py)));
            }
        }
    }
}

fn settle(future: &Bound<'_, PyAny>, outcome: Outcome) -> PyResult<()> {
    let py = future.py();
    if future.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    match outcome(py) {
        Ok(value) => future.call_method1(pyo3::intern!(py, "set_result"), (value,))?,
        Err(error) => future.call_method1(pyo3::intern!(py, "set_exception"), (error.into_value(py),))?,
    };
    Ok(())
}

/// Ends a call by the exception of its observer, as it would end a blocking one.
fn end(py: Python<'_>, call: &Promised, error: PyErr) -> PyResult<()> {
    match call.get() {
        Some(future) => settle(future.bind(py), Box::new(|_| Err(error))),
        None => Err(error),
    }
}

/// Drops the work behind a future that is done before it; after the work is finished this does nothing.
#[pyclass(frozen)]
struct Abort(AbortHandle);

#[pymethods]
impl Abort {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        self.0.abort();
    }
}
