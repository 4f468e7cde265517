//! Streams the events of an existing prediction.

use std::{fmt, future::IntoFuture};

use super::{event_reader::read_events, events::EventStream, wait::OfPrediction};
use crate::{
    client::{Client, call::request_options},
    error::Result,
    http::request::RequestOptions,
    platform::BoxFuture,
};

/// A call that opens the event stream of a prediction. See
/// [`Predictions::stream`](crate::resources::predictions::Predictions::stream).
///
/// # Errors
/// The errors of a [`Call`](crate::Call), and [`ErrorKind::StreamUnsupported`](crate::ErrorKind::StreamUnsupported) if the
/// model has no event stream.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let text = client.predictions().stream("4b2q8m").max_retries(8).await?.text();
/// println!("{}", text.try_collect::<String>().await?);
/// # Ok(()) }
/// ```
#[must_use = "requests are sent when this is awaited"]
pub struct StreamPrediction {
    client: Client,
    of: OfPrediction,
    options: RequestOptions,
}

impl StreamPrediction {
    pub(crate) fn new(client: &Client, of: OfPrediction, options: RequestOptions) -> Self {
        Self { client: client.clone(), of, options }
    }

    /// Sets whether files in the output become [`FileOutput`](crate::FileOutput)s rather than strings.
    pub fn use_file_output(mut self, use_file_output: bool) -> Self {
        self.of.use_file_output = Some(use_file_output);
        self
    }

    request_options!();

    pub(crate) async fn open(self) -> Result<EventStream> {
        let Self { client, of, options } = self;
        let prediction = of.known(&client, &options).await?;
        let events = read_events(&client, &prediction, of.files(&client), options)?;
        Ok(EventStream::new(prediction.into_value(), events))
    }
}

impl IntoFuture for StreamPrediction {
    type Output = Result<EventStream>;
    type IntoFuture = BoxFuture<'static, Result<EventStream>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for StreamPrediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamPrediction").field("options", &self.options).finish_non_exhaustive()
    }
}
