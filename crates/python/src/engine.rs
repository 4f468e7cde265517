//! The tokio runtime of a process, driven by the threads that wait for it.
//!
//! A blocking call whose sockets another thread reads costs two changes of thread for each thing that
//! arrives, more than everything else it does. So the thread that waits drives the runtime itself, and
//! a thread of our own does so while nobody waits: for what asyncio awaits, for what goes on in the
//! background, and so that a connection closed by the server is noticed.

use std::{
    future::Future,
    io, process,
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

/// How long our thread keeps out of the way at first, and at most, while others call.
const REST: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

pub struct Engine {
    pid: u32,
    runtime: Runtime,
    /// Our thread.
    thread: Thread,
    shared: &'static Shared,
}

#[derive(Default)]
struct Shared {
    /// How many threads wait in the runtime at the moment, our own not counted.
    inside: AtomicUsize,
    /// How many waits there have been.
    waits: AtomicUsize,
    /// How many tasks are under way that nobody waits for in the runtime.
    tasks: AtomicUsize,
    /// Whether our thread drives the runtime.
    driven: AtomicBool,
    /// Tells our thread to let somebody else drive.
    leave: Notify,
}

impl Engine {
    /// One that stays until the process ends, with its thread.
    pub fn start() -> io::Result<&'static Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared: &'static Shared = Box::leak(Box::default());
        let (give, take) = mpsc::channel::<&'static Self>();
        let builder = thread::Builder::new().name("replicant".into());
        let thread = builder.spawn(move || {
            if let Ok(engine) = take.recv() {
                engine.keep_driving();
            }
        })?;
        // Never dropped: at exit its thread ends with the process, without a wait.
        let engine: &'static Self = Box::leak(Box::new(Self {
            pid: process::id(),
            runtime,
            thread: thread.thread().clone(),
            shared,
        }));
        let _ = give.send(engine);
        Ok(engine)
    }

    /// Waits for `future` and drives the runtime meanwhile.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _inside = Inside::enter(self);
        self.runtime.block_on(future)
    }

    /// Starts a task that goes on while nobody waits.
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

    /// Makes this runtime the one of the calling thread.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Whether this is not what a fork left of the engine of another process.
    pub fn is_of_this_process(&self) -> bool {
        self.pid == process::id()
    }

    /// Whether something is under way that somebody has to drive.
    fn is_busy(&self) -> bool {
        self.shared.tasks.load(SeqCst) > 0 || !background::is_idle()
    }

    fn keep_driving(&self) {
        let shared = self.shared;
        loop {
            shared.driven.store(true, SeqCst);
            // Who enters after this look sees `driven`, and tells us to leave.
            if shared.inside.load(SeqCst) == 0 {
                self.runtime.block_on(shared.leave.notified());
            }
            shared.driven.store(false, SeqCst);
            let mut rest = REST.0;
            loop {
                let waits = shared.waits.load(SeqCst);
                thread::park_timeout(rest);
                let nobody = shared.inside.load(SeqCst) == 0;
                if nobody && (self.is_busy() || shared.waits.load(SeqCst) == waits) {
                    break;
                }
                rest = (rest * 2).min(REST.1);
            }
        }
    }
}

/// A thread that waits in the runtime.
struct Inside<'a>(&'a Engine);

impl<'a> Inside<'a> {
    fn enter(engine: &'a Engine) -> Self {
        engine.shared.waits.fetch_add(1, SeqCst);
        engine.shared.inside.fetch_add(1, SeqCst);
        if engine.shared.driven.load(SeqCst) {
            engine.shared.leave.notify_one();
        }
        Self(engine)
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

struct Counted(&'static AtomicUsize);

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
