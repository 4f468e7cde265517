//! The tokio runtime, driven by the threads that wait in it.
//!
//! If another thread read the sockets of a blocking call, each arrival would cost two thread switches, more than the
//! rest of the call. So the waiting thread drives the runtime itself. A thread of this package drives it while no
//! other does: for asyncio calls, for background requests, and to notice connections that the server closed.

use std::{
    future::Future,
    io, panic, process,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread::{self, Thread},
    time::Duration,
};

use replicant::background;
use tokio::{
    runtime::{EnterGuard, Runtime},
    sync::Notify,
    task::JoinHandle,
};

use super::signals;

/// How long our thread rests, at first and at most, while other threads drive.
const REST: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// The runtime of a process and the thread that drives it while no other does.
pub struct Driver {
    pid: u32,
    runtime: Runtime,
    /// Our thread.
    thread: Thread,
    shared: &'static Shared,
}

#[derive(Default)]
struct Shared {
    /// The number of threads that wait in the runtime, without our own.
    inside: AtomicUsize,
    /// The number of waits so far.
    waits: AtomicUsize,
    /// The number of running tasks that no thread waits for.
    tasks: AtomicUsize,
    /// Whether our thread drives the runtime.
    driven: AtomicBool,
    /// Asks our thread to let another thread drive.
    leave: Notify,
}

impl Driver {
    /// Starts a runtime and its thread, which stay until the process ends.
    pub fn start() -> io::Result<&'static Self> {
        // tokio panics if a process has no descriptors left for its signals.
        let built = panic::catch_unwind(|| {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().on_thread_start(signals::block).build()
        });
        let runtime = built.unwrap_or_else(|_| Err(io::Error::other("too few file descriptors")))?;
        let shared: &'static Shared = Box::leak(Box::default());
        let (give, take) = mpsc::channel::<&'static Self>();
        let builder = thread::Builder::new().name("replicant".into());
        let drive = move || {
            if let Ok(driver) = take.recv() {
                driver.keep_driving();
            }
        };
        let thread = signals::blocked(|| builder.spawn(drive))?;
        // Leaked: at exit its thread ends with the process, and nothing waits for it.
        let driver: &'static Self = Box::leak(Box::new(Self {
            pid: process::id(),
            runtime,
            thread: thread.thread().clone(),
            shared,
        }));
        let _ = give.send(driver);
        Ok(driver)
    }

    /// Drives the runtime until `future` is ready.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _inside = Inside::enter(self);
        self.runtime.block_on(future)
    }

    /// Spawns a task that runs although no thread waits for it.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let counted = Counted::new(&self.shared.tasks);
        let task = self.runtime.spawn(async move {
            let _counted = counted;
            task.await
        });
        if !self.shared.driven.load(SeqCst) {
            self.thread.unpark();
        }
        task
    }

    /// Has our thread drive the runtime, until the result is dropped, for a thread that only looks into it.
    pub fn keep_driven(&self) -> Counted {
        let counted = Counted::new(&self.shared.tasks);
        if !self.shared.driven.load(SeqCst) {
            self.thread.unpark();
        }
        counted
    }

    /// Enters the context of this runtime.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Returns `true` if this was started by this process rather than by the parent of a fork.
    pub fn is_of_this_process(&self) -> bool {
        self.pid == process::id()
    }

    /// Returns `true` if there is work that a thread has to drive.
    fn is_busy(&self) -> bool {
        self.shared.tasks.load(SeqCst) > 0 || !background::is_idle()
    }

    fn keep_driving(&self) {
        let shared = self.shared;
        loop {
            shared.driven.store(true, SeqCst);
            // A thread that enters after this check sees `driven` and asks us to leave.
            if shared.inside.load(SeqCst) == 0 {
                self.runtime.block_on(shared.leave.notified());
            }
            shared.driven.store(false, SeqCst);
            let mut rest = REST.0;
            loop {
                let waits = shared.waits.load(SeqCst);
                thread::park_timeout(rest);
                let idle = shared.inside.load(SeqCst) == 0;
                if idle && (self.is_busy() || shared.waits.load(SeqCst) == waits) {
                    break;
                }
                rest = (rest * 2).min(REST.1);
            }
        }
    }
}

/// A thread that waits in the runtime.
struct Inside<'a>(&'a Driver);

impl<'a> Inside<'a> {
    fn enter(driver: &'a Driver) -> Self {
        driver.shared.waits.fetch_add(1, SeqCst);
        driver.shared.inside.fetch_add(1, SeqCst);
        if driver.shared.driven.load(SeqCst) {
            driver.shared.leave.notify_one();
        }
        Self(driver)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let last = self.0.shared.inside.fetch_sub(1, SeqCst) == 1;
        if last && self.0.is_busy() {
            self.0.thread.unpark();
        }
    }
}

/// A task that our thread drives.
pub struct Counted(&'static AtomicUsize);

impl Counted {
    fn new(count: &'static AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
