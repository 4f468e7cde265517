//! The client and its calls.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;
use replicant::{Client, Options, RateLimits, background::Tasks};
use replicant_javascript::{Call, observer, to_json};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::{
    error::to_js,
    promises::{CompletionChannel, NativeCompletionChannel},
    stream::NativeStream,
    telemetry::{Wanted, follow},
    transport::{Fetch, JsTransport},
    value,
};

/// A client of the core.
#[napi]
pub struct NativeClient {
    client: Client,
    channel: CompletionChannel,
}

#[napi]
impl NativeClient {
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        channel: &NativeCompletionChannel,
        options: String,
        parts: Option<Vec<Object<'_>>>,
        fetch: Option<Fetch>,
    ) -> napi::Result<Self> {
        let channel = channel.channel.clone();
        // It contains the token.
        let options = Zeroizing::new(options);
        let client = value::from_js(&options, parts).and_then(Options::from_value).and_then(|mut options| {
            options.transport =
                fetch.map(|fetch| Arc::new(JsTransport::new(fetch, channel.clone())) as Arc<_>);
            Client::new(options)
        });
        Ok(Self { client: client.map_err(|error| to_js(env, &error))?, channel })
    }

    /// Returns the client's options as JSON, without the token.
    #[napi(catch_unwind)]
    pub fn describe(&self, env: &Env) -> napi::Result<String> {
        to_json(&self.client.describe()).map_err(|error| to_js(env, &error))
    }

    /// Returns what is known of the rate limits as JSON; `null` if requests do not wait for them.
    #[napi(catch_unwind)]
    pub fn rate_limit(&self, env: &Env) -> napi::Result<String> {
        to_json(&self.client.rate_limit().map(RateLimits::to_value).into())
            .map_err(|error| to_js(env, &error))
    }

    /// Returns what to warn the user of about the options.
    #[napi(getter, catch_unwind)]
    pub fn warnings(&self) -> Vec<String> {
        self.client.warnings().to_vec()
    }

    /// Starts an operation. Sends its result through the channel with `number`, and before that its states if it is
    /// `observed`.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments, reason = "building and reading an object takes longer")]
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
        wanted: Option<Wanted>,
    ) -> napi::Result<()> {
        // First, so that JavaScript forgets the receiver of a call that fails here.
        let following = wanted.map(|wanted| follow(wanted, &self.channel));
        let params = value::from_js(&json, parts).map_err(|error| to_js(env, &error))?;
        let observer = observed.then(|| observer(&self.channel, number));
        let stopped = cancel.map(|cancel| Arc::clone(&cancel.stopped));
        let call = Call::new(&self.client, self.transport(fetch), following);
        self.channel.complete(number, call.run(&operation, params, observer, stopped));
        Ok(())
    }

    /// Opens a stream. Nothing is sent before the first `ready()`.
    #[napi(catch_unwind)]
    pub fn open(
        &self,
        env: &Env,
        operation: String,
        json: String,
        parts: Option<Vec<Object<'_>>>,
        fetch: Option<Fetch>,
        wanted: Option<Wanted>,
    ) -> napi::Result<NativeStream> {
        let following = wanted.map(|wanted| follow(wanted, &self.channel));
        let params = value::from_js(&json, parts).map_err(|error| to_js(env, &error))?;
        let tasks = Tasks::default();
        let call = Call::new(&self.client.with_tasks(tasks.clone()), self.transport(fetch), following);
        Ok(NativeStream::followed_by(tasks, call.open(&operation, params), self.channel.clone()))
    }
}

impl NativeClient {
    fn transport(&self, fetch: Option<Fetch>) -> Option<JsTransport> {
        fetch.map(|fetch| JsTransport::new(fetch, self.channel.clone()))
    }
}

/// Stops one call.
///
/// Not napi's `AbortSignal`, which overwrites the user's `onabort`.
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

    /// Stops the call, even if it starts later.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.stopped.notify_one();
    }
}
