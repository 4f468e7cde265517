//! Where work on other threads hands in what came of it.
//!
//! Each JavaScript thread has one function that is told of everything, by the number that the work was
//! given. A promise of napi's own for each call would cost a thread-safe function, made and torn down
//! each time: crossing took half as long again.

use std::sync::Arc;

use napi::{
    bindgen_prelude::{Buffer, BufferSlice, Env, FnArgs, Function, spawn},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use replicant::{Error, ErrorKind, Result};

use crate::value::{self, Answer};

/// What becomes known of a piece of work.
pub(crate) enum News {
    /// Something that is worth telling, as JSON. More will come.
    State(String),
    Answer(Answer),
    /// There is something to take from a stream.
    Arrived,
    Failure(Box<Error>),
    /// Nothing will come: it was stopped, or is at its end.
    Over,
}

impl From<Option<Result<Answer>>> for News {
    fn from(outcome: Option<Result<Answer>>) -> Self {
        match outcome {
            Some(Ok(answer)) => Self::Answer(answer),
            Some(Err(error)) => Self::Failure(Box::new(error)),
            None => Self::Over,
        }
    }
}

/// `(number, kind, json, files, meta, bytes)`; the kinds have their names in `node/src/inbox.ts`.
type Fields = (u32, u32, Option<String>, Option<String>, Option<String>, Option<Buffer>);

type Told = FnArgs<Fields>;

type Tell = ThreadsafeFunction<(u32, News), (), Told, napi::Status, false, true>;

/// Sends news to the JavaScript thread, in order.
#[derive(Clone)]
pub(crate) struct Inbox(Arc<Tell>);

impl Inbox {
    pub(crate) fn put(&self, number: u32, news: News) {
        // Refused when the JavaScript thread has ended; then nobody is left to be told.
        self.0.call((number, news), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Does `work` on other threads, and hands in what it comes to.
    pub(crate) fn expect(&self, number: u32, work: impl Future<Output = News> + Send + 'static) {
        let inbox = self.clone();
        spawn(async move { inbox.put(number, work.await) });
    }
}

/// The inbox of one JavaScript thread.
#[napi]
pub struct NativeInbox {
    pub(crate) inbox: Inbox,
    /// Never called. It keeps the process while it is referenced, for which `inbox` would have to be
    /// ours alone.
    keeper: ThreadsafeFunction<(), (), (), napi::Status, false, true>,
}

#[napi]
impl NativeInbox {
    #[napi(constructor, catch_unwind)]
    pub fn new(tell: Function<'_, Told, ()>, idle: Function<'_, (), ()>) -> napi::Result<Self> {
        let tell = tell
            .build_threadsafe_function::<(u32, News)>()
            .weak::<true>()
            .build_callback(|told| Ok(FnArgs::from(fields(&told.env, told.value.0, told.value.1))))?;
        let keeper = idle.build_threadsafe_function::<()>().weak::<true>().build()?;
        Ok(Self { inbox: Inbox(Arc::new(tell)), keeper })
    }

    /// Whether the process is kept, as it must be while something is expected.
    #[napi(catch_unwind)]
    pub fn keep_process(&mut self, env: &Env, keep: bool) -> napi::Result<()> {
        // What is to be used instead drops the function.
        #[expect(deprecated)]
        if keep { self.keeper.refer(env) } else { self.keeper.unref(env) }
    }
}

fn fields(env: &Env, number: u32, news: News) -> Fields {
    match news {
        News::State(json) => (number, 0, Some(json), None, None, None),
        News::Answer(Answer { json, files, bytes, meta }) => {
            match bytes.map(|bytes| copy(env, &bytes)).transpose() {
                Ok(bytes) => (number, 1, json, files, Some(meta), bytes),
                Err(error) => {
                    let why = format!("the answer cannot be handed over: {}", error.reason);
                    failure(number, &Error::new(ErrorKind::Internal, why))
                }
            }
        }
        News::Arrived => (number, 1, None, None, None, None),
        News::Failure(error) => failure(number, &error),
        News::Over => (number, 3, None, None, None, None),
    }
}

/// Into memory of the engine's own: what is outside of it cannot be transferred to another thread.
fn copy(env: &Env, bytes: &[u8]) -> napi::Result<Buffer> {
    BufferSlice::copy_from(env, bytes)?.into_buffer(env)
}

fn failure(number: u32, error: &Error) -> Fields {
    (number, 2, Some(value::text(&error.to_value()).unwrap_or_default()), None, None, None)
}
