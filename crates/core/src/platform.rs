//! Differences between operating systems and the web.
//!
//! Futures are `Send` on an operating system but not on the web, which has one thread. The rest of the
//! crate uses the aliases below and compiles for both. The clock and the timer are injected (see
//! [`Runtime`]) because `std::time` and tokio's timer do not work on the web, and so that tests can
//! control time.

pub(crate) mod batch;
mod blocking;
mod clock;
mod exclusive;
pub(crate) mod lock;
pub(crate) mod per_process;

use std::{
    task::{Context, Waker},
    time::Duration,
};

#[cfg(target_arch = "wasm32")]
pub(crate) use self::clock::parse_decimal;
#[cfg(target_arch = "wasm32")]
pub use self::clock::{set_decimal_parser, set_runtime};
pub(crate) use self::{
    batch::Batch,
    blocking::run_blocking,
    clock::{real_sleep, wall_clock},
    exclusive::Exclusive,
    lock::lock,
    per_process::PerProcess,
};

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    use std::{error::Error, future::Future, pin::Pin, sync::Arc};

    use futures_util::Stream;

    /// A cause of an [`Error`](crate::Error) of any type, `Send` and `Sync` where threads exist.
    pub type BoxError = Box<dyn Error + Send + Sync>;
    /// A shared callback, `Send` and `Sync` where threads exist.
    pub type Callback<T> = Arc<dyn Fn(T) + Send + Sync>;
    /// `Send` where threads exist, nothing elsewhere.
    pub trait MaybeSend: Send {}
    impl<T: Send + ?Sized> MaybeSend for T {}
    /// `Sync` where threads exist, nothing elsewhere.
    pub trait MaybeSync: Sync {}
    impl<T: Sync + ?Sized> MaybeSync for T {}
    /// A boxed future, `Send` where threads exist.
    pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
    /// A boxed stream, `Send` where threads exist.
    pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;
}

#[cfg(target_arch = "wasm32")]
mod imp {
    use std::{error::Error, future::Future, pin::Pin, sync::Arc};

    use futures_util::Stream;

    /// A cause of an [`Error`](crate::Error) of any type, `Send` and `Sync` where threads exist.
    pub type BoxError = Box<dyn Error>;
    /// A shared callback, `Send` and `Sync` where threads exist.
    pub type Callback<T> = Arc<dyn Fn(T)>;
    /// `Send` where threads exist, nothing elsewhere.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}
    /// `Sync` where threads exist, nothing elsewhere.
    pub trait MaybeSync {}
    impl<T: ?Sized> MaybeSync for T {}
    /// A boxed future, `Send` where threads exist.
    pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
    /// A boxed stream, `Send` where threads exist.
    pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + 'a>>;
}

pub use imp::{BoxError, BoxFuture, BoxStream, Callback, MaybeSend, MaybeSync};

/// Returns the id of this process, which a forked child does not share with its parent. 0 on the web.
pub(crate) fn process_id() -> u32 {
    if cfg!(target_arch = "wasm32") { 0 } else { std::process::id() }
}

/// Spawns futures that outlive their caller; see [`Runtime::spawner`].
///
/// ```
/// use replicant::{native::TokioRuntime, platform::Runtime};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let spawner = TokioRuntime::new().spawner();
/// spawner.spawn(Box::pin(async { println!("in the background") }));
/// # }
/// ```
pub type Spawner = std::sync::Arc<dyn SpawnFn>;

/// Spawns background tasks, for implementations of [`Runtime`].
///
/// ```
/// use replicant::platform::{BoxFuture, SpawnFn};
///
/// /// Spawns each task on a new thread.
/// struct Threads;
///
/// impl SpawnFn for Threads {
///     fn spawn(&self, task: BoxFuture<'static, ()>) {
///         std::thread::spawn(|| {
///             let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
///             runtime.expect("a runtime").block_on(task);
///         });
///     }
/// }
/// ```
pub trait SpawnFn: MaybeSend + MaybeSync {
    /// Runs `task` in the background.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// The clock, timer and task spawner that a client uses.
///
/// On an operating system the default is [`TokioRuntime`](crate::native::TokioRuntime).
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use replicant::{
///     BoxFuture, Client, Options,
///     native::TokioRuntime,
///     platform::{Runtime, Spawner},
/// };
///
/// /// A runtime for tests whose timer fires at once.
/// struct NoDelay(TokioRuntime);
///
/// impl Runtime for NoDelay {
///     fn now(&self) -> Duration {
///         self.0.now()
///     }
///     fn monotonic(&self) -> Duration {
///         self.0.monotonic()
///     }
///     fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
///         Box::pin(tokio::task::yield_now())
///     }
///     fn spawner(&self) -> Spawner {
///         self.0.spawner()
///     }
/// }
///
/// let runtime = Arc::new(NoDelay(TokioRuntime::new()));
/// let client = Client::new(Options { runtime: Some(runtime), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
pub trait Runtime: MaybeSend + MaybeSync {
    /// Returns the wall-clock time since the Unix epoch.
    fn now(&self) -> Duration;

    /// Returns the time since a fixed moment. It never decreases.
    fn monotonic(&self) -> Duration;

    /// Waits for `duration` on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Returns a waker of the task with this context that tasks of other calls may call.
    ///
    /// By default it is the task's own. In a Worker, a task must not be polled in another request, because what it starts there
    /// would end with that request.
    fn waker(&self, context: &Context<'_>) -> Waker {
        context.waker().clone()
    }

    /// Returns a spawner for the runtime that the caller runs on.
    ///
    /// A future obtains it while it is polled and uses it in `Drop`, which may run on a thread without a
    /// runtime.
    fn spawner(&self) -> Spawner;
}
