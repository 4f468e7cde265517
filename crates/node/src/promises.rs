//! Results of work on other threads, for the promises in `node/src/completion-channel.ts`.
//!
//! Each JavaScript thread has one callback that receives all messages, with the number of the call they belong to. A
//! promise of napi needs a thread-safe function per call, whose creation and destruction made a call half as slow again.

mod message_queue;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use napi::{
    bindgen_prelude::{Buffer, BufferSlice, Env, FnArgs, Function, PromiseRaw, block_on, spawn},
    threadsafe_function::ThreadsafeFunction,
};
use napi_derive::napi;
use replicant::{BoxFuture, Error, ErrorKind, background};
use replicant_javascript::{CallResult, Channel, Message, kind};
use tokio::time::timeout;

use self::message_queue::MessageQueue;

/// `(number, kind, json, files, meta, bytes)`. `node/src/completion-channel.ts` names the kinds.
type Fields = (u32, u32, Option<String>, Option<String>, Option<String>, Option<Buffer>);

type Arguments = FnArgs<Fields>;

type Callback = ThreadsafeFunction<(), (), Arguments, napi::Status, false, true>;

/// Sends messages to a JavaScript thread, in order.
#[derive(Clone)]
pub(crate) struct CompletionChannel(Arc<MessageQueue>);

impl Channel for CompletionChannel {
    fn send(&self, number: u32, message: Message) {
        self.0.send(number, message);
    }

    fn ended(&self) -> BoxFuture<'static, ()> {
        let mut ended = self.0.ended.subscribe();
        Box::pin(async move {
            // Fails if the channel is gone, as the thread is then.
            let _ = ended.wait_for(|ended| *ended).await;
        })
    }
}

impl CompletionChannel {
    /// Runs `work` on the runtime and sends its result.
    pub(crate) fn complete(&self, number: u32, work: impl Future<Output = Message> + Send + 'static) {
        let channel = self.clone();
        self.start(async move { channel.send(number, work.await) });
    }

    /// Runs `work` on the runtime. Drops it when the calls of the thread are abandoned.
    pub(crate) fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut abandoned = self.0.abandoned.subscribe();
        spawn(async move {
            let abandon = async { abandoned.wait_for(|abandoned| *abandoned).await.is_ok() };
            tokio::select! {
                biased;
                _ = abandon => {}
                () = work => {}
            }
        });
    }

    /// Returns whether the JavaScript thread should let its event loop turn before it takes more.
    pub(crate) fn must_turn(&self) -> bool {
        self.0.must_turn()
    }

    /// Abandons all calls and waits until the requests that follow, such as cancels, are sent.
    async fn abandon(self) {
        self.0.abandon();
        if timeout(background::AT_EXIT, self.0.abandoned.closed()).await.is_ok() {
            background::drain_at_exit().await;
        }
    }

    /// Does the same while the thread cannot run hooks.
    fn abandon_blocking(self) {
        self.0.ended.send_replace(true);
        block_on(self.abandon());
    }
}

/// Number of channels whose threads have not ended.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// The channel of one JavaScript thread.
#[napi]
pub struct NativeCompletionChannel {
    pub(crate) channel: CompletionChannel,
    /// Referenced here only, because it refers to the channel.
    _callback: Arc<Callback>,
    /// Never called. Keeps the process alive while it is referenced; the callback is shared and cannot be (un)referenced.
    keeper: ThreadsafeFunction<(), (), (), napi::Status, false, true>,
}

#[napi]
impl NativeCompletionChannel {
    /// The calls of a worker are abandoned when it ends, because nobody waits for them.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        on_message: Function<'_, Arguments, ()>,
        idle: Function<'_, (), ()>,
        in_worker: bool,
    ) -> napi::Result<Self> {
        crate::runtime::check()?;
        let queue = Arc::new(MessageQueue::new());
        let delivered = Arc::clone(&queue);
        let callback =
            on_message.build_threadsafe_function::<()>().weak::<true>().build_callback(move |context| {
                Ok(FnArgs::from(
                    delivered.next().map_or(TURN, |(number, message)| fields(&context.env, number, message)),
                ))
            })?;
        let callback = Arc::new(callback);
        queue.connect(&callback);
        OPEN.fetch_add(1, Ordering::SeqCst);
        env.add_env_cleanup_hook(CompletionChannel(Arc::clone(&queue)), move |channel| {
            // The runtime ends with the last thread that uses it, so that one waits for its cancels.
            let last = OPEN.fetch_sub(1, Ordering::SeqCst) == 1;
            if in_worker && last {
                channel.abandon_blocking();
            } else if in_worker {
                channel.0.ended.send_replace(true);
                channel.0.abandon();
            }
        })?;
        let keeper = idle.build_threadsafe_function::<()>().weak::<true>().build()?;
        Ok(Self { channel: CompletionChannel(queue), _callback: callback, keeper })
    }

    /// Sets whether the process stays alive, as it must while a call is running.
    #[napi(catch_unwind)]
    pub fn keep_process(&mut self, env: &Env, keep: bool) -> napi::Result<()> {
        // The suggested replacement drops the function.
        #[expect(deprecated)]
        if keep { self.keeper.refer(env) } else { self.keeper.unref(env) }
    }

    /// Continues after the event loop has turned.
    #[napi(catch_unwind)]
    pub fn turned(&self) {
        self.channel.0.turned();
    }

    /// Abandons all calls of this thread; their promises stay pending. Resolves when the requests that follow, such as
    /// cancels, are sent, or after the time that an exit may take.
    #[napi(catch_unwind)]
    pub fn abandon<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let abandon = self.channel.clone().abandon();
        env.spawn_future(async {
            abandon.await;
            Ok(())
        })
    }

    /// Does the same and blocks the thread meanwhile, so that it runs no hooks.
    #[napi(catch_unwind)]
    pub fn abandon_blocking(&self) {
        self.channel.clone().abandon_blocking();
    }

    /// Returns whether no requests are sent in the background.
    #[napi(catch_unwind)]
    pub fn is_idle(&self) -> bool {
        background::is_idle()
    }
}

/// Tells JavaScript to let the event loop turn.
const TURN: Fields = (0, kind::TURN, None, None, None, None);

fn fields(env: &Env, number: u32, message: Message) -> Fields {
    let (kind, CallResult { json, files, bytes, meta }) = message.into_parts();
    match bytes.map(|bytes| copy(env, &bytes)).transpose() {
        Ok(bytes) => (number, kind, json, files, meta, bytes),
        Err(error) => {
            let reason = format!("cannot copy the response to JavaScript: {}", error.reason);
            fields(env, number, Error::new(ErrorKind::Internal, reason).into())
        }
    }
}

/// Copies bytes into memory of the JavaScript engine: memory outside of it cannot be transferred to another thread.
fn copy(env: &Env, bytes: &[u8]) -> napi::Result<Buffer> {
    BufferSlice::copy_from(env, bytes)?.into_buffer(env)
}
