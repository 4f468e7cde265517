//! The client, and calls that have one answer.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;
use replicant::{Client, Observer, Options, Value, operation};
use tokio::sync::Notify;

use crate::{
    error::to_js,
    inbox::{Inbox, NativeInbox, News},
    runtime,
    stream::NativeStream,
    transport::{Fetch, JsTransport},
    value::{self, Answer},
};

/// A client of the core.
#[napi]
pub struct NativeClient {
    client: Client,
    inbox: Inbox,
}

#[napi]
impl NativeClient {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        inbox: &NativeInbox,
        options: String,
        parts: Option<Vec<Object<'_>>>,
        fetch: Option<Fetch>,
    ) -> napi::Result<Self> {
        let client = value::read(&options, parts).and_then(Options::from_value).and_then(|mut options| {
            options.transport =
                fetch.map(|fetch| Arc::new(JsTransport::new(fetch, inbox.inbox.clone())) as Arc<_>);
            Client::new(options)
        });
        Ok(Self { client: client.map_err(|error| to_js(env, &error))?, inbox: inbox.inbox.clone() })
    }

    /// The options in force, without the token.
    #[napi(catch_unwind)]
    pub fn describe(&self, env: &Env) -> napi::Result<String> {
        value::text(&self.client.describe()).map_err(|error| to_js(env, &error))
    }

    /// Starts an operation. What comes of it arrives in the inbox under `number`, and so does, if
    /// `observed`, what happens on the way.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments, reason = "to make and read an object of them takes longer")]
    pub fn call(
        &self,
        env: &Env,
        number: u32,
        operation: String,
        json: String,
        parts: Option<Vec<Object<'_>>>,
        cancel: Option<&NativeCancel>,
        observed: bool,
        fetch: Option<Fetch>,
    ) -> napi::Result<()> {
        let params = value::read(&json, parts).map_err(|error| to_js(env, &error))?;
        let observer = observed.then(|| {
            let inbox = self.inbox.clone();
            let tell = move |state: Value| {
                if let Ok(json) = value::text(&state) {
                    inbox.put(number, News::State(json));
                }
            };
            Arc::new(tell) as Observer
        });
        let work = operation::answer(&self.through(fetch), &operation, params, observer);
        let stopped = cancel.map(|cancel| Arc::clone(&cancel.stopped));
        self.inbox.expect(number, async move {
            News::from(runtime::until(stopped, async { Answer::of(work.await?) }).await)
        });
        Ok(())
    }

    /// Opens a stream. Nothing is sent before its first `ready()`.
    #[napi(catch_unwind)]
    pub fn open(
        &self,
        env: &Env,
        operation: String,
        json: String,
        parts: Option<Vec<Object<'_>>>,
        fetch: Option<Fetch>,
    ) -> napi::Result<NativeStream> {
        let params = value::read(&json, parts).map_err(|error| to_js(env, &error))?;
        Ok(NativeStream::new(operation::open(&self.through(fetch), &operation, params), self.inbox.clone()))
    }
}

impl NativeClient {
    /// The client of one call: a `fetch` of the call's own runs in the call's async context.
    fn through(&self, fetch: Option<Fetch>) -> Client {
        match fetch {
            Some(fetch) => self.client.with_transport(Arc::new(JsTransport::new(fetch, self.inbox.clone()))),
            None => self.client.clone(),
        }
    }
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
