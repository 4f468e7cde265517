//! Calls: requests that are sent when awaited.

use std::{fmt, marker::PhantomData, time::Duration};

use serde::de::DeserializeOwned;

use super::{
    Client,
    response::{Expect, Payload, Reply},
};
use crate::{
    error::Result,
    http::request::{Request, RequestOptions},
    platform::{BoxFuture, MaybeSend},
    value::{Observer, Value},
};

/// A call of the operation table: options, an observer, and its execution.
pub(crate) trait Work: Sized {
    /// Returns the request options.
    fn options_mut(&mut self) -> &mut RequestOptions;

    /// Sets the observer. Ignored by calls that report no progress.
    fn set_observer(&mut self, _observer: Observer) {}

    /// Executes the call and returns its result as a [`Value`].
    fn reply(self) -> BoxFuture<'static, Result<Reply>>;

    /// Like [`Work::reply`], but returns unprocessed JSON as text.
    fn call_as_text(self) -> BoxFuture<'static, Result<Reply<Payload>>> {
        let reply = self.reply();
        Box::pin(async move { reply.await?.map(|value| Ok(Payload::Value(value))) })
    }
}

/// A call of one endpoint. The request is sent when the call is awaited.
///
/// # Panics
/// Panics outside a tokio runtime, unless the client has its own [`Options::runtime`](crate::Options::runtime) and
/// [`Options::transport`](crate::Options::transport).
///
/// # Errors
/// - [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument): an id or header is invalid.
/// - The kind of an unsuccessful status, such as [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
/// - [`ErrorKind::Connection`](crate::ErrorKind::Connection) or
///   [`ErrorKind::Timeout`](crate::ErrorKind::Timeout): all attempts failed.
/// - [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): a request that creates something was
///   sent but no response arrived. It is not retried.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::time::Duration;
///
/// let prediction = client.predictions().get("4b2q8m").timeout(Duration::from_secs(5)).await?;
/// println!("{:?}", prediction.status);
/// # Ok(()) }
/// ```
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T> {
    pub(crate) client: Client,
    pub(crate) request: Result<Request>,
    pub(crate) expect: Expect,
    options: RequestOptions,
    output: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    pub(crate) fn new(client: &Client, request: Result<Request>) -> Self {
        Self::expecting(client, request, Expect::Object)
    }

    pub(crate) fn expecting(client: &Client, request: Result<Request>, expect: Expect) -> Self {
        Self {
            client: client.clone(),
            request,
            expect,
            options: RequestOptions::default(),
            output: PhantomData,
        }
    }
}

/// Adds the methods that set request options. The options are in the field `options` or the given one.
macro_rules! request_options {
    () => {
        $crate::client::call::request_options!(options);
    };
    ($($field:ident).+) => {
        /// Sets the time limit of each request with all its retries. Defaults to the client's `timeout`.
        pub fn request_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.$($field).+.timeout = Some(timeout);
            self
        }

        /// Sets the maximum number of retries. Defaults to the client's `max_retries`.
        pub fn max_retries(mut self, max_retries: u32) -> Self {
            self.$($field).+.max_retries = Some(max_retries);
            self
        }

        /// Adds a header, which is sent to the API origin only.
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.$($field).+.headers.insert(name.into(), value.into());
            self
        }
    };
}
pub(crate) use request_options;

/// Implements `IntoFuture` and `with_response` for a call that sends one request.
macro_rules! awaitable {
    ([$($generics:tt)*] $builder:ty => $value:ty) => {
        impl<$($generics)*> $builder {
            /// Sends the request and returns the status and the headers in addition to the value.
            ///
            /// # Errors
            /// The same as when the call is awaited.
            pub async fn with_response(self) -> $crate::error::Result<$crate::client::response::Reply<$value>> {
                $crate::client::call::Work::reply(self).await?.map($crate::error::decode)
            }
        }

        impl<$($generics)*> std::future::IntoFuture for $builder {
            type Output = $crate::error::Result<$value>;
            type IntoFuture = $crate::platform::BoxFuture<'static, $crate::error::Result<$value>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async move { Ok(self.with_response().await?.value) })
            }
        }
    };
}
pub(crate) use awaitable;

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T> Call<T> {
    request_options!();

    /// Sets the time limit of the request with all its retries. Defaults to the client's `timeout`.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.request_timeout(timeout)
    }
}

impl<T: 'static> Work for Call<T> {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        send(self.client, self.request, self.options, self.expect)
    }

    fn call_as_text(self) -> BoxFuture<'static, Result<Reply<Payload>>> {
        send_as_text(self.client, self.request, self.options, self.expect)
    }
}

/// Sends a request. Not generic, so that it is compiled once.
fn send(
    client: Client,
    request: Result<Request>,
    options: RequestOptions,
    expect: Expect,
) -> BoxFuture<'static, Result<Reply>> {
    Box::pin(async move { client.send(&request?.options(options), expect).await })
}

/// Like [`send`], but returns JSON as text.
fn send_as_text(
    client: Client,
    request: Result<Request>,
    options: RequestOptions,
    expect: Expect,
) -> BoxFuture<'static, Result<Reply<Payload>>> {
    Box::pin(async move { client.send_as_text(&request?.options(options), expect).await })
}

awaitable!([T: DeserializeOwned + MaybeSend + 'static] Call<T> => T);

/// A call whose result is known without a request.
pub(crate) struct Ready(pub Result<Value>, pub RequestOptions);

impl Ready {
    pub fn new(value: Result<Value>) -> Self {
        Self(value, RequestOptions::default())
    }
}

impl Work for Ready {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.1
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move { Ok(Reply::of(self.0?)) })
    }
}
