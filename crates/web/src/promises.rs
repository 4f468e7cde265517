//! Results of asynchronous work, for the promises in `node/src/completion-channel.ts`.

use std::rc::Rc;

use bytes::Bytes;
use js_sys::Uint8Array;
use replicant::{Error, Result};
use replicant_javascript::{Answer, fields};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::tasks;

#[wasm_bindgen]
extern "C" {
    /// An `OnMessage` of `node/src/native.ts`.
    pub type OnMessage;

    #[allow(clippy::too_many_arguments, reason = "one call across the boundary")]
    #[wasm_bindgen(method, catch)]
    fn call(
        this: &OnMessage,
        undefined: &JsValue,
        number: u32,
        kind: u32,
        json: Option<&str>,
        files: Option<&str>,
        meta: Option<&str>,
        bytes: Option<Uint8Array>,
    ) -> Result<(), JsValue>;
}

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
    callback: Rc<OnMessage>,
}

impl CompletionChannel {
    pub(crate) fn send(&self, number: u32, message: Message) {
        let (kind, answer) = match message {
            Message::State(json) => (0, text(json)),
            Message::Answer(answer) => (1, answer),
            Message::Ready => (1, Answer::default()),
            Message::Failure(fields) => (2, text(fields)),
            Message::Over => (3, Answer::default()),
            Message::Record(json) => (5, text(json)),
            Message::Unfollowed => (6, Answer::default()),
        };
        let Answer { json, files, bytes, meta } = answer;
        let bytes = bytes.map(|bytes: Bytes| Uint8Array::from(bytes.as_ref()));
        // The callback catches the exceptions of observers.
        let _ = self.callback.call(
            &JsValue::UNDEFINED,
            number,
            kind,
            json.as_deref(),
            files.as_deref(),
            meta.as_deref(),
            bytes,
        );
    }

    /// Runs `work` and sends its result.
    pub(crate) fn complete(&self, number: u32, work: impl Future<Output = Message> + 'static) {
        let channel = self.clone();
        let work = async move { channel.send(number, work.await) };
        let channel = self.clone();
        tasks::spawn_or(work, move |fields| channel.send(number, Message::Failure(fields)));
    }
}

fn text(json: String) -> Answer {
    Answer { json: Some(json), ..Answer::default() }
}

/// The channel of one JavaScript realm. It cannot abandon its calls, because on the web no program ends that waits for them.
#[wasm_bindgen]
pub struct NativeCompletionChannel {
    pub(crate) channel: CompletionChannel,
}

#[wasm_bindgen]
impl NativeCompletionChannel {
    #[wasm_bindgen(constructor)]
    pub fn new(on_message: OnMessage) -> Self {
        Self { channel: CompletionChannel { callback: Rc::new(on_message) } }
    }

    /// Does nothing: the runtime itself keeps a program alive while a request is running.
    #[wasm_bindgen(js_name = keepProcess)]
    pub fn keep_process(&self, _keep: bool) {}
}
