//! HTTP carried by a JavaScript `fetch`, in place of the core's own client. `node/src/fetch.ts` is
//! the other half; retries, waiting and redirects stay in the core.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use futures_util::TryStreamExt;
use napi::{
    bindgen_prelude::{Buffer, Either, FnArgs, Null, Promise},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use replicant::{
    BoxFuture, Error, ErrorKind, Item, Result, Value,
    transport::{HttpBody, HttpRequest, HttpResponse, StreamBody, Transport},
};

use crate::{
    inbox::Inbox,
    source::{self, Pull},
    stream::NativeStream,
    value,
};

/// A request for JavaScript to send.
#[napi(object, object_from_js = false)]
pub struct FetchRequest {
    pub method: String,
    pub url: String,
    /// `[["accept", "..."]]`, as JSON.
    pub headers: String,
    pub bytes: Option<Buffer>,
    /// A body that comes piece by piece.
    pub stream: Option<NativeStream>,
}

/// What JavaScript got for it.
#[napi(object, object_to_js = false)]
pub struct FetchResponse {
    pub status: u32,
    /// As in a request, names in lower case.
    pub headers: String,
    pub pull: Pull,
    /// Why there is no response.
    pub failure: Option<String>,
    /// With a failure: that no byte of the request can have reached the server.
    pub never_sent: Option<bool>,
    /// With a failure: that it is an exception of the function itself, which the caller gets as it is.
    pub raised: Option<bool>,
}

/// Sends a request, or with `null` gives up the one with that number.
pub(crate) type Fetch = ThreadsafeFunction<
    FnArgs<(u32, Either<FetchRequest, Null>)>,
    Promise<FetchResponse>,
    FnArgs<(u32, Either<FetchRequest, Null>)>,
    napi::Status,
    false,
    true,
>;

/// A transport over a function of JavaScript.
pub(crate) struct JsTransport {
    fetch: Arc<Fetch>,
    inbox: Inbox,
    sent: AtomicU32,
}

impl JsTransport {
    pub(crate) fn new(fetch: Fetch, inbox: Inbox) -> Self {
        Self { fetch: Arc::new(fetch), inbox, sent: AtomicU32::new(0) }
    }
}

impl Transport for JsTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let inbox = self.inbox.clone();
        let mut flight = Flight { number, fetch: Arc::clone(&self.fetch), landed: false };
        Box::pin(async move {
            let sent = flight
                .fetch
                .call_async_catch(FnArgs::from((number, Either::A(outgoing(request, inbox)?))))
                .await;
            let answer = match sent {
                Ok(promise) => promise.await,
                Err(error) => Err(error),
            };
            flight.land();
            incoming(answer.map_err(|error| broken(&error.reason))?)
        })
    }
}

/// A request that was sent and not answered. Dropping it aborts the `fetch`.
struct Flight {
    number: u32,
    fetch: Arc<Fetch>,
    landed: bool,
}

impl Flight {
    fn land(&mut self) {
        self.landed = true;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.landed {
            let abandon = FnArgs::from((self.number, Either::B(Null)));
            self.fetch.call(abandon, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

fn outgoing(request: HttpRequest, inbox: Inbox) -> Result<FetchRequest> {
    let HttpRequest { method, url, mut headers, body } = request;
    let (bytes, stream) = match body {
        HttpBody::Empty => (None, None),
        HttpBody::Bytes(bytes) => (Some(Vec::from(bytes).into()), None),
        HttpBody::Stream { length, chunks } => {
            headers.extend(length.map(|length| ("content-length".to_owned(), length.to_string())));
            (None, Some(NativeStream::new(Box::pin(chunks.map_ok(Item::Bytes)), inbox)))
        }
    };
    let pair = |(name, value): (String, String)| Value::Array(vec![name.into(), value.into()]);
    let headers = value::text(&Value::Array(headers.into_iter().map(pair).collect()))?;
    Ok(FetchRequest { method: method.to_owned(), url: url.into(), headers, bytes, stream })
}

fn incoming(response: FetchResponse) -> Result<HttpResponse> {
    if let Some(why) = response.failure {
        if response.raised == Some(true) {
            return Err(Error::new(ErrorKind::Internal, why));
        }
        let error = broken(&why);
        return Err(if response.never_sent == Some(true) { error.with_never_sent() } else { error });
    }
    let headers = Value::from_json(response.headers.as_bytes())?;
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
    Ok(HttpResponse {
        status: u16::try_from(response.status).unwrap_or_default(),
        headers: headers.as_array().unwrap_or_default().iter().filter_map(pair).collect(),
        body: Box::new(StreamBody(source::read(Arc::new(response.pull), 0, broken))),
    })
}

fn broken(why: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("`fetch` failed: {why}"))
}
