//! Keeps threads out of an interpreter that ends.
//!
//! When the interpreter ends, CPython before 3.14 ends every other thread that needs it with `pthread_exit`. This unwinds
//! the stack of the thread, and the process crashes if frames of Rust are on it. So threads are counted while Python may
//! run above frames of this library. Once the end has begun, threads are not let in but parked forever, and the exit
//! handler waits until none is left inside. A parked thread is detached and does not raise, because the traceback of a
//! daemon thread would be printed.

use std::{
    cell::Cell,
    convert::Infallible,
    marker::PhantomData,
    mem,
    sync::atomic::{
        AtomicU8, AtomicU32, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// How far the end of the interpreter is.
static STAGE: AtomicU8 = AtomicU8::new(RUNNING);
const RUNNING: u8 = 0;
/// The threads of the program are parked. Those of the runtime still work, such as for a cancel that is sent by a transport
/// in Python.
const ENDING: u8 = 1;
/// All threads are parked.
const ENDED: u8 = 2;

/// The number of threads inside.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// The number of forks that led to this process.
static FORKS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static THIS: Cell<State> = const { Cell::new(State { depth: 0, kind: Kind::Program }) };
}

#[derive(Clone, Copy)]
struct State {
    /// The number of frames of this library above which Python may run.
    depth: u32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A thread of the program.
    Program,
    /// A thread of the runtime, attached by [`attach`].
    Runtime,
    /// The thread that runs the exit handlers.
    Exit,
}

impl Kind {
    /// Returns `true` if the end of the interpreter has gone too far to let a thread in.
    fn is_late(self) -> bool {
        match self {
            Self::Program => STAGE.load(SeqCst) >= ENDING,
            Self::Runtime => STAGE.load(SeqCst) >= ENDED,
            Self::Exit => false,
        }
    }
}

/// Counts this thread as inside until it is dropped.
pub struct Inside {
    /// Belongs to its thread.
    thread: PhantomData<*mut ()>,
}

impl Inside {
    /// Lets this thread in, unless the interpreter ends. `kind` is that of a thread without frames of this library.
    fn enter(kind: Kind) -> Option<Self> {
        let State { depth, kind: current } = THIS.get();
        if depth == 0 {
            INSIDE.fetch_add(1, SeqCst);
        }
        let kind = if depth == 0 && current != Kind::Exit { kind } else { current };
        // Checked after counting, as the exit handler sets the stage before it reads the count.
        if kind.is_late() {
            if depth == 0 {
                INSIDE.fetch_sub(1, SeqCst);
            }
            return None;
        }
        THIS.set(State { depth: depth + 1, kind });
        Some(Self { thread: PhantomData })
    }
}

impl Drop for Inside {
    // Counts instead of restoring a state: greenlets leave in any order.
    fn drop(&mut self) {
        let State { depth, kind } = THIS.get();
        if depth > 1 {
            THIS.set(State { depth: depth - 1, kind });
            return;
        }
        THIS.set(State { depth: 0, kind: if kind == Kind::Exit { kind } else { Kind::Program } });
        INSIDE.fetch_sub(1, SeqCst);
    }
}

/// Lets this thread in. Parks it if the interpreter ends. Each function that Python calls does this first if Python code
/// may run above it, or if it detaches.
pub fn enter(py: Python<'_>) -> Inside {
    Inside::enter(Kind::Program).unwrap_or_else(|| {
        // A parked thread never returns to the frames further out.
        mem::forget(Outside::step_out());
        match py.detach(|| -> Infallible { park() }) {}
    })
}

/// Runs `work` attached, on a thread of the runtime. Returns `None` if the interpreter has ended.
pub fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    // A thread that is inside may finish its work.
    let _inside = if THIS.get().depth == 0 { Some(Inside::enter(Kind::Runtime)?) } else { None };
    Python::try_attach(work)
}

/// Runs `work` detached. If the interpreter ends meanwhile, calls `abandon` and parks the thread.
pub fn detach_or<S: Send, T: Send>(
    py: Python<'_>,
    state: &mut S,
    work: impl FnOnce(&mut S) -> T + Send,
    abandon: impl FnOnce(&mut S) + Send,
) -> T {
    py.detach(|| {
        let outside = Outside::step_out();
        let done = work(state);
        if !outside.step_in() {
            abandon(state);
            park();
        }
        done
    })
}

/// Runs `work` detached. If the interpreter ends meanwhile, parks the thread.
pub fn detach<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    detach_or(py, &mut (), |()| work(), |()| ())
}

/// A detached thread, which is not inside.
struct Outside {
    /// The state before.
    inner: State,
}

impl Outside {
    fn step_out() -> Self {
        let inner = THIS.get();
        THIS.set(State { depth: 0, ..inner });
        if inner.depth > 0 {
            INSIDE.fetch_sub(1, SeqCst);
        }
        Self { inner }
    }

    /// Lets the thread in again, unless the interpreter ends.
    fn step_in(self) -> bool {
        let inner = self.inner;
        mem::forget(self);
        if inner.depth > 0 {
            INSIDE.fetch_add(1, SeqCst);
        }
        if inner.kind.is_late() {
            if inner.depth > 0 {
                INSIDE.fetch_sub(1, SeqCst);
            }
            return false;
        }
        THIS.set(inner);
        true
    }
}

impl Drop for Outside {
    /// Lets the thread in again after a panic.
    fn drop(&mut self) {
        if !(Self { inner: self.inner }).step_in() {
            park();
        }
    }
}

/// Parks this thread forever. It must be detached.
fn park() -> ! {
    loop {
        thread::park();
    }
}

/// Begins the end: parks the threads of the program, except this one, as they come.
pub fn begin_end() {
    THIS.set(State { kind: Kind::Exit, ..THIS.get() });
    STAGE.store(ENDING, SeqCst);
}

/// Completes the end: parks the threads of the runtime, too, and waits for those inside until `deadline`. This thread must
/// be detached.
pub fn complete_end(deadline: Instant) {
    STAGE.store(ENDED, SeqCst);
    while INSIDE.load(SeqCst) > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_micros(200));
    }
}

/// Returns the number of forks that led to this process.
pub fn forks() -> u32 {
    FORKS.load(Relaxed)
}

/// Starts again in a forked child, which has no other thread.
pub fn start_in_child() {
    FORKS.fetch_add(1, SeqCst);
    let depth = THIS.get().depth;
    THIS.set(State { depth, kind: Kind::Program });
    INSIDE.store(usize::from(depth > 0), SeqCst);
    STAGE.store(RUNNING, SeqCst);
}
