//! A transport that sends requests with a JavaScript `fetch`; `node/src/fetch-transport.ts` is the other half. Retries,
//! timeouts and redirects stay in the core.

use std::{cell::Cell, rc::Rc};

use bytes::Bytes;
use futures_util::TryStreamExt;
use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use replicant::{
    BoxFuture, BoxStream, Error, ErrorKind, Item, Result,
    transport::{BodySource, HttpBody, HttpRequest, HttpResponse, StreamBody, Transport},
};
use replicant_javascript::{headers, pairs};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::{
    error::reason,
    object::{property, text, to_bytes},
    promises::CompletionChannel,
    source::{self, Pull},
    stream::NativeStream,
};

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
            let request = outgoing(request, channel)?;
            let sent = pending.fetch.call2(&JsValue::UNDEFINED, &number.into(), &request);
            let response = match sent {
                Ok(promise) => JsFuture::from(Promise::resolve(&promise)).await,
                Err(thrown) => Err(thrown),
            };
            pending.finish();
            incoming(&response.map_err(|thrown| failed(&reason(&thrown)))?)
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

fn outgoing(request: HttpRequest, channel: CompletionChannel) -> Result<JsValue> {
    let HttpRequest { method, url, mut headers, body } = request;
    let object = Object::new();
    let set = |name: &str, value: JsValue| {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value);
    };
    match body {
        HttpBody::Empty => {}
        HttpBody::Bytes(bytes) => set("bytes", Uint8Array::from(bytes.as_ref()).into()),
        HttpBody::Stream { length, chunks } => {
            headers.extend(length.map(|length| ("content-length".to_owned(), length.to_string())));
            set("stream", NativeStream::new(Box::pin(chunks.map_ok(Item::Bytes)), channel).into());
        }
    }
    set("method", method.into());
    set("url", String::from(url).into());
    set("headers", pairs(headers)?.into());
    Ok(object.into())
}

fn incoming(response: &JsValue) -> Result<HttpResponse> {
    let is = |name: &str| property(response, name).is_some_and(|value| value.is_truthy());
    if let Some(reason) = text(response, "failure") {
        if is("raised") {
            return Err(Error::new(ErrorKind::Internal, reason));
        }
        let error = failed(&reason);
        return Err(if is("neverSent") { error.with_never_sent() } else { error });
    }
    let headers = headers(&text(response, "headers").unwrap_or_default())?;
    let status = property(response, "status").and_then(|status| status.as_f64()).unwrap_or_default();
    let whole = property(response, "whole").and_then(|whole| whole.dyn_into().ok());
    let length = header(&headers, "content-length").and_then(|length| length.parse().ok());
    let body = Body {
        // The length of a compressed body says nothing about what it contains.
        length: length.filter(|_| header(&headers, "content-encoding").is_none()),
        whole,
        cancel: property(response, "cancel").and_then(|cancel| cancel.dyn_into().ok()),
        pull: Pull::of(response)?,
    };
    Ok(HttpResponse { status: status as u16, headers, body: Box::new(body) })
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// An unread body: one promise for the whole, or one per chunk.
struct Body {
    length: Option<u64>,
    whole: Option<Function>,
    cancel: Option<Function>,
    pull: Pull,
}

impl BodySource for Body {
    fn bytes(self: Box<Self>, limit: u64) -> BoxFuture<'static, Result<Bytes>> {
        // JavaScript buffers a whole body without limit, so its length must be known.
        let known = self.length.is_some_and(|length| length <= limit);
        let Some(whole) = self.whole.as_ref().filter(|_| known).cloned() else {
            return Box::new(StreamBody(self.stream())).bytes(limit);
        };
        let mut unread = Unread(self.cancel);
        Box::pin(async move {
            let bytes = match whole.call0(&JsValue::UNDEFINED) {
                Ok(promise) => JsFuture::from(Promise::resolve(&promise)).await,
                Err(thrown) => Err(thrown),
            };
            unread.finish();
            bytes.map(|bytes| to_bytes(&bytes)).map_err(|thrown| failed(&reason(&thrown)))
        })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        source::read(self.pull, 0, failed)
    }
}

/// A body that is being read as a whole. Dropping it cancels the request.
struct Unread(Option<Function>);

impl Unread {
    fn finish(&mut self) {
        self.0 = None;
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(cancel) = &self.0 {
            let _ = cancel.call0(&JsValue::UNDEFINED);
        }
    }
}

fn failed(reason: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("`fetch` failed: {reason}"))
}
