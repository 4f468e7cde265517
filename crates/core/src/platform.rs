//! What differs between an operating system and the web, in one place.
//!
//! Futures are `Send` natively and not on the web, where everything runs on one thread. The rest of
//! the crate boxes futures through the aliases below and so compiles for both. The clock and the
//! timer are injected (see [`Runtime`]) because neither `std::time` nor tokio's timer work on the
//! web, and because tests want a clock of their own.

pub(crate) mod batch;
mod blocking;
mod lock;

use std::time::Duration;

pub(crate) use self::{batch::Batch, blocking::run_blocking, lock::lock};

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

/// Starts a future that outlives its caller; see [`Runtime::spawner`].
///
/// ```
/// use replicant::{native::TokioRuntime, platform::Runtime};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let spawner = TokioRuntime::with_rate(1.0).spawner();
/// spawner.spawn(Box::pin(async { println!("in the background") }));
/// # }
/// ```
pub type Spawner = std::sync::Arc<dyn SpawnFn>;

/// The function behind a [`Spawner`].
///
/// ```
/// use replicant::platform::{BoxFuture, SpawnFn};
///
/// /// On a thread of its own.
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
    /// Starts `task` in the background.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// The clock, the timer and the task spawner the client lives on.
///
/// The native one is [`crate::native::TokioRuntime`].
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use replicant::{
///     BoxFuture, Client, Options,
///     native::TokioRuntime,
///     platform::{Runtime, Spawner},
/// };
///
/// /// Waits for nothing, for tests.
/// struct Impatient(TokioRuntime);
///
/// impl Runtime for Impatient {
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
/// let runtime = Arc::new(Impatient(TokioRuntime::with_rate(1.0)));
/// let client = Client::new(Options { runtime: Some(runtime), ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
pub trait Runtime: MaybeSend + MaybeSync {
    /// Wall-clock time since the Unix epoch.
    fn now(&self) -> Duration;

    /// Time since some fixed moment; never goes backwards.
    fn monotonic(&self) -> Duration;

    /// Resolves after `duration` on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// A spawner bound to where the caller runs now.
    ///
    /// Taken while a future is polled and used from its `Drop`, which may run on a thread that no
    /// longer belongs to any runtime.
    fn spawner(&self) -> Spawner;
}
