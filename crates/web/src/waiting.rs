//! Waiting for promises and timers. JavaScript tells a number when one is over, for which the module needs no function of its
//! own: each would have to be made and freed.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::{
    host::{self, Host},
    tasks,
};

/// The value of a promise, or what it was rejected with.
type Outcome = Result<JsValue, JsValue>;

#[derive(Default)]
struct Slot {
    /// The number of the waiting that has the slot. The slot is used again when it has been dropped, which may be before its
    /// promise settles.
    stamp: u32,
    waker: Option<Waker>,
    outcome: Option<Outcome>,
}

#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

thread_local! {
    static SLOTS: RefCell<Slots> = RefCell::default();
    static STAMPS: Cell<u32> = const { Cell::new(0) };
}

/// Waits until `settled` is called with its numbers. Dropping it only forgets it.
pub(crate) struct Waiting {
    number: u32,
}

impl Waiting {
    /// Starts what will call `settled` with the two numbers.
    pub(crate) fn new<T>(start: impl FnOnce(u32, u32) -> T) -> (Self, T) {
        let stamp = STAMPS.get();
        STAMPS.set(stamp.wrapping_add(1));
        let number = SLOTS.with_borrow_mut(|Slots { slots, free }| {
            let slot = Slot { stamp, ..Slot::default() };
            match free.pop() {
                Some(number) => {
                    slots[number as usize] = slot;
                    number
                }
                None => {
                    slots.push(slot);
                    slots.len() as u32 - 1
                }
            }
        });
        let waiting = Self { number };
        (waiting, start(number, stamp))
    }

    /// Waits for a promise.
    pub(crate) fn on(promise: &Promise) -> Self {
        Self::new(|number, stamp| host::with(|host| host.settle(promise, number, stamp))).0
    }
}

impl Future for Waiting {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        SLOTS.with_borrow_mut(|slots| {
            let slot = &mut slots.slots[self.number as usize];
            match slot.outcome.take() {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    slot.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let (number, stamp) = (self.number, STAMPS.get());
        STAMPS.set(stamp.wrapping_add(1));
        // Dropped after the borrow: what they hold may wait too.
        let _slot = SLOTS.with_borrow_mut(|Slots { slots, free }| {
            free.push(number);
            std::mem::replace(&mut slots[number as usize], Slot { stamp, ..Slot::default() })
        });
    }
}

/// Returns a waker that polls a task in the request that this function was called in, whichever request wakes it. It does nothing
/// if the runtime cannot do this: then the task continues when its timer is over.
pub(crate) fn remote_waker(waker: &Waker) -> Waker {
    match host::with(Host::on_wake) {
        Some(report) => Arc::new(Remote { waker: waker.clone(), report }).into(),
        None => Waker::noop().clone(),
    }
}

struct Remote {
    waker: Waker,
    report: Function,
}

impl Wake for Remote {
    fn wake(self: Arc<Self>) {
        let (waiting, _) = Waiting::new(|number, stamp| {
            self.report.call2(&JsValue::UNDEFINED, &number.into(), &stamp.into())
        });
        let number = waiting.number as usize;
        let woken = Arc::new(Woken { waker: self.waker.clone(), _waiting: waiting });
        SLOTS.with_borrow_mut(|slots| slots.slots[number].waker = Some(woken.into()));
    }
}

/// Wakes a task once its slot, which it keeps until then, is settled.
struct Woken {
    waker: Waker,
    _waiting: Waiting,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.waker.wake_by_ref();
    }
}

/// Records what a promise settled with, or that a timer is over, and polls the task that waited for it.
#[wasm_bindgen]
pub fn settled(number: u32, stamp: u32, value: JsValue, failed: bool) {
    let waker = SLOTS.with_borrow_mut(|slots| {
        let slot = slots.slots.get_mut(number as usize).filter(|slot| slot.stamp == stamp)?;
        slot.outcome = Some(if failed { Err(value) } else { Ok(value) });
        slot.waker.take()
    });
    if let Some(waker) = waker {
        tasks::resume(waker);
    }
}
