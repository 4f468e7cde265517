//! Keeps the program's signals away from the threads of this package.
//!
//! The kernel delivers a signal of a process to any thread that does not block it. A program may block a signal in its own
//! threads, such as for `signal.sigwait` or while it holds a lock; a thread of ours would receive it, and it would end the process.

#[cfg(unix)]
use std::sync::OnceLock;

#[cfg(unix)]
use nix::sys::signal::{SigSet, SigmaskHow};

/// The signals that the program blocks.
#[cfg(unix)]
static OF_PROGRAM: OnceLock<SigSet> = OnceLock::new();

/// Runs `start`, which starts a thread, with blocked signals, which the thread inherits.
#[cfg(unix)]
pub fn blocked<T>(start: impl FnOnce() -> T) -> T {
    let earlier = all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let started = start();
    if let Ok(earlier) = earlier {
        // It cannot fail: the mask is one that the system returned.
        let _ = earlier.thread_set_mask();
        let _ = OF_PROGRAM.set(earlier);
    }
    started
}

/// Blocks the signals of this thread.
#[cfg(unix)]
pub fn block() {
    // The thread is then as any other.
    let _ = all().thread_block();
}

/// Runs code of the program on a thread of ours. What it starts, such as a child process, inherits the signals that the
/// program blocks, rather than ours.
#[cfg(unix)]
pub fn unblocked<T>(work: impl FnOnce() -> T) -> T {
    if let Some(of_program) = OF_PROGRAM.get() {
        let _ = of_program.thread_set_mask();
    }
    let done = work();
    block();
    done
}

/// Returns all signals, except those that an instruction of the thread itself causes.
#[cfg(unix)]
fn all() -> SigSet {
    use nix::sys::signal::Signal::*;

    let mut signals = SigSet::all();
    for signal in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP] {
        signals.remove(signal);
    }
    signals
}

#[cfg(not(unix))]
pub fn blocked<T>(start: impl FnOnce() -> T) -> T {
    start()
}

#[cfg(not(unix))]
pub fn block() {}

#[cfg(not(unix))]
pub fn unblocked<T>(work: impl FnOnce() -> T) -> T {
    work()
}
