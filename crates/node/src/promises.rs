//! Results of work on other threads, for the promises in `node/src/completion-channel.ts`.
//!
//! Each JavaScript thread has one callback that receives all messages, with the number of the call they belong to. A
//! promise of napi needs a thread-safe function per call, whose creation and destruction made a call half as slow again.

use std::sync::Arc;

use napi::{
    bindgen_prelude::{Buffer, BufferSlice, Env, FnArgs, Function, spawn},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use replicant::{Error, ErrorKind, Result};

use crate::{error, value::Answer};

/// A message about a call or stream.
pub(crate) enum Message {
    /// A state for the observer, as JSON. More messages follow.
    State(String),
    /// An event, a span or a question for the receiver, as JSON. More messages follow.
    Record(String),
    /// No more records follow.
    Unfollowed,
    Answer(Answer),
    /// A stream has something to take.
    Ready,
    Failure(Box<Error>),
    /// The call was stopped, or the stream ended.
    Over,
}

impl From<Option<Result<Answer>>> for Message {
    fn from(outcome: Option<Result<Answer>>) -> Self {
        match outcome {
            Some(Ok(answer)) => Self::Answer(answer),
            Some(Err(error)) => Self::Failure(Box::new(error)),
            None => Self::Over,
        }
    }
}

/// `(number, kind, json, files, meta, bytes)`. `node/src/completion-channel.ts` names the kinds.
type Fields = (u32, u32, Option<String>, Option<String>, Option<String>, Option<Buffer>);

type Arguments = FnArgs<Fields>;

type Callback = ThreadsafeFunction<(u32, Message), (), Arguments, napi::Status, false, true>;

/// Sends messages to a JavaScript thread, in order.
#[derive(Clone)]
pub(crate) struct CompletionChannel(Arc<Callback>);

impl CompletionChannel {
    pub(crate) fn send(&self, number: u32, message: Message) {
        // Fails if the JavaScript thread has ended, and then nobody waits for the message.
        self.0.call((number, message), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Runs `work` on the runtime and sends its result.
    pub(crate) fn complete(&self, number: u32, work: impl Future<Output = Message> + Send + 'static) {
        let channel = self.clone();
        spawn(async move { channel.send(number, work.await) });
    }
}

/// The channel of one JavaScript thread.
#[napi]
pub struct NativeCompletionChannel {
    pub(crate) channel: CompletionChannel,
    /// Never called. Keeps the process alive while it is referenced; `channel` is shared and cannot be (un)referenced.
    keeper: ThreadsafeFunction<(), (), (), napi::Status, false, true>,
}

#[napi]
impl NativeCompletionChannel {
    #[napi(constructor, catch_unwind)]
    pub fn new(on_message: Function<'_, Arguments, ()>, idle: Function<'_, (), ()>) -> napi::Result<Self> {
        let callback = on_message
            .build_threadsafe_function::<(u32, Message)>()
            .weak::<true>()
            .build_callback(|context| {
                let (number, message) = context.value;
                Ok(FnArgs::from(fields(&context.env, number, message)))
            })?;
        let keeper = idle.build_threadsafe_function::<()>().weak::<true>().build()?;
        Ok(Self { channel: CompletionChannel(Arc::new(callback)), keeper })
    }

    /// Sets whether the process stays alive, as it must while a call is running.
    #[napi(catch_unwind)]
    pub fn keep_process(&mut self, env: &Env, keep: bool) -> napi::Result<()> {
        // The suggested replacement drops the function.
        #[expect(deprecated)]
        if keep { self.keeper.refer(env) } else { self.keeper.unref(env) }
    }
}

fn fields(env: &Env, number: u32, message: Message) -> Fields {
    match message {
        Message::State(json) => (number, 0, Some(json), None, None, None),
        Message::Answer(Answer { json, files, bytes, meta }) => {
            match bytes.map(|bytes| copy(env, &bytes)).transpose() {
                Ok(bytes) => (number, 1, json, files, Some(meta), bytes),
                Err(error) => {
                    let reason = format!("cannot copy the response to JavaScript: {}", error.reason);
                    failure(number, &Error::new(ErrorKind::Internal, reason))
                }
            }
        }
        Message::Ready => (number, 1, None, None, None, None),
        Message::Failure(error) => failure(number, &error),
        Message::Record(json) => (number, 5, Some(json), None, None, None),
        Message::Unfollowed => (number, 6, None, None, None, None),
        Message::Over => (number, 3, None, None, None, None),
    }
}

/// Copies bytes into memory of the JavaScript engine: memory outside of it cannot be transferred to another thread.
fn copy(env: &Env, bytes: &[u8]) -> napi::Result<Buffer> {
    BufferSlice::copy_from(env, bytes)?.into_buffer(env)
}

fn failure(number: u32, error: &Error) -> Fields {
    (number, 2, Some(error::fields(error)), None, None, None)
}
