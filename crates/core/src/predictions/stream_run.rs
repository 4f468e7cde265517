//! Runs a model and streams its events.

use std::future::IntoFuture;

use futures_util::{TryStreamExt, stream};
use tracing::{Instrument, Span};

use super::{
    cancel_guard::CancelGuard,
    event_reader::{MAX_PARTIAL, read_events},
    events::{Event, EventStream},
    options::PreferWait,
    polled_events,
    run_request::{RunRequest, run_request_options},
    run_span::RunSpan,
    snapshot::Snapshot,
};
use crate::{
    error::{ErrorKind, Result},
    files::upload_progress::UploadObserver,
    http::{deadline::Deadline, request::RequestOptions, time_limit::within},
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
        let created = prediction.clone();
        let events = within_span(span.span(), events);
        let keeps_text = request.timeout.is_some() || span.has_content();
        // Boxed because it is moved in and out for each event.
        let state = Box::new((events, guard, deadline, request, String::new(), span, created));
        let events = stream::try_unfold(state, move |mut state| async move {
            let (events, guard, deadline, request, partial, span, created) = &mut *state;
            let next = match deadline.remaining(request.client.runtime()) {
                None => events.try_next().await,
                Some(left) => match within(request.client.runtime(), left, events.try_next()).await {
                    Some(next) => next,
                    None => {
                        let error = guard.deadline_error(request.timeout.unwrap_or_default());
                        Err(request.client.without_token(error.with_partial(partial.as_str().into())))
                    }
                },
            };
            match &next {
                Ok(Some(Event { event, .. })) if event == "done" => {
                    guard.disarm();
                    span.done(created, partial);
                }
                Err(error) => {
                    if error.kind().ends_prediction() {
                        guard.disarm();
                    }
                    span.end(Err(error));
                }
                Ok(_) => {}
            }
            if let (true, Ok(Some(event))) = (keeps_text, &next)
                && partial.len() < MAX_PARTIAL
            {
                // `Display` writes the output of an event.
                partial.push_str(&event.to_string());
            }
            Ok(next?.map(|event| (event, state)))
        });
        EventStream::new(prediction.into_value(), Box::pin(events))
    }
}

/// Reads events within a span, which the spans of reconnections then belong to.
fn within_span(span: Span, events: Events) -> Events {
    if span.is_disabled() {
        return events;
    }
    Box::pin(stream::try_unfold(events, move |mut events| {
        async move { Ok(events.try_next().await?.map(|event| (event, events))) }.instrument(span.clone())
    }))
}
