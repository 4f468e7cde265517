//! Runs a model and streams its events.

use std::future::IntoFuture;

use tracing::Instrument;

use super::{
    cancel_guard::CancelGuard,
    event_reader::read_events,
    events::{Event, EventStream},
    open_run::OpenRun,
    options::PreferWait,
    polled_events,
    run_request::{RunRequest, run_request_options},
    run_span::RunSpan,
    snapshot::Snapshot,
};
use crate::{
    error::{ErrorKind, Result},
    files::upload_progress::UploadObserver,
    http::{deadline::Deadline, request::RequestOptions},
    platform::{BoxFuture, BoxStream},
};

/// A streamed run of a model; see [`Client::stream`](crate::Client::stream). Awaiting it creates a prediction and
/// returns its [`EventStream`]. Dropping the future or the stream cancels the prediction in the background; await
/// [`background::drain`](crate::background::drain) before the program ends.
///
/// # Errors
/// The errors of a [`CreatePrediction`](crate::CreatePrediction), and [`ErrorKind::StreamUnsupported`]. The stream
/// fails with [`ErrorKind::PredictionFailed`], [`ErrorKind::StreamInterrupted`] or [`ErrorKind::Deadline`];
/// [`Error::partial`](crate::Error::partial) has the output received so far.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let run = client.stream("acme/text", replicant::json!({"prompt": "Sing."}));
/// let text: Vec<String> = run.await?.text().try_collect().await?;
/// # Ok(()) }
/// ```
#[must_use = "a model is run when this is awaited"]
#[derive(Debug, Clone)]
pub struct StreamRun {
    pub(super) request: RunRequest,
}

impl StreamRun {
    run_request_options!();

    /// Polls the output of a model that has no event stream, and yields it as `output` events. Without this option,
    /// such a model fails with [`ErrorKind::StreamUnsupported`].
    pub fn poll_output(mut self) -> Self {
        self.request.poll_output = true;
        self
    }

    pub(crate) fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.request.options
    }

    pub(crate) fn observe_uploads(&mut self, uploads: UploadObserver) {
        self.request.uploads = uploads;
    }
}

impl IntoFuture for StreamRun {
    type Output = Result<EventStream>;
    type IntoFuture = BoxFuture<'static, Result<EventStream>>;

    fn into_future(self) -> Self::IntoFuture {
        let request = self.request;
        Box::pin(async move {
            let mut span = request.traced();
            let opened = Opened::new(request).instrument(span.span()).await;
            Ok(opened.inspect_err(|error| span.end(Err(error)))?.into_stream(span))
        })
    }
}

type Events = BoxStream<'static, Result<Event>>;

/// A run whose prediction is created and whose events are read.
struct Opened {
    request: RunRequest,
    guard: CancelGuard,
    deadline: Deadline,
    prediction: Snapshot,
    events: Events,
}

impl Opened {
    async fn new(mut request: RunRequest) -> Result<Self> {
        let guard = request.guard();
        // As the official clients do: older servers and recorded responses have a stream only on request.
        request.create_options.stream.get_or_insert(true);
        let hold = request.create_options.hold(PreferWait::None)?;
        let (prediction, deadline) = request.limited(&guard, request.create(&guard, hold)).await?;
        let options = request.options.clone();
        let events = match read_events(&request.client, &prediction, request.use_file_output(), options) {
            Err(error) if request.poll_output && error.kind() == ErrorKind::StreamUnsupported => {
                let polling = request.polling(deadline, None);
                polled_events::events(&request.client, prediction.clone(), polling, request.use_file_output())
            }
            events => events?,
        };
        guard.record_end(&prediction);
        Ok(Self { request, guard, deadline, prediction, events })
    }

    fn into_stream(self, span: RunSpan) -> EventStream {
        let span = span.of_stream();
        let Self { request, guard, deadline, prediction, events } = self;
        let (client, timeout) = (request.client, request.run.timeout);
        let run = OpenRun { client, guard, span, deadline, timeout, partial: String::new() };
        EventStream::new(prediction.into_value(), run.read(events, |event| event.event == "done"))
    }
}
