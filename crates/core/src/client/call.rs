//! A call that is described and not yet sent.

use std::{marker::PhantomData, time::Duration};

use serde::de::DeserializeOwned;

use super::{
    Client,
    response::{Answer, Expect, Reply},
};
use crate::{
    error::Result,
    http::request::{Request, RequestOptions},
    platform::{BoxFuture, MaybeSend},
    value::{Observer, Value},
};

/// Work that an operation describes: how every entry of the operation table is run.
pub(crate) trait Work: Sized {
    /// The per-request options.
    fn options_mut(&mut self) -> &mut RequestOptions;

    /// Who is told on the way; ignored where nothing happens on the way.
    fn set_observer(&mut self, _observer: Observer) {}

    /// Does it and keeps the answer as it came.
    fn reply(self) -> BoxFuture<'static, Result<Reply>>;

    /// The same, with the API's JSON as text where nobody has to look into it.
    fn answer(self) -> BoxFuture<'static, Result<Reply<Answer>>> {
        let reply = self.reply();
        Box::pin(async move { reply.await?.map(|value| Ok(Answer::Value(value))) })
    }
}

/// A call of one endpoint: set what it needs, then `.await` it.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an id or header that cannot be sent;
/// the kind that belongs to the status for an answer that is no success, such as
/// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound); [`ErrorKind::Connection`](crate::ErrorKind::Connection) and
/// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) after the retries allowed, or, where the call makes
/// something, [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) without any.
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
    answer: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    pub(crate) fn new(client: &Client, request: Result<Request>) -> Self {
        Self::expecting(client, request, Expect::Json)
    }

    pub(crate) fn expecting(client: &Client, request: Result<Request>, expect: Expect) -> Self {
        Self {
            client: client.clone(),
            request,
            expect,
            options: RequestOptions::default(),
            answer: PhantomData,
        }
    }

    pub(crate) fn into_request(self) -> Result<Request> {
        Ok(self.request?.options(self.options))
    }
}

/// The builder methods that every kind of call has, over a field `options` or the one given.
macro_rules! request_options {
    () => {
        $crate::client::call::request_options!(options);
    };
    ($($field:ident).+) => {
        /// How long one attempt may take, instead of the client's `timeout`.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// use std::time::Duration;
        ///
        /// let list = client.predictions().list().request_timeout(Duration::from_secs(5));
        /// println!("{}", list.await?.results.len());
        /// # Ok(()) }
        /// ```
        pub fn request_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.$($field).+.timeout = Some(timeout);
            self
        }

        /// How often the request is repeated at most, instead of the client's `max_retries`.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// // Fails at once where the client would try again.
        /// let account = client.account().max_retries(0).await?;
        /// # Ok(()) }
        /// ```
        pub fn max_retries(mut self, max_retries: u32) -> Self {
            self.$($field).+.max_retries = Some(max_retries);
            self
        }

        /// A further header, sent to the API only.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// let account = client.account().header("x-trace", "4bf92f35").await?;
        /// # Ok(()) }
        /// ```
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.$($field).+.headers.insert(name.into(), value.into());
            self
        }
    };
}
pub(crate) use request_options;

/// How every builder that sends one request is awaited, for its answer alone or with all that came with it.
macro_rules! answers {
    ([$($generics:tt)*] $builder:ty => $answer:ty) => {
        impl<$($generics)*> $builder {
            /// Sends it and gives status and headers beside the answer.
            ///
            /// # Errors
            /// As awaiting it.
            ///
            /// ```no_run
            /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
            /// let create = client.predictions().create("acme/painter", replicant::json!({"prompt": "a heron"}));
            /// let reply = create.with_response().await?;
            /// let id = reply.headers.iter().find(|(name, _)| name == "x-request-id");
            /// println!("{} {} {id:?}", reply.status, reply.value.id);
            /// # Ok(()) }
            /// ```
            pub async fn with_response(self) -> $crate::error::Result<$crate::client::response::Reply<$answer>> {
                $crate::client::call::Work::reply(self).await?.map($crate::error::decode)
            }
        }

        impl<$($generics)*> std::future::IntoFuture for $builder {
            type Output = $crate::error::Result<$answer>;
            type IntoFuture = $crate::platform::BoxFuture<'static, $crate::error::Result<$answer>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async move { Ok(self.with_response().await?.value) })
            }
        }
    };
}
pub(crate) use answers;

impl<T> Call<T> {
    request_options!();

    /// How long one attempt may take, instead of the client's `timeout`.
    ///
    /// For a request that the server holds on purpose, that time is added.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    ///
    /// let account = client.account().timeout(Duration::from_secs(5)).await?;
    /// # Ok(()) }
    /// ```
    pub fn timeout(self, timeout: Duration) -> Self {
        self.request_timeout(timeout)
    }
}

impl<T: 'static> Work for Call<T> {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        let (client, expect) = (self.client.clone(), self.expect);
        Box::pin(async move { client.send(&self.into_request()?, expect).await })
    }

    fn answer(self) -> BoxFuture<'static, Result<Reply<Answer>>> {
        let (client, expect) = (self.client.clone(), self.expect);
        Box::pin(async move { client.send_as_text(&self.into_request()?, expect).await })
    }
}

answers!([T: DeserializeOwned + MaybeSend + 'static] Call<T> => T);

/// An answer that is there already.
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
