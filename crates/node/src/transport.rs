//! A transport that sends requests with a JavaScript `fetch`; `node/src/fetch-transport.ts` is the other half. Retries,
//! timeouts and redirects stay in the core.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use napi::{
    bindgen_prelude::{Buffer, Either, FnArgs, Null, Promise},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use replicant::{
    BoxFuture, Result,
    transport::{HttpRequest, HttpResponse, StreamBody, Transport},
};
use replicant_javascript::{FetchParts, fetch_failed, fetch_failure, headers};

use crate::{
    promises::CompletionChannel,
    source::{self, Pull},
    stream::NativeStream,
};

/// A request for `fetch` to send.
#[napi(object, object_from_js = false)]
pub struct FetchRequest {
    /// The method, the URL and the headers, a line each.
    pub head: String,
    /// A body that is JSON or text.
    pub text: Option<String>,
    /// Another body.
    pub bytes: Option<Buffer>,
    /// A streamed body.
    pub stream: Option<NativeStream>,
}

/// The response to a request, or why there is none.
#[napi(object, object_to_js = false)]
pub struct FetchResponse {
    pub status: u32,
    /// The name of a header in lower case, its value, the next name: a line each.
    pub headers: String,
    pub pull: Pull,
    /// Why there is no response.
    pub failure: Option<String>,
    /// With a failure: no byte of the request reached the server.
    pub never_sent: Option<bool>,
    /// With a failure: the function itself threw, so the caller gets its exception.
    pub raised: Option<bool>,
}

/// Sends a request; `null` aborts the request with that number.
pub(crate) type Fetch = ThreadsafeFunction<
    FnArgs<(u32, Either<FetchRequest, Null>)>,
    Promise<FetchResponse>,
    FnArgs<(u32, Either<FetchRequest, Null>)>,
    napi::Status,
    false,
    true,
>;

/// A transport over a JavaScript function.
pub(crate) struct JsTransport {
    fetch: Arc<Fetch>,
    channel: CompletionChannel,
    sent: AtomicU32,
}

impl JsTransport {
    pub(crate) fn new(fetch: Fetch, channel: CompletionChannel) -> Self {
        Self { fetch: Arc::new(fetch), channel, sent: AtomicU32::new(0) }
    }
}

impl Transport for JsTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let channel = self.channel.clone();
        let mut pending = PendingFetch { number, fetch: Arc::clone(&self.fetch), done: false };
        Box::pin(async move {
            let sent = pending
                .fetch
                .call_async_catch(FnArgs::from((number, Either::A(outgoing(request, channel)?))))
                .await;
            let response = match sent {
                Ok(promise) => promise.await,
                Err(error) => Err(error),
            };
            pending.finish();
            incoming(response.map_err(|error| fetch_failed(&error.reason))?)
        })
    }
}

/// A request without a response. Dropping it aborts the `fetch`.
struct PendingFetch {
    number: u32,
    fetch: Arc<Fetch>,
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
            let abort = FnArgs::from((self.number, Either::B(Null)));
            self.fetch.call(abort, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

fn outgoing(request: HttpRequest, channel: CompletionChannel) -> Result<FetchRequest> {
    let FetchParts { head, text, bytes, stream } = FetchParts::new(request)?;
    let bytes = bytes.map(|bytes| Vec::from(bytes).into());
    Ok(FetchRequest { head, text, bytes, stream: stream.map(|items| NativeStream::new(items, channel)) })
}

fn incoming(response: FetchResponse) -> Result<HttpResponse> {
    if let Some(reason) = response.failure {
        return Err(fetch_failure(reason, response.raised, response.never_sent));
    }
    Ok(HttpResponse::new(
        u16::try_from(response.status).unwrap_or_default(),
        headers(&response.headers),
        Box::new(StreamBody(source::read(Arc::new(response.pull), 0, fetch_failed))),
    ))
}
