//! Keeps the program's signals away from the threads of this package.
//!
//! The kernel delivers a signal of a process to any thread that does not block it. A program that blocks a signal in its own
//! threads, such as for `signal.sigwait` or while it holds a lock, would be ended by it here.

/// Runs `start`, which starts a thread, with blocked signals, which the thread inherits.
#[cfg(unix)]
pub fn blocked<T>(start: impl FnOnce() -> T) -> T {
    use nix::sys::signal::{SigSet, SigmaskHow};

    let earlier = all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let started = start();
    if let Ok(earlier) = earlier {
        // It cannot fail: the mask is one that the system returned.
        let _ = SigSet::thread_set_mask(&earlier);
    }
    started
}

/// Blocks the signals of this thread.
#[cfg(unix)]
pub fn block() {
    // The thread is then as any other.
    let _ = all().thread_block();
}

/// Returns all signals, except those that an instruction of the thread itself causes.
#[cfg(unix)]
fn all() -> nix::sys::signal::SigSet {
    use nix::sys::signal::{SigSet, Signal::*};

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
