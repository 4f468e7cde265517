//! The client, and calls that have one answer.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use napi::{
    bindgen_prelude::{BufferSlice, Env, FnArgs, Function, JsObjectValue, Object, PromiseRaw},
    threadsafe_function::ThreadsafeFunctionCallMode,
};
use napi_derive::napi;
use replicant::{Client, Observer, Options, Result, Value, operation};
use tokio::sync::Notify;

use crate::{
    error::{self, to_js},
    runtime,
    stream::NativeStream,
    transport::{Fetch, JsTransport},
    value::{self, Answer},
};

/// A client of the core.
#[napi]
pub struct NativeClient {
    client: Client,
}

#[napi]
impl NativeClient {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        options: String,
        parts: Option<Vec<Object<'_>>>,
        fetch: Option<Fetch>,
    ) -> napi::Result<Self> {
        let client = value::read(&options, parts).and_then(Options::from_value).and_then(|mut options| {
            options.transport = fetch.map(|fetch| Arc::new(JsTransport::new(fetch)) as Arc<_>);
            Client::new(options)
        });
        Ok(Self { client: client.map_err(|error| to_js(env, &error, None))? })
    }

    /// The options in force, without the token.
    #[napi(catch_unwind)]
    pub fn describe(&self, env: &Env) -> napi::Result<String> {
        value::text(&self.client.describe()).map_err(|error| to_js(env, &error, None))
    }

    /// Starts an operation; the promise rejects with an object that has the error's fields.
    #[napi(catch_unwind)]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        operation: String,
        json: String,
        parts: Option<Vec<Object<'_>>>,
        cancel: Option<&NativeCancel>,
        observer: Option<Observe<'_>>,
    ) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        let params = value::read(&json, parts).map_err(|error| to_js(env, &error, None))?;
        let observed = observer.map(Observed::new).transpose()?;
        let tell = observed.as_ref().map(|(_, tell)| Arc::clone(tell));
        let states = observed.map(|(states, _)| states);
        let work = operation::answer(&self.client, &operation, params, tell);
        let stopped = cancel.map(|cancel| Arc::clone(&cancel.stopped));
        env.spawn_future_with_callback(
            async move { Ok(runtime::until(stopped, async { Answer::of(work.await?) }).await) },
            move |env, outcome: Option<Result<Answer>>| {
                let rest = states.map(|states| states.take());
                match outcome {
                    Some(Ok(answer)) => reply(env, answer, rest),
                    Some(Err(failure)) => Err(to_js(env, &failure, rest)),
                    None => Err(error::stopped(env, rest)),
                }
            },
        )
    }

    /// Opens a stream. Nothing is sent before its first `ready()`.
    #[napi(catch_unwind)]
    pub fn open(
        &self,
        env: &Env,
        operation: String,
        json: String,
        parts: Option<Vec<Object<'_>>>,
    ) -> napi::Result<NativeStream> {
        let params = value::read(&json, parts).map_err(|error| to_js(env, &error, None))?;
        Ok(NativeStream::new(operation::open(&self.client, &operation, params)))
    }
}

fn reply<'env>(env: &'env Env, answer: Answer, observed: Option<Vec<String>>) -> napi::Result<Object<'env>> {
    let mut reply = Object::new(env)?;
    reply.set_named_property("meta", answer.meta)?;
    if let Some(json) = answer.json {
        reply.set_named_property("json", json)?;
    }
    if let Some(files) = answer.files {
        reply.set_named_property("files", files)?;
    }
    if let Some(bytes) = answer.bytes {
        reply.set_named_property("bytes", BufferSlice::copy_from(env, bytes)?)?;
    }
    if let Some(observed) = observed {
        reply.set_named_property("observed", observed)?;
    }
    Ok(reply)
}

/// Stops one call.
///
/// Not napi's `AbortSignal`: that one overwrites the user's own `onabort`.
#[napi]
#[derive(Default)]
pub struct NativeCancel {
    stopped: Arc<Notify>,
}

#[napi]
impl NativeCancel {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the call, or the one that it is given to later.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.stopped.notify_one();
    }
}

type Observe<'a> = Function<'a, FnArgs<(Option<String>,)>, ()>;

/// States that were seen and have not been told.
///
/// They wait here, and not in the queue of the thread-safe function alone, because nothing orders
/// that queue against the promise: whatever is left when the call ends goes with its answer.
struct Observed {
    states: Mutex<VecDeque<String>>,
}

impl Observed {
    fn new(function: Observe<'_>) -> napi::Result<(Arc<Self>, Observer)> {
        let states = Arc::new(Self { states: Mutex::default() });
        let untold = Arc::clone(&states);
        // Weak: the pending promise is what keeps the process.
        let wake = function
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build_callback(move |_| Ok(FnArgs::from((untold.lock().pop_front(),))))?;
        let seen = Arc::clone(&states);
        let tell: Observer = Arc::new(move |state: Value| {
            let Ok(json) = value::text(&state) else { return };
            seen.lock().push_back(json);
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        });
        Ok((states, tell))
    }

    fn take(&self) -> Vec<String> {
        self.lock().drain(..).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
