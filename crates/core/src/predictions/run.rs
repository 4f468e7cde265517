//! Runs a model: creates a prediction, polls it and returns the output.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use tracing::Instrument;

use super::{
    cancel_guard::CancelGuard,
    options::PreferWait,
    output::Output,
    poll::Polling,
    run_request::{RunRequest, run_request_options},
    run_span::RunSpan,
    snapshot::Snapshot,
    stream_run::StreamRun,
};
use crate::{
    client::{
        Client,
        call::Work,
        response::{Payload, Reply},
    },
    error::Result,
    files::upload_progress::UploadObserver,
    http::request::RequestOptions,
    identifier::ReferenceParam,
    platform::{BoxFuture, MaybeSend, MaybeSync},
    value::{Observer, Value},
};

/// A run of a model; see [`Client::run`].
///
/// Awaiting it creates a prediction, polls it until it has ended and returns its [`Output`]. Dropping the future
/// cancels the prediction in the background; await [`background::drain`](crate::background::drain) before the program ends.
/// See [`OnAbandon`](crate::OnAbandon).
///
/// # Errors
/// - The errors of a [`CreatePrediction`](crate::CreatePrediction).
/// - [`ErrorKind::PredictionFailed`](crate::ErrorKind::PredictionFailed),
///   [`ErrorKind::PredictionCanceled`](crate::ErrorKind::PredictionCanceled) or
///   [`ErrorKind::PredictionAborted`](crate::ErrorKind::PredictionAborted): the prediction did not succeed.
/// - [`ErrorKind::Deadline`](crate::ErrorKind::Deadline): the timeout passed.
///
/// # Panics
/// Panics outside a tokio runtime, unless the client has its own [`Options::runtime`](crate::Options::runtime) and
/// [`Options::transport`](crate::Options::transport).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::time::Duration;
///
/// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
/// let output = run.timeout(Duration::from_secs(120)).webhook("https://example.com/hook").await?;
/// # Ok(()) }
/// ```
#[must_use = "a model is run when this is awaited"]
#[derive(Clone)]
pub struct Run {
    pub(super) request: RunRequest,
    pub(super) detailed: bool,
    pub(super) live: bool,
    pub(super) report_uploads: bool,
    pub(super) observer: Option<Observer>,
}

/// The output of a run, and the prediction with its id, logs and metrics.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
/// let outcome = run.detailed().await?;
/// println!("{} took {} s", outcome.prediction["id"], outcome.prediction["metrics"]["predict_time"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunOutcome {
    /// The output.
    pub output: Output,
    /// The prediction as last polled. [`Value::decode`] makes it a [`Prediction`](crate::Prediction).
    pub prediction: Value,
}

impl Client {
    /// Runs a model and returns its output.
    ///
    /// `reference` is `owner/name` for an official model, `owner/name:version`, a version id, or
    /// `deployments/owner/name`.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    /// use replicant::json;
    ///
    /// let output = client
    ///     .run("meta/meta-llama-3-8b-instruct", json!({"prompt": "Name a bird."}))
    ///     .timeout(Duration::from_secs(60))
    ///     .await?;
    /// println!("{}", output.text());
    /// # Ok(()) }
    /// ```
    pub fn run(&self, reference: impl AsRef<str>, input: impl Into<Value>) -> Run {
        let request =
            RunRequest::new(self, ReferenceParam::Text(reference.as_ref().to_owned()), input.into());
        Run { request, detailed: false, live: false, report_uploads: false, observer: None }
    }

    /// Runs a model and streams its events: for a language model, the text as it is written.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut events = client.stream("meta/meta-llama-3-8b-instruct", replicant::json!({"prompt": "Sing."})).await?;
    /// while let Some(event) = events.try_next().await? {
    ///     print!("{event}");
    ///     std::io::Write::flush(&mut std::io::stdout()).ok();
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(&self, reference: impl AsRef<str>, input: impl Into<Value>) -> StreamRun {
        let reference = ReferenceParam::Text(reference.as_ref().to_owned());
        StreamRun { request: RunRequest::new(self, reference, input.into()) }
    }
}

impl Run {
    run_request_options!();

    /// Sets the time between polls. Defaults to the interval of the client, otherwise adaptive.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.request.run.interval = Some(interval);
        self
    }

    /// Sets an observer that receives the prediction after each poll.
    pub fn observe(mut self, observer: impl Fn(Value) + MaybeSend + MaybeSync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Runs the model and returns the prediction in addition to the output.
    ///
    /// # Errors
    /// The same as when the run is awaited.
    pub async fn detailed(self) -> Result<RunOutcome> {
        let prediction = self.ended(self.request.traced()).await?;
        let output = self.request.with_files(prediction["output"].clone());
        let output = Output::new(&self.request.client, output);
        Ok(RunOutcome { output, prediction: prediction.into_value() })
    }

    pub(super) async fn output(self) -> Result<Value> {
        let ended = self.ended(self.request.traced()).await?;
        Ok(self.request.with_files(ended.into_output()))
    }

    fn report(&self, prediction: &Snapshot) {
        if let Some(observer) = &self.observer {
            observer(prediction.clone().into_value());
        }
    }

    /// Returns the prediction once it has succeeded.
    pub(super) async fn ended(&self, span: RunSpan) -> Result<Snapshot> {
        // Boxed to keep the future small: each wrapper would otherwise embed it by value.
        let work = Box::pin(async {
            let guard = self.request.guard();
            self.request.limited(&guard, Box::pin(self.finish(&guard))).await
        });
        let result = work.instrument(span.span()).await;
        span.ended(result, |prediction| prediction)
    }

    async fn finish(&self, guard: &CancelGuard) -> Result<Snapshot> {
        let client = &self.request.client;
        let started = Some(client.runtime().monotonic());
        let timeout = self.request.run.timeout.into_iter().chain(self.request.request_timeout()).min();
        let hold = self.request.create_options.hold(PreferWait::short(timeout))?;
        let (created, deadline) = self.request.create(guard, hold).await?;
        self.report(&created);
        let ended_at_once = created.is_terminal();
        let polling = Polling {
            at_once: hold != PreferWait::None && created.has_output(),
            started,
            ..self.request.polling(deadline, Some(guard.observing(self.observer.clone())))
        };
        let ended = client.poll(created, &polling).await?;
        guard.disarm();
        if ended_at_once {
            // As the official client does, report a prediction that ended with its create twice.
            self.report(&ended);
        }
        client.check_output(ended)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("request", &self.request).finish_non_exhaustive()
    }
}

impl IntoFuture for Run {
    type Output = Result<Output>;
    type IntoFuture = BoxFuture<'static, Result<Output>>;

    fn into_future(self) -> Self::IntoFuture {
        let client = self.request.client.clone();
        Box::pin(async move { Ok(Output::new(&client, self.output().await?)) })
    }
}

impl Work for Run {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.request.options
    }

    fn set_observer(&mut self, observer: Observer) {
        if self.report_uploads {
            self.request.uploads = UploadObserver::from_values(observer.clone());
        }
        self.observer = Some(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move {
            if !self.detailed {
                return Ok(Reply::of(self.output().await?));
            }
            let RunOutcome { output, prediction } = self.detailed().await?;
            Ok(Reply::of(Value::from_members([("output", output.into_value()), ("prediction", prediction)])))
        })
    }

    fn call_as_text(self) -> BoxFuture<'static, Result<Reply<Payload>>> {
        Box::pin(async move {
            if self.live {
                return Ok(Reply::of(self.started().await?));
            }
            self.reply().await?.map(|value| Ok(Payload::Value(value)))
        })
    }
}
