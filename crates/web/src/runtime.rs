//! The clock and the timer of a JavaScript runtime.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use js_sys::{Date, Function};
use replicant::{
    BoxFuture, background,
    platform::{Runtime, SpawnFn, Spawner},
};
use wasm_bindgen::{
    JsCast,
    prelude::{Closure, JsValue, wasm_bindgen},
};

use crate::tasks;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn monotonic() -> f64;
    /// Returns NaN for text that is not a number.
    #[wasm_bindgen(js_name = Number)]
    pub(crate) fn parse_decimal(text: &str) -> f64;
}

/// The runtime of a client. Tests can make its time pass faster.
pub(crate) struct WebRuntime {
    /// Milliseconds since the Unix epoch.
    epoch: f64,
    started: f64,
    rate: f64,
}

impl WebRuntime {
    /// Builds a runtime whose clock advances `rate` seconds per real second: 1 except in tests.
    pub(crate) fn with_rate(rate: f64) -> Self {
        Self { epoch: Date::now(), started: monotonic(), rate }
    }
}

impl Runtime for WebRuntime {
    fn now(&self) -> Duration {
        if self.rate == 1.0 {
            return now();
        }
        milliseconds(self.epoch + (monotonic() - self.started) * self.rate)
    }

    fn monotonic(&self) -> Duration {
        milliseconds((monotonic() - self.started) * self.rate)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let seconds = duration.as_secs_f64() / self.rate;
        Box::pin(sleep(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
    }

    fn spawner(&self) -> Spawner {
        Arc::new(Tasks)
    }
}

/// Returns the time since the Unix epoch.
pub(crate) fn now() -> Duration {
    milliseconds(Date::now())
}

struct Tasks;

impl SpawnFn for Tasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tasks::spawn(task);
    }
}

pub(crate) fn milliseconds(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

/// The longest time that `setTimeout` accepts; a longer one would fire at once.
const LONGEST: Duration = Duration::from_millis(0x7fff_ffff);

async fn sleep(duration: Duration) {
    let mut left = duration;
    loop {
        let part = left.min(LONGEST);
        Timer::start(part).await;
        left -= part;
        if left.is_zero() {
            return;
        }
    }
}

#[derive(Default)]
struct Fired {
    done: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

/// A timer. Dropping it clears the timeout and frees its callback; a promise that never settles would keep both forever.
struct Timer {
    handle: JsValue,
    fired: Rc<Fired>,
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    fn start(duration: Duration) -> Self {
        let fired = Rc::new(Fired::default());
        let state = Rc::clone(&fired);
        let callback = Closure::<dyn FnMut()>::new(move || {
            state.done.set(true);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        });
        let milliseconds = (duration.as_secs_f64() * 1000.0).ceil();
        let handle = set_timeout(callback.as_ref().unchecked_ref(), milliseconds);
        Self { handle, fired, _callback: callback }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.fired.done.get() {
            return Poll::Ready(());
        }
        self.fired.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.handle);
    }
}

/// Waits until the background tasks of a call are done, for at most `limit` or the time that an exit may take.
pub(crate) async fn finish(tasks: &background::Tasks, limit: Option<Duration>) {
    let timer = sleep(limit.unwrap_or(background::AT_EXIT));
    tokio::select! {
        biased;
        () = tasks.done() => {}
        () = timer => {}
    }
}

/// Waits until all background tasks are done, for at most `limit` or the time that an exit may take.
pub(crate) async fn drain(limit: Option<Duration>) {
    background::drain_on(Arc::new(WebRuntime::with_rate(1.0)), limit.unwrap_or(background::AT_EXIT)).await;
}
