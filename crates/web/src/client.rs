//! The client and its calls.

use std::sync::Arc;

use js_sys::{Array, Function, Object, Promise, Reflect};
use replicant::{Client, Options, RateLimits, Result, background::Tasks};
use replicant_javascript::{Call, observer, to_json};
use tokio::sync::Notify;
use wasm_bindgen::{
    JsCast,
    convert::TryFromJsValue,
    prelude::{JsValue, wasm_bindgen},
};

use crate::{
    error::to_js,
    promises::{CompletionChannel, NativeCompletionChannel},
    runtime::{self, WebRuntime},
    stream::NativeStream,
    tasks, telemetry,
    transport::JsTransport,
    value,
};

/// A client of the core.
#[wasm_bindgen]
pub struct NativeClient {
    client: Client,
    channel: CompletionChannel,
}

#[wasm_bindgen]
impl NativeClient {
    /// Makes a client. `fetch` sends its requests.
    #[wasm_bindgen(constructor)]
    pub fn new(
        channel: &NativeCompletionChannel,
        options: &str,
        parts: Option<Array>,
        fetch: Function,
    ) -> Result<Self, JsValue> {
        let channel = channel.channel.clone();
        let client =
            value::from_js(options, parts.as_ref()).and_then(Options::from_value).and_then(|mut options| {
                options.transport = Some(Arc::new(JsTransport::new(fetch, channel.clone())));
                options.runtime = Some(Arc::new(WebRuntime::with_rate(options.checked_clock_rate()?)));
                Client::new(options)
            });
        let client = client.map_err(|error| to_js(&error))?;
        Ok(Self { client, channel: channel })
    }

    /// Returns the client's options as JSON, without the token.
    pub fn describe(&self) -> Result<String, JsValue> {
        to_json(&self.client.describe()).map_err(|error| to_js(&error))
    }

    /// Returns what is known of the rate limits as JSON; `null` if requests do not wait for them.
    #[wasm_bindgen(js_name = rateLimit)]
    pub fn rate_limit(&self) -> Result<String, JsValue> {
        to_json(&self.client.rate_limit().map(RateLimits::to_value).into()).map_err(|error| to_js(&error))
    }

    /// Returns what to warn the user of about the options.
    #[wasm_bindgen(getter)]
    pub fn warnings(&self) -> Vec<String> {
        self.client.warnings().to_vec()
    }

    /// Starts an operation. Sends its result through the channel with `number`, and before that its states if it is
    /// `observed`.
    #[allow(clippy::too_many_arguments, reason = "the signature of the native binding")]
    pub fn call(
        &self,
        number: u32,
        operation: &str,
        json: &str,
        parts: Option<Array>,
        cancel: Option<Object>,
        observed: bool,
        fetch: Option<Function>,
        follow: Option<Object>,
    ) -> Result<(), JsValue> {
        // First, so that JavaScript forgets the receiver of a call that fails here.
        let following = follow.map(|wanted| telemetry::follow(&wanted, &self.channel));
        let params = value::from_js(json, parts.as_ref()).map_err(|error| to_js(&error))?;
        let observer = observed.then(|| observer(&self.channel, number));
        let NativeCancel { stopped, tasks } = match cancel {
            Some(cancel) => NativeCancel::shared(&cancel)?,
            None => NativeCancel::new(),
        };
        let call = Call::new(&self.client.with_tasks(tasks), self.transport(fetch), following);
        self.channel.complete(number, call.run(operation, params, observer, Some(stopped)));
        Ok(())
    }

    /// Opens a stream. Nothing is sent before the first `ready()`.
    pub fn open(
        &self,
        operation: &str,
        json: &str,
        parts: Option<Array>,
        fetch: Option<Function>,
        follow: Option<Object>,
    ) -> Result<NativeStream, JsValue> {
        let following = follow.map(|wanted| telemetry::follow(&wanted, &self.channel));
        let params = value::from_js(json, parts.as_ref()).map_err(|error| to_js(&error))?;
        let tasks = Tasks::default();
        let call = Call::new(&self.client.with_tasks(tasks.clone()), self.transport(fetch), following);
        Ok(NativeStream::followed_by(tasks, call.open(operation, params), self.channel.clone()))
    }
}

impl NativeClient {
    fn transport(&self, fetch: Option<Function>) -> Option<JsTransport> {
        fetch.map(|fetch| JsTransport::new(fetch, self.channel.clone()))
    }
}

/// Stops one call.
#[wasm_bindgen]
#[derive(Clone, Default)]
pub struct NativeCancel {
    stopped: Arc<Notify>,
    tasks: Tasks,
}

#[wasm_bindgen]
impl NativeCancel {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns another object for the same call.
    pub fn share(&self) -> Self {
        self.clone()
    }

    /// Stops the call, even if it starts later.
    pub fn cancel(&self) {
        self.stopped.notify_one();
    }

    /// Resolves when the requests that follow the call are done, such as a cancel, or after `limit` milliseconds.
    pub fn drain(&self, limit: f64) -> Promise {
        let tasks = self.tasks.clone();
        tasks::promise(async move { runtime::finish(&tasks, Some(runtime::milliseconds(limit))).await })
    }
}

impl NativeCancel {
    /// Reads the object of a call. An exported function can borrow an object, but not an optional one.
    fn shared(object: &Object) -> Result<Self, JsValue> {
        let share: Function = Reflect::get(object, &"share".into())?.dyn_into()?;
        Self::try_from_js_value(share.call0(object)?)
    }
}
