//! The events of a prediction.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::Stream;

use crate::{
    error::Result,
    files::output::FileOutput,
    platform::{BoxStream, Exclusive},
    value::Value,
};

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
    /// Name: `output`, `logs`, `error`, `done`, or another one that the API may add.
    pub event: String,
    /// Text.
    pub data: String,
    /// Id, if the server set one.
    pub id: Option<String>,
    /// Reconnection time in milliseconds, if the server set one.
    pub retry: Option<u64>,
    /// File output, if the output is a file and `use_file_output` is on.
    pub file: Option<FileOutput>,
}

impl fmt::Display for Event {
    /// Writes the text of an `output` event, and nothing for others: printing all events prints the output.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.event == "output" { f.write_str(&self.data) } else { Ok(()) }
    }
}

/// The events of a prediction, as a stream that ends after `done`.
///
/// Dropping the stream closes the connection. If [`Client::stream`](crate::Client::stream) created the prediction,
/// it also cancels the prediction; see [`OnAbandon`](crate::OnAbandon).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut events = client.stream("acme/text", replicant::json!({"prompt": "Sing."})).await?;
/// while let Some(event) = events.try_next().await? {
///     print!("{event}");
///     std::io::Write::flush(&mut std::io::stdout()).ok();
/// }
/// # Ok(()) }
/// ```
pub struct EventStream {
    events: Exclusive<BoxStream<'static, Result<Event>>>,
    prediction: Value,
}

impl EventStream {
    pub(crate) fn new(prediction: Value, events: BoxStream<'static, Result<Event>>) -> Self {
        Self { events: Exclusive::new(events), prediction }
    }

    /// Returns the prediction as it was when the stream started. [`Value::decode`] makes a copy of it a
    /// [`Prediction`](crate::Prediction).
    pub fn prediction(&self) -> &Value {
        &self.prediction
    }

    /// Returns a stream of only the output text.
    pub fn text(self) -> TextStream {
        TextStream { events: self }
    }
}

/// The output text of a prediction, as a stream of chunks; see [`EventStream::text`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut text = client.stream("acme/text", replicant::json!({"prompt": "Sing."})).await?.text();
/// while let Some(chunk) = text.try_next().await? {
///     print!("{chunk}");
///     std::io::Write::flush(&mut std::io::stdout()).ok();
/// }
/// println!("({})", text.prediction()["id"]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TextStream {
    events: EventStream,
}

impl TextStream {
    /// Returns the prediction as it was when the stream started.
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
        self.events.get_mut().as_mut().poll_next(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("prediction", &self.prediction["id"]).finish_non_exhaustive()
    }
}
