//! Tasks in the microtask queue, and panics.
//!
//! A panic throws an error of the core as a JavaScript exception, from the hook of the panic and through all functions of the
//! module, which has no code for unwinding. JavaScript catches it when it called the function itself. A task is polled
//! through a JavaScript function, so that this module catches it and the task ends with the error: its promise is rejected.
//! What the task held is leaked.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use js_sys::{Array, Function, Promise, Reflect};
use replicant_javascript::{from_panic, internal};
use wasm_bindgen::prelude::{Closure, JsValue, wasm_bindgen};

use crate::error::{failure, reason, to_js};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(callback: &Function);
}

type Work = Pin<Box<dyn Future<Output = ()>>>;
/// Called with the fields of the error, as JSON, if the task panics.
type OnPanic = Box<dyn FnOnce(String)>;

#[derive(Default)]
struct Tasks {
    /// Those that wait, by number.
    waiting: HashMap<u32, Work>,
    on_panic: HashMap<u32, OnPanic>,
    last: u32,
    woken: VecDeque<u32>,
    /// Whether `run` is in the microtask queue.
    queued: bool,
}

thread_local! {
    static TASKS: RefCell<Tasks> = RefCell::default();
    static RUN: Function = function(Closure::<dyn Fn()>::new(run));
    static POLL: Function = function(Closure::<dyn Fn(u32)>::new(poll));
}

/// Returns the JavaScript function of a closure that is never dropped.
fn function<F: ?Sized + wasm_bindgen::closure::WasmClosure>(closure: Closure<F>) -> Function {
    closure.into_js_value().into()
}

/// Makes panics throw.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_val(to_js(&from_panic(panic.payload())));
    }));
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
    let number = TASKS.with_borrow_mut(|tasks| {
        tasks.last = tasks.last.wrapping_add(1);
        tasks.waiting.insert(tasks.last, work);
        if let Some(on_panic) = on_panic {
            tasks.on_panic.insert(tasks.last, on_panic);
        }
        tasks.last
    });
    wake(number);
}

fn wake(number: u32) {
    let queue = TASKS.with_borrow_mut(|tasks| {
        tasks.woken.push_back(number);
        !std::mem::replace(&mut tasks.queued, true)
    });
    if queue {
        RUN.with(queue_microtask);
    }
}

/// Polls the tasks that are woken.
fn run() {
    // First, so that a task that is woken from now on is polled even if this function does not return.
    TASKS.with_borrow_mut(|tasks| tasks.queued = false);
    while let Some(number) = TASKS.with_borrow_mut(|tasks| tasks.woken.pop_front()) {
        let polled = POLL.with(|poll| Reflect::apply(poll, &JsValue::UNDEFINED, &Array::of1(&number.into())));
        if let Err(thrown) = polled
            && let Some(on_panic) = TASKS.with_borrow_mut(|tasks| tasks.on_panic.remove(&number))
        {
            on_panic(panic_of(&thrown));
        }
    }
}

/// Returns the fields of the error with which a task ended.
fn panic_of(thrown: &JsValue) -> String {
    let fields = Reflect::get(thrown, &"failure".into()).ok().and_then(|fields| fields.as_string());
    // The hook is not called for a second panic: it did not return from the first.
    fields.unwrap_or_else(|| replicant_javascript::fields(&internal(&reason(thrown))))
}

fn poll(number: u32) {
    // Absent if it has ended, or is woken while it is polled.
    let Some(mut work) = TASKS.with_borrow_mut(|tasks| tasks.waiting.remove(&number)) else { return };
    let waker = Waker::from(Arc::new(Wakeup(number)));
    match work.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Pending => drop(TASKS.with_borrow_mut(|tasks| tasks.waiting.insert(number, work))),
        Poll::Ready(()) => drop(TASKS.with_borrow_mut(|tasks| tasks.on_panic.remove(&number))),
    }
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
