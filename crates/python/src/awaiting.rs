//! asyncio: results that come from the runtime's thread reach an event loop in batches.
//!
//! Waking a loop from another thread costs more than the rest of a call. So what is finished goes
//! into one queue for each loop, and only the first thing in an empty queue rings the loop's bell; the
//! loop then takes all there is. With many calls at a time this is several times as fast as a wake-up
//! for each.

mod bell;
mod promise;

use std::{
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use pyo3::{
    exceptions::PyRuntimeError,
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyWeakrefMethods, PyWeakrefReference},
};
use replicant::{Observer, Value};

use self::{bell::Bell, promise::Outcome};
pub use self::{
    bell::current_context,
    promise::{Awaited, Promise},
};
use crate::{client::Client, runtime, value};

enum Arrival {
    /// A call is finished.
    Finished { promise: Arc<Promise>, outcome: Outcome },
    /// An observer is to be called with a value.
    Observed { told: Arc<Told>, value: Value },
}

/// The observer of a call, whose exception ends that call.
struct Told {
    observer: Py<PyAny>,
    client: Py<Client>,
    call: Arc<Promise>,
    /// The context variables of the caller.
    context: Py<PyAny>,
}

impl Told {
    fn hear(&self, py: Python<'_>, value: Value) -> PyResult<()> {
        let value = value::to_python(py, value, Some(self.client.bind(py)));
        let heard = value.and_then(|value| self.observer.bind(py).call1((value,)).map(drop));
        // As it would end a blocking call.
        heard.or_else(|error| self.call.settle(py, Box::new(|_| Err(error))))
    }
}

/// The way to one event loop. A loop that watches a bell keeps it until the loop is closed.
pub struct Delivery {
    // Weak, so that what is under way does not keep the loop alive.
    event_loop: Py<PyWeakrefReference>,
    bell: Option<Bell>,
    arrivals: Mutex<Vec<Arrival>>,
}

/// The ways to the loops, by the address of the loop; one as a rule, whichever threads it runs in.
/// Nothing of Python may run while this is locked, not even a destructor.
static KNOWN: Mutex<Vec<(usize, Weak<Delivery>)>> = Mutex::new(Vec::new());

fn known() -> MutexGuard<'static, Vec<(usize, Weak<Delivery>)>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Delivery {
    /// The way to the loop that runs in this thread.
    pub fn current(py: Python<'_>) -> PyResult<Arc<Self>> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let running = RUNNING.import(py, "asyncio", "get_running_loop")?.call0().map_err(|_| {
            PyRuntimeError::new_err(
                "no running event loop: awaited methods require asyncio. Under trio, call the blocking client in a \
                 thread (`trio.to_thread.run_sync`) or use trio-asyncio",
            )
        })?;
        let address = running.as_ptr() as usize;
        let way = known().iter().find(|(loop_, _)| *loop_ == address).and_then(|(_, way)| way.upgrade());
        // Another loop may have been at the same address.
        if let Some(way) = way.filter(|way| way.running(py).is_some_and(|there| there.is(&running))) {
            return Ok(way);
        }
        let way = Self::to(&running)?;
        let mut ways = known();
        ways.retain(|(loop_, way)| *loop_ != address && way.strong_count() > 0);
        ways.push((address, Arc::downgrade(&way)));
        Ok(way)
    }

    fn to(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let py = event_loop.py();
        let weak = PyWeakrefReference::new(event_loop)?.unbind();
        let via = |bell| Arc::new(Self { event_loop: weak.clone_ref(py), bell, arrivals: Mutex::default() });
        if let Ok(bell) = Bell::new() {
            let delivery = via(Some(bell));
            let drain = Bound::new(py, Drain(delivery.clone()))?;
            if delivery.bell.as_ref().map_or(Ok(false), |bell| bell.listen(event_loop, drain.as_any()))? {
                return Ok(delivery);
            }
        }
        Ok(via(None))
    }

    /// The loop, if it is still there.
    fn running<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.event_loop.bind(py).upgrade()
    }

    /// The promise of a call that this loop will await.
    pub fn promise(&self, py: Python<'_>) -> PyResult<Arc<Promise>> {
        let running = self.running(py).ok_or_else(|| PyRuntimeError::new_err("the event loop was closed"))?;
        let future = running.call_method0(intern!(py, "create_future"))?.unbind();
        Ok(Arc::new(Promise::new(future)))
    }

    /// Starts `work`, whose result keeps `promise`.
    pub fn start<T: Send + 'static>(
        self: &Arc<Self>,
        promise: Arc<Promise>,
        work: impl Future<Output = T> + Send + 'static,
        outcome: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Awaited> {
        let delivery = self.clone();
        let kept = promise.clone();
        let (engine, mut ending) = runtime::with_ending()?;
        let task = engine.spawn(async move {
            let result = tokio::select! {
                biased;
                result = work => result,
                _ = ending.changed() => return,
            };
            let outcome: Outcome = Box::new(move |py| outcome(py, result));
            delivery.arrive(Arrival::Finished { promise: kept, outcome });
        });
        Ok(Awaited::new(promise, engine, task.abort_handle()))
    }

    /// An observer whose calls are made by the event loop.
    pub fn observer(
        self: &Arc<Self>,
        py: Python<'_>,
        observer: Py<PyAny>,
        client: &Py<Client>,
        call: Arc<Promise>,
    ) -> PyResult<Observer> {
        let context = bell::current_context(py)?.unbind();
        let told = Arc::new(Told { observer, client: client.clone_ref(py), call, context });
        let delivery = self.clone();
        Ok(Arc::new(move |value| delivery.arrive(Arrival::Observed { told: told.clone(), value })))
    }

    /// Called by any thread, attached to the interpreter or not.
    fn arrive(self: &Arc<Self>, arrival: Arrival) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let first = arrivals.is_empty();
        arrivals.push(arrival);
        // Free before the bell rings: a thread that holds it must not wait for the interpreter.
        drop(arrivals);
        if first {
            self.ring();
        }
    }

    fn ring(self: &Arc<Self>) {
        match &self.bell {
            Some(bell) => bell.ring(),
            // When the interpreter is ending, this does nothing and nobody waits either.
            None => drop(Python::try_attach(|py| self.call_soon(py))),
        }
    }

    fn call_soon(self: &Arc<Self>, py: Python<'_>) {
        let woken = self.running(py).is_some_and(|event_loop| {
            let drain = Bound::new(py, Drain(self.clone()));
            drain
                .and_then(|drain| event_loop.call_method1(intern!(py, "call_soon_threadsafe"), (drain,)))
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

/// Takes what has arrived; called by the event loop.
#[pyclass(frozen, module = "replicant._native")]
struct Drain(Arc<Delivery>);

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        // Before anything is taken, so that what arrives from here on rings again.
        if let Some(bell) = &self.0.bell {
            bell.hush();
        }
        let arrivals = self.0.take();
        if arrivals.iter().all(|arrival| matches!(arrival, Arrival::Finished { .. })) {
            arrivals.into_iter().for_each(|arrival| arrival.deliver(py));
            return Ok(());
        }
        // Each on its own, in their order: an observer may run the loop again, as in a notebook, and the
        // loop enters the context of this reader then. One of its own is not left to the next observer.
        let Some(running) = self.0.running(py) else { return Ok(()) };
        let later = PyDict::new(py);
        for arrival in arrivals {
            let context = match &arrival {
                Arrival::Observed { told, .. } => told.context.bind(py).call_method0(intern!(py, "copy"))?,
                Arrival::Finished { .. } => bell::context(py)?,
            };
            later.set_item(intern!(py, "context"), context)?;
            let delivery = Bound::new(py, Deliver(Mutex::new(Some(arrival))))?;
            running.call_method(intern!(py, "call_soon"), (delivery,), Some(&later))?;
        }
        Ok(())
    }
}

/// Delivers one thing that arrived.
#[pyclass(frozen, module = "replicant._native")]
struct Deliver(Mutex<Option<Arrival>>);

#[pymethods]
impl Deliver {
    fn __call__(&self, py: Python<'_>) {
        let arrival = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(arrival) = arrival {
            arrival.deliver(py);
        }
    }
}

impl Arrival {
    fn deliver(self, py: Python<'_>) {
        let (delivered, to) = match self {
            Self::Finished { promise, outcome } => (promise.settle(py, outcome), promise.future(py)),
            Self::Observed { told, value } => (told.hear(py, value), told.observer.clone_ref(py)),
        };
        // The others that arrived must not suffer from one that fails.
        if let Err(error) = delivered {
            error.write_unraisable(py, Some(to.bind(py)));
        }
    }
}
