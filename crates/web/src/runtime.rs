//! The clock and the timer of a JavaScript runtime.

use std::{
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use js_sys::Date;
use replicant::{
    BoxFuture, background,
    platform::{Runtime, SpawnFn, Spawner},
};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::{
    host, tasks,
    waiting::{self, Waiting},
};

#[wasm_bindgen]
extern "C" {
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

    fn waker(&self, context: &Context<'_>) -> Waker {
        waiting::remote_waker(context.waker())
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
        Timer::wait(part).await;
        left -= part;
        if left.is_zero() {
            return;
        }
    }
}

/// A running timer. Dropping it clears the timeout.
struct Timer {
    handle: JsValue,
}

impl Timer {
    async fn wait(duration: Duration) {
        let milliseconds = (duration.as_secs_f64() * 1000.0).ceil();
        let (over, handle) =
            Waiting::new(|number, stamp| host::with(|host| host.start_timer(milliseconds, number, stamp)));
        let _timer = Self { handle };
        let _ = over.await;
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
