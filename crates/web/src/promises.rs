//! Results of asynchronous work, for the promises in `node/src/completion-channel.ts`.

use std::{rc::Rc, sync::Arc};

use bytes::Bytes;
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use replicant::{Error, Result};
use replicant_javascript::{Answer, fields};
use tokio::sync::watch;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::{runtime, tasks};

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
    /// The fields of an error, as JSON.
    Failure(String),
    /// The call was stopped, or the stream ended.
    Over,
}

impl From<Error> for Message {
    fn from(error: Error) -> Self {
        Self::Failure(fields(&error))
    }
}

impl From<Option<Result<Answer>>> for Message {
    fn from(outcome: Option<Result<Answer>>) -> Self {
        match outcome {
            Some(Ok(answer)) => Self::Answer(answer),
            Some(Err(error)) => Self::from(error),
            None => Self::Over,
        }
    }
}

/// Sends messages to the callback of `node/src`, in order.
#[derive(Clone)]
pub(crate) struct CompletionChannel {
    callback: Rc<Function>,
    /// Set when the calls are abandoned.
    abandoned: Arc<watch::Sender<bool>>,
}

impl CompletionChannel {
    pub(crate) fn send(&self, number: u32, message: Message) {
        let optional = |text: Option<String>| text.map_or(JsValue::NULL, JsValue::from);
        let bytes = |bytes: Bytes| JsValue::from(Uint8Array::from(bytes.as_ref()));
        let (kind, json, files, meta, bytes) = match message {
            Message::State(json) => (0, json.into(), JsValue::NULL, JsValue::NULL, JsValue::NULL),
            Message::Answer(answer) => (
                1,
                optional(answer.json),
                optional(answer.files),
                answer.meta.into(),
                answer.bytes.map_or(JsValue::NULL, bytes),
            ),
            Message::Ready => (1, JsValue::NULL, JsValue::NULL, JsValue::NULL, JsValue::NULL),
            Message::Failure(fields) => (2, fields.into(), JsValue::NULL, JsValue::NULL, JsValue::NULL),
            Message::Over => (3, JsValue::NULL, JsValue::NULL, JsValue::NULL, JsValue::NULL),
            Message::Record(json) => (5, json.into(), JsValue::NULL, JsValue::NULL, JsValue::NULL),
            Message::Unfollowed => (6, JsValue::NULL, JsValue::NULL, JsValue::NULL, JsValue::NULL),
        };
        let arguments = Array::of5(&number.into(), &kind.into(), &json, &files, &meta);
        arguments.push(&bytes);
        // The callback catches the exceptions of observers.
        let _ = Reflect::apply(&self.callback, &JsValue::UNDEFINED, &arguments);
    }

    /// Runs `work` and sends its result.
    pub(crate) fn complete(&self, number: u32, work: impl Future<Output = Message> + 'static) {
        let channel = self.clone();
        let mut abandoned = self.abandoned.subscribe();
        let work = async move {
            let abandon = async { abandoned.wait_for(|abandoned| *abandoned).await.is_ok() };
            tokio::select! {
                biased;
                _ = abandon => {}
                message = work => channel.send(number, message),
            }
        };
        let channel = self.clone();
        tasks::spawn_or(work, move |fields| channel.send(number, Message::Failure(fields)));
    }
}

/// The channel of one JavaScript realm.
#[wasm_bindgen]
pub struct NativeCompletionChannel {
    pub(crate) channel: CompletionChannel,
}

#[wasm_bindgen]
impl NativeCompletionChannel {
    #[wasm_bindgen(constructor)]
    pub fn new(on_message: Function) -> Self {
        let callback = Rc::new(on_message);
        let abandoned = Arc::new(watch::Sender::new(false));
        Self { channel: CompletionChannel { callback, abandoned } }
    }

    /// Does nothing: the runtime itself keeps a program alive while a request is running.
    #[wasm_bindgen(js_name = keepProcess)]
    pub fn keep_process(&self, _keep: bool) {}

    /// Abandons all calls; their promises stay pending. Resolves when the requests that follow, such as cancels, are
    /// sent, or after the time that an exit may take.
    pub fn abandon(&self) -> Promise {
        let abandoned = Arc::clone(&self.channel.abandoned);
        abandoned.send_replace(true);
        tasks::promise(async move {
            abandoned.closed().await;
            runtime::drain(None).await;
        })
    }
}
