//! The events of a prediction.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::Stream;

use crate::{error::Result, files::output::FileOutput, platform::BoxStream, value::Value};

/// One event of a prediction.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut events = client.predictions().stream("4b2q8m").await?;
/// while let Some(event) = events.try_next().await? {
///     match event.event.as_str() {
///         "output" => print!("{}", event.data),
///         "logs" => eprint!("{}", event.data),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The name: `output`, `logs`, `error`, `done`, or one that is newer than this crate.
    pub event: String,
    /// The text.
    pub data: String,
    /// The id, if the server set one.
    pub id: Option<String>,
    /// The reconnection time that the server set, in milliseconds.
    pub retry: Option<u64>,
    /// The file, if the output is one and `use_file_output` is on.
    pub file: Option<FileOutput>,
}

impl fmt::Display for Event {
    /// Writes the text of an `output` event and nothing for others, so that printing all events prints the output.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.event == "output" { f.write_str(&self.data) } else { Ok(()) }
    }
}

/// The events of a prediction. Ends after `done`.
///
/// Dropping it closes the connection, and cancels the prediction if [`Client::stream`](crate::Client::stream) created
/// it (see [`OnAbandon`](crate::OnAbandon)).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut events = client.stream("acme/text", replicant::json!({"prompt": "Sing."})).await?;
/// while let Some(event) = events.try_next().await? {
///     print!("{event}");
/// }
/// # Ok(()) }
/// ```
pub struct EventStream {
    events: BoxStream<'static, Result<Event>>,
    prediction: Value,
}

impl EventStream {
    pub(crate) fn new(prediction: Value, events: BoxStream<'static, Result<Event>>) -> Self {
        Self { events, prediction }
    }

    /// Returns the prediction as it was when the stream began.
    pub fn prediction(&self) -> &Value {
        &self.prediction
    }

    /// Returns a stream of the output text alone.
    pub fn text(self) -> TextStream {
        TextStream { events: self }
    }
}

/// The output text of a prediction, piece by piece; see [`EventStream::text`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut text = client.stream("acme/text", replicant::json!({"prompt": "Sing."})).await?.text();
/// while let Some(piece) = text.try_next().await? {
///     print!("{piece}");
/// }
/// println!("({})", text.prediction()["id"]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TextStream {
    events: EventStream,
}

impl TextStream {
    /// Returns the prediction as it was when the stream began.
    pub fn prediction(&self) -> &Value {
        self.events.prediction()
    }
}

impl Stream for TextStream {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.events).poll_next(cx)) {
                Some(Ok(event)) if event.event == "output" => return Poll::Ready(Some(Ok(event.data))),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Stream for EventStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("prediction", &self.prediction["id"]).finish_non_exhaustive()
    }
}
