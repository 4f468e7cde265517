//! A transport that sends requests with a JavaScript `fetch`; `node/src/fetch-transport.ts` is the other half. Retries,
//! timeouts and redirects stay in the core.

use std::{cell::Cell, rc::Rc};

use bytes::Bytes;
use js_sys::{Function, Promise, Uint8Array};
use replicant::{
    BoxFuture, BoxStream, Result,
    bindings::header,
    transport::{BodySource, HttpRequest, HttpResponse, StreamBody, Transport},
};
use replicant_javascript::{FetchParts, fetch_failed, fetch_failure, headers};
use wasm_bindgen::{
    JsCast,
    prelude::{JsValue, wasm_bindgen},
};

use crate::{
    error::reason,
    host::{self, Host},
    object::to_bytes,
    promises::CompletionChannel,
    source::{self, Pull, Reading},
    stream::NativeStream,
    waiting::Waiting,
};

#[wasm_bindgen]
extern "C" {
    /// A `NativeResponse` of `node/src/native.ts`.
    type NativeResponse;

    #[wasm_bindgen(method, getter)]
    fn status(this: &NativeResponse) -> u16;
    #[wasm_bindgen(method, getter)]
    fn headers(this: &NativeResponse) -> String;
    #[wasm_bindgen(method, getter)]
    fn bytes(this: &NativeResponse) -> Option<Uint8Array>;
    #[wasm_bindgen(method, getter)]
    fn pull(this: &NativeResponse) -> Function;
    #[wasm_bindgen(method, getter)]
    fn whole(this: &NativeResponse) -> Option<Function>;
    #[wasm_bindgen(method, getter)]
    fn failure(this: &NativeResponse) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = neverSent)]
    fn never_sent(this: &NativeResponse) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn raised(this: &NativeResponse) -> Option<bool>;

    /// Calls a `NativeFetch` with a request, and does the same when its promise settles.
    #[allow(clippy::too_many_arguments, reason = "one call across the boundary")]
    #[wasm_bindgen(method, catch)]
    fn send(
        this: &Host,
        fetch: &Function,
        request: u32,
        head: &str,
        text: Option<&str>,
        bytes: Option<Uint8Array>,
        stream: Option<NativeStream>,
        number: u32,
        stamp: u32,
    ) -> Result<(), JsValue>;
}

/// A transport over a function that takes a number and a request; `null` aborts the request with that number.
pub(crate) struct JsTransport {
    fetch: Rc<Function>,
    channel: CompletionChannel,
    sent: Cell<u32>,
}

impl JsTransport {
    pub(crate) fn new(fetch: Function, channel: CompletionChannel) -> Self {
        Self { fetch: Rc::new(fetch), channel, sent: Cell::new(0) }
    }
}

impl Transport for JsTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let number = self.sent.get();
        self.sent.set(number.wrapping_add(1));
        let channel = self.channel.clone();
        let mut pending = PendingFetch { number, fetch: Rc::clone(&self.fetch), done: false };
        Box::pin(async move {
            let sent = match start(&pending.fetch, number, request, channel)? {
                Ok(sent) => sent.await,
                Err(thrown) => Err(thrown),
            };
            pending.finish();
            incoming(sent.map_err(|thrown| fetch_failed(&reason(&thrown)))?.unchecked_ref())
        })
    }
}

/// A request without a response. Dropping it aborts the `fetch`.
struct PendingFetch {
    number: u32,
    fetch: Rc<Function>,
    done: bool,
}

impl PendingFetch {
    /// A method, because `done` alone would be copied into the async block.
    fn finish(&mut self) {
        self.done = true;
    }
}

impl Drop for PendingFetch {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.fetch.call2(&JsValue::UNDEFINED, &self.number.into(), &JsValue::NULL);
        }
    }
}

/// Calls the function with a request.
fn start(
    fetch: &Function,
    number: u32,
    request: HttpRequest,
    channel: CompletionChannel,
) -> Result<Result<Waiting, JsValue>> {
    let FetchParts { head, text, bytes, stream } = FetchParts::new(request)?;
    let bytes = bytes.map(|bytes| Uint8Array::from(bytes.as_ref()));
    let stream = stream.map(|items| NativeStream::new(items, channel));
    let (sent, started) = Waiting::new(|waiting, stamp| {
        host::with(|host| host.send(fetch, number, &head, text.as_deref(), bytes, stream, waiting, stamp))
    });
    Ok(started.map(|()| sent))
}

fn incoming(response: &NativeResponse) -> Result<HttpResponse> {
    if let Some(reason) = response.failure() {
        return Err(fetch_failure(reason, response.raised(), response.never_sent()));
    }
    let headers = headers(&response.headers());
    let body: Box<dyn BodySource> = match response.bytes() {
        Some(bytes) => Box::new(Bytes::from(bytes.to_vec())),
        None => {
            let length = header(&headers, "content-length").and_then(|length| length.parse().ok());
            Box::new(Body {
                // The length of a compressed body says nothing about what it contains.
                length: length.filter(|_| header(&headers, "content-encoding").is_none()),
                whole: response.whole(),
                reading: Reading::new(Pull::new(response.pull()), 0),
            })
        }
    };
    Ok(HttpResponse::new(response.status(), headers, body))
}

/// An unread body: one promise for the whole, or one per chunk.
struct Body {
    length: Option<u64>,
    whole: Option<Function>,
    /// Dropping it before its end cancels the request.
    reading: Reading,
}

impl BodySource for Body {
    fn bytes(self: Box<Self>, limit: u64) -> BoxFuture<'static, Result<Bytes>> {
        // JavaScript buffers a whole body without limit, so its length must be known.
        let known = self.length.is_some_and(|length| length <= limit);
        let Some(whole) = self.whole.as_ref().filter(|_| known).cloned() else {
            return Box::new(StreamBody(self.stream())).bytes(limit);
        };
        let mut reading = self.reading;
        Box::pin(async move {
            let bytes = match whole.call0(&JsValue::UNDEFINED) {
                Ok(promise) => Waiting::on(&Promise::resolve(&promise)).await,
                Err(thrown) => Err(thrown),
            };
            reading.finish();
            bytes.map(|bytes| to_bytes(&bytes)).map_err(|thrown| fetch_failed(&reason(&thrown)))
        })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        source::read(self.reading, fetch_failed)
    }
}
