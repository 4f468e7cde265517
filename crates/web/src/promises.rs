//! Results of asynchronous work, for the promises in `node/src/completion-channel.ts`.

use std::rc::Rc;

use js_sys::Uint8Array;
use replicant_javascript::{CallResult, Channel, Message};
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

/// Sends messages to the callback of `node/src`, in order.
#[derive(Clone)]
pub(crate) struct CompletionChannel {
    callback: Rc<OnMessage>,
}

impl Channel for CompletionChannel {
    fn send(&self, number: u32, message: Message) {
        let (kind, CallResult { json, files, bytes, meta }) = message.into_parts();
        let bytes = bytes.map(|bytes| Uint8Array::from(bytes.as_ref()));
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
}

impl CompletionChannel {
    /// Runs `work` and sends its result.
    pub(crate) fn complete(&self, number: u32, work: impl Future<Output = Message> + 'static) {
        let channel = self.clone();
        let work = async move { channel.send(number, work.await) };
        let channel = self.clone();
        tasks::spawn_or(work, move |fields| channel.send(number, Message::Failure(fields)));
    }
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
