//! Tasks in the microtask queue, and panics.
//!
//! A panic ends the function of the module that JavaScript called with an exception, because the module has no code for
//! unwinding. JavaScript calls [`poll`] or [`settled`](crate::waiting::settled) when a task can continue. It catches the
//! exception and reports it with [`task_failed`], and the task ends with the error: its promise is rejected. When JavaScript
//! called another function, `node/src` asks for the error with [`take_panic`]. What the task held is leaked.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use js_sys::Promise;
use replicant::{Error, ErrorKind};
use replicant_javascript::fields;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::{error::failure, host};

type Work = Pin<Box<dyn Future<Output = ()>>>;
/// Called with the fields of the error, as JSON, if the task panics.
type OnPanic = Box<dyn FnOnce(String)>;

#[derive(Default)]
struct Tasks {
    /// By number. The numbers of tasks that have ended are used again: a task that is polled too often only stays pending.
    tasks: Vec<Task>,
    free: Vec<u32>,
    woken: VecDeque<u32>,
    /// The task that is polled.
    polled: Option<u32>,
    /// Whether [`poll`] will be called.
    scheduled: bool,
}

#[derive(Default)]
struct Task {
    /// Absent while it is polled, and after its end.
    work: Option<Work>,
    on_panic: Option<OnPanic>,
}

impl Tasks {
    fn add(&mut self, task: Task) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.tasks[number as usize] = task;
                number
            }
            None => {
                self.tasks.push(task);
                self.tasks.len() as u32 - 1
            }
        }
    }

    /// Forgets a task that is not polled any more. Returns what to do if it panicked.
    fn remove(&mut self, number: u32) -> Option<OnPanic> {
        self.free.push(number);
        std::mem::take(&mut self.tasks[number as usize]).on_panic
    }
}

thread_local! {
    static TASKS: RefCell<Tasks> = RefCell::default();
    /// The fields of the error of the last panic.
    static PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Keeps the error of a panic. The standard library aborts after the hook, which throws an exception without it. The hook does
/// not throw itself: the standard library would call it only once.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|panic| PANIC.set(Some(fields(&Error::from_panic(panic.payload()))))));
}

/// Returns the fields of the error of the last panic, once.
pub(crate) fn take_panic() -> Option<String> {
    PANIC.take()
}

/// Runs a task. A panic ends it, and nothing else.
pub(crate) fn spawn(work: impl Future<Output = ()> + 'static) {
    start(Box::pin(work), None);
}

/// Runs a task and calls `on_panic` with the fields of an error if it panics.
pub(crate) fn spawn_or(work: impl Future<Output = ()> + 'static, on_panic: impl FnOnce(String) + 'static) {
    start(Box::pin(work), Some(Box::new(on_panic)));
}

/// Returns a promise that resolves when `work` is done.
pub(crate) fn promise(work: impl Future<Output = ()> + 'static) -> Promise {
    let mut work = Some(work);
    Promise::new(&mut |resolve, reject| {
        let Some(work) = work.take() else { return };
        let settle = async move {
            work.await;
            let _ = resolve.call0(&JsValue::UNDEFINED);
        };
        spawn_or(settle, move |fields| {
            let _ = reject.call1(&JsValue::UNDEFINED, &failure(&fields));
        });
    })
}

fn start(work: Work, on_panic: Option<OnPanic>) {
    let task = Task { work: Some(work), on_panic };
    wake(TASKS.with_borrow_mut(|tasks| tasks.add(task)));
}

fn wake(number: u32) {
    let schedule = TASKS.with_borrow_mut(|tasks| {
        tasks.woken.push_back(number);
        !std::mem::replace(&mut tasks.scheduled, true)
    });
    if schedule {
        host::with(host::Host::schedule);
    }
}

/// Wakes a task and polls it at once, for which JavaScript need not call [`poll`] again.
pub(crate) fn resume(waker: Waker) {
    TASKS.with_borrow_mut(|tasks| tasks.scheduled = true);
    waker.wake();
    poll();
}

/// Polls the tasks that are woken.
#[wasm_bindgen]
pub fn poll() {
    // First, so that a task that is woken from now on is polled even if this function does not return.
    TASKS.with_borrow_mut(|tasks| tasks.scheduled = false);
    while let Some((number, work)) = TASKS.with_borrow_mut(next) {
        // Absent if it has ended, or is woken while it is polled.
        let Some(mut work) = work else { continue };
        let waker = Waker::from(Arc::new(Wakeup(number)));
        let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
        let ended = TASKS.with_borrow_mut(|tasks| match polled {
            Poll::Pending => {
                tasks.tasks[number as usize].work = Some(work);
                None
            }
            Poll::Ready(()) => Some((tasks.remove(number), work)),
        });
        drop(ended);
    }
}

/// Takes the next task that is woken.
fn next(tasks: &mut Tasks) -> Option<(u32, Option<Work>)> {
    tasks.polled = tasks.woken.pop_front();
    tasks.polled.map(|number| (number, tasks.tasks[number as usize].work.take()))
}

/// Ends the task whose poll has thrown an exception, which `reason` is the text of. The others can be polled.
#[wasm_bindgen(js_name = taskFailed)]
pub fn task_failed(reason: &str) {
    let error = take_panic().unwrap_or_else(|| fields(&thrown(reason)));
    let on_panic = TASKS.with_borrow_mut(|tasks| tasks.polled.take().and_then(|number| tasks.remove(number)));
    if let Some(on_panic) = on_panic {
        on_panic(error);
    }
}

/// Returns the error for an exception of the runtime.
fn thrown(reason: &str) -> Error {
    if reason.contains("global scope") {
        let advice =
            "Workers send no requests outside a handler: use the client in `fetch` or another handler";
        return Error::new(ErrorKind::Unsupported, advice);
    }
    Error::bug(reason)
}

struct Wakeup(u32);

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        wake(self.0);
    }
}
