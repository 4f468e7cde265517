//! The events of a handle.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::Stream;

use super::{cursor::HandleCursor, handle_change::HandleEvent, watch::Watch};
use crate::{
    client::{Client, call::request_options},
    error::{Error, ErrorKind, Result},
    http::request::RequestOptions,
    platform::{BoxStream, Exclusive},
    value::Value,
};

/// The changes of a prediction, as a stream that ends after [`HandleChange::End`](crate::HandleChange::End); see
/// [`Handle::events`](crate::Handle::events).
///
/// Requests are sent while the stream is polled. Dropping it has no effect on the prediction. A failed prediction is
/// not an error here. Failed requests are retried for up to five minutes.
///
/// ```no_run
/// # async fn example(client: replicant::Client, cursor: replicant::HandleCursor) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut events = client.handle("4b2q8m").events().since(cursor);
/// while let Some(event) = events.try_next().await? {
///     println!("{:?}", event.change);
/// }
/// # Ok(()) }
/// ```
#[must_use = "requests are sent while the stream is polled"]
pub struct HandleEvents {
    client: Client,
    params: Watch,
    options: RequestOptions,
    events: Option<Exclusive<BoxStream<'static, Result<Value>>>>,
}

impl HandleEvents {
    pub(super) fn of(client: &Client, id: String) -> Self {
        let params = Watch { id, ..Watch::default() };
        Self { client: client.clone(), params, options: RequestOptions::default(), events: None }
    }

    /// Continues after the event that has this cursor. Must be called before the first event is requested.
    pub fn since(mut self, cursor: HandleCursor) -> Self {
        self.params.since = Some(cursor);
        self
    }

    /// Sets the time between polls. Defaults to the interval of the client, otherwise 0.5 to 5 seconds: the longer
    /// nothing has changed.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.params.interval = Some(interval);
        self
    }

    /// Sets whether files in the output become [`FileOutput`](crate::FileOutput)s rather than strings.
    pub fn use_file_output(mut self, use_file_output: bool) -> Self {
        self.params.use_file_output = Some(use_file_output);
        self
    }

    request_options!();
}

impl fmt::Debug for HandleEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleEvents").field("params", &self.params).finish_non_exhaustive()
    }
}

impl Stream for HandleEvents {
    type Item = Result<HandleEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { client, params, options, events } = &mut *self;
        let events =
            events.get_or_insert_with(|| Exclusive::new(params.clone().watch(client, options.clone())));
        let event = ready!(events.get_mut().as_mut().poll_next(cx));
        Poll::Ready(event.map(|event| {
            let unknown = || Error::new(ErrorKind::Internal, "an event has an unknown form");
            HandleEvent::of(client, event?).ok_or_else(unknown)
        }))
    }
}
