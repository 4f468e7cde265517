//! asyncio: delivers results from the runtime's thread to event loops, in batches.
//!
//! Waking a loop from another thread costs more than the rest of a call. So each loop has a channel, and only the
//! first message in an empty channel wakes the loop, which then takes all messages. With many concurrent calls this
//! is several times as fast as waking the loop for each.

mod context;
mod loop_waker;
mod message;
mod promise;

use std::{
    future::Future,
    mem,
    sync::{Arc, Mutex, Weak},
};

use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyWeakrefMethods, PyWeakrefReference},
};
use replicant::{Observer, bindings::lock};

pub use self::{context::current_context, promise::Awaited};
use self::{
    loop_waker::LoopWaker,
    message::{Deliver, LoopObserver, Message},
    promise::{Outcome, Promise},
};
use crate::{
    once::{Once, intern},
    raised::misplaced,
    runtime::{self, gate},
};

/// The channel to one event loop.
pub struct CompletionChannel {
    // Weak, so that running calls do not keep the loop alive.
    event_loop: Py<PyWeakrefReference>,
    waker: Option<LoopWaker>,
    messages: Mutex<Vec<Message>>,
}

/// The channels by the addresses of their loops; usually one. No Python code may run while this is locked, not even a
/// destructor.
static CHANNELS: Mutex<Vec<(usize, Weak<CompletionChannel>)>> = Mutex::new(Vec::new());

impl CompletionChannel {
    /// Returns the channel to the running loop of this thread.
    pub fn current(py: Python<'_>) -> PyResult<Arc<Self>> {
        static RUNNING: Once<PyAny> = Once::new();
        let running = RUNNING.import(py, "asyncio", "get_running_loop")?.call0().map_err(|_| {
            misplaced(
                py,
                "no running event loop: awaited methods require asyncio. Under trio, call the blocking client in a \
                 thread (`trio.to_thread.run_sync`) or use trio-asyncio",
            )
        })?;
        let address = running.as_ptr() as usize;
        let known = lock(&CHANNELS);
        let channel = known.iter().find(|(of, _)| *of == address).and_then(|(_, channel)| channel.upgrade());
        drop(known);
        // A closed loop may have had the same address.
        if let Some(channel) =
            channel.filter(|channel| channel.event_loop(py).is_some_and(|of| of.is(&running)))
        {
            return Ok(channel);
        }
        let channel = Self::to(&running)?;
        let mut known = lock(&CHANNELS);
        known.retain(|(of, channel)| *of != address && channel.strong_count() > 0);
        known.push((address, Arc::downgrade(&channel)));
        Ok(channel)
    }

    fn to(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let py = event_loop.py();
        let weak = PyWeakrefReference::new(event_loop)?.unbind();
        let with =
            |waker| Arc::new(Self { event_loop: weak.clone_ref(py), waker, messages: Mutex::default() });
        if let Ok(waker) = LoopWaker::new() {
            let channel = with(Some(waker));
            let drain = Bound::new(py, Drain(channel.clone()))?;
            if channel.waker.as_ref().map_or(Ok(false), |waker| waker.watch(event_loop, drain.as_any()))? {
                return Ok(channel);
            }
        }
        Ok(with(None))
    }

    /// Returns the loop if it still exists.
    fn event_loop<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.event_loop.bind(py).upgrade()
    }

    /// Returns the promise of a call that this loop will await.
    pub fn promise(&self, py: Python<'_>) -> PyResult<Arc<Promise>> {
        let event_loop =
            self.event_loop(py).ok_or_else(|| PyRuntimeError::new_err("the event loop was closed"))?;
        let future = event_loop.call_method0(intern!(py, "create_future"))?.unbind();
        Ok(Arc::new(Promise::new(future)))
    }

    /// Starts `work`, whose result settles `promise`.
    pub fn start<T: Send + 'static>(
        self: &Arc<Self>,
        promise: Arc<Promise>,
        work: impl Future<Output = T> + Send + 'static,
        outcome: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Awaited> {
        let channel = self.clone();
        let settled = promise.clone();
        let (driver, mut ending) = runtime::with_ending()?;
        let task = driver.spawn(async move {
            let result = tokio::select! {
                biased;
                result = work => result,
                _ = ending.changed() => return,
            };
            let outcome: Outcome = Box::new(move |py| outcome(py, result));
            channel.send(Message::Finished { promise: settled, outcome });
        });
        Ok(Awaited::new(promise, driver, Some(task.abort_handle())))
    }

    /// Settles `promise` once the loop has turned.
    pub fn after_turn(
        self: &Arc<Self>,
        promise: Arc<Promise>,
        outcome: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Awaited> {
        self.send(Message::Finished { promise: promise.clone(), outcome: Box::new(outcome) });
        Ok(Awaited::new(promise, runtime::get()?, None))
    }

    /// Returns an observer that the event loop calls. Its exception ends the call of `promise`.
    pub fn observer(
        self: &Arc<Self>,
        py: Python<'_>,
        observer: Py<PyAny>,
        client: Py<PyAny>,
        promise: Arc<Promise>,
    ) -> PyResult<Observer> {
        let context = current_context(py)?.unbind();
        let observer = Arc::new(LoopObserver { observer, client, promise, context });
        let channel = self.clone();
        Ok(Arc::new(move |value| channel.send(Message::Observed { observer: observer.clone(), value })))
    }

    /// Schedules `work` on the event loop, in a copy of `context`.
    pub fn run(self: &Arc<Self>, context: Arc<Py<PyAny>>, work: impl FnOnce(Python<'_>) + Send + 'static) {
        self.send(Message::Work { context, work: Box::new(work) });
    }

    /// Sends a message, from any thread, attached to the interpreter or not.
    fn send(self: &Arc<Self>, message: Message) {
        let mut messages = lock(&self.messages);
        let first = messages.is_empty();
        messages.push(message);
        // Unlocked before the wake-up: a thread that holds the lock must not wait for the interpreter.
        drop(messages);
        if first {
            self.wake();
        }
    }

    fn wake(self: &Arc<Self>) {
        match &self.waker {
            Some(waker) => waker.wake(),
            // Fails if the interpreter has ended, when no task waits for the result.
            None => drop(gate::attach(|py| self.call_soon(py))),
        }
    }

    fn call_soon(self: &Arc<Self>, py: Python<'_>) {
        let woken = self.event_loop(py).is_some_and(|event_loop| {
            let drain = Bound::new(py, Drain(self.clone()));
            drain
                .and_then(|drain| event_loop.call_method1(intern!(py, "call_soon_threadsafe"), (drain,)))
                .is_ok()
        });
        if !woken {
            // The loop is closed, so no task waits.
            drop(self.take());
        }
    }

    fn take(&self) -> Vec<Message> {
        mem::take(&mut *lock(&self.messages))
    }
}

/// The callback of the event loop that takes the messages.
#[pyclass(frozen, module = "replicant._native")]
struct Drain(Arc<CompletionChannel>);

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = gate::enter(py);
        // Before the messages are taken, so that later ones wake the loop again.
        if let Some(waker) = &self.0.waker {
            waker.clear();
        }
        let messages = self.0.take();
        if messages.iter().all(Message::is_finished) {
            messages.into_iter().for_each(|message| message.deliver(py));
            return Ok(());
        }
        // Each in a callback of its own, in order: an observer may run the loop again, as in a notebook, and the loop
        // would then enter the context of this callback a second time.
        match self.0.event_loop(py) {
            Some(event_loop) => Deliver::schedule(&event_loop, messages),
            None => Ok(()),
        }
    }
}

/// Returns an awaitable whose result is `value`.
pub fn ready(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    static READY: Once<PyAny> = Once::new();
    READY.import(value.py(), "replicant._ready", "ready")?.call1((value,))
}
