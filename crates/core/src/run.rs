//! From a reference to its output: create, wait, hand over.

use std::{
    future::IntoFuture,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::oneshot;

use crate::{
    background,
    call::{Work, request_options},
    client::Client,
    error::{Error, ErrorKind, Result},
    exchange::{Reply, within},
    identifier::Reference,
    platform::{BoxFuture, Observer, Spawner},
    request::{Request, RequestOptions, seconds},
    resources::predictions::{Hold, PredictionOptions, Target, prediction_options},
    stream::{Event, EventStream, PARTIAL, read_events},
    value::{Object, Value},
    wait::{Deadline, OnAbandon, Polling, succeeded},
};

/// Parameters of `run` and `stream` as they come from another language.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RunParams {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    input: Option<Value>,
    #[serde(default, deserialize_with = "seconds")]
    timeout: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    interval: Option<Duration>,
    #[serde(default)]
    use_file_output: Option<bool>,
    #[serde(default)]
    on_abandon: Option<OnAbandon>,
    /// Whether the answer is `{"output", "prediction"}` instead of the output alone.
    #[serde(default)]
    detailed: bool,
    #[serde(flatten)]
    options: PredictionOptions,
    #[serde(flatten)]
    unknown: Object,
}

/// A model about to be run: set what it needs, then `.await` its output.
///
/// Awaiting creates the prediction, waits until it has ended, and gives its output, in which files
/// are [`FileOutput`](crate::FileOutput)s. Dropping the future cancels the prediction.
///
/// # Errors
/// Those of a create; [`ErrorKind::PredictionFailed`], [`ErrorKind::PredictionCanceled`] and
/// [`ErrorKind::PredictionAborted`] when it ends otherwise than well; [`ErrorKind::Deadline`].
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
#[derive(Debug, Clone)]
pub struct Run {
    client: Client,
    target: Result<Target, Arc<Error>>,
    input: Value,
    timeout: Option<Duration>,
    interval: Option<Duration>,
    use_file_output: Option<bool>,
    on_abandon: Option<OnAbandon>,
    detailed: bool,
    pub(crate) prediction: PredictionOptions,
    options: RequestOptions,
    observer: Option<ObserverSlot>,
}

#[derive(Clone)]
struct ObserverSlot(Observer);

impl std::fmt::Debug for ObserverSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

/// What a run came to: its output, and the prediction with its id, logs and metrics.
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
    /// The output, files as [`FileOutput`](crate::FileOutput)s.
    pub output: Value,
    /// The prediction as last seen.
    pub prediction: Value,
}

impl Client {
    /// Runs a model and gives its output.
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
        Run {
            client: self.clone(),
            target: reference.as_ref().parse::<Reference>().map(Target::from).map_err(Arc::new),
            input: input.into(),
            timeout: None,
            interval: None,
            use_file_output: None,
            on_abandon: None,
            detailed: false,
            prediction: PredictionOptions::default(),
            options: RequestOptions::default(),
            observer: None,
        }
    }

    /// Runs a model and gives its events as they come: for a language model, its words.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut events = client.stream("meta/meta-llama-3-8b-instruct", replicant::json!({"prompt": "Sing."})).await?;
    /// while let Some(event) = events.try_next().await? {
    ///     print!("{event}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(&self, reference: impl AsRef<str>, input: impl Into<Value>) -> StreamRun {
        StreamRun(self.run(reference, input))
    }

    pub(crate) fn run_params(&self, operation: &str, params: RunParams) -> Result<Run> {
        let RunParams {
            reference,
            input,
            timeout,
            interval,
            use_file_output,
            on_abandon,
            detailed,
            options,
            unknown,
        } = params;
        if let Some(name) = unknown.keys().next() {
            return Err(Error::invalid(format!("{operation}: unknown option `{name}`")));
        }
        let mut run = self.run(reference, input.unwrap_or_else(Value::object));
        run.timeout = timeout;
        run.interval = interval;
        run.use_file_output = use_file_output;
        run.on_abandon = on_abandon;
        run.detailed = detailed;
        run.prediction = options;
        Ok(run)
    }
}

impl Run {
    /// How long all of it may take, from creating the prediction to its end. When the time is up the
    /// prediction is cancelled (see [`Run::on_abandon`]) and the error carries it.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    ///
    /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// let output = run.timeout(Duration::from_secs(120)).await?;
    /// # Ok(()) }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The time between two looks at the prediction, instead of an adaptive one.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    ///
    /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// let output = run.interval(Duration::from_secs(2)).await?;
    /// # Ok(()) }
    /// ```
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Whether URLs of files in the output become [`FileOutput`](crate::FileOutput)s.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// let url = run.use_file_output(false).await?.to_string();
    /// # Ok(()) }
    /// ```
    pub fn use_file_output(mut self, use_file_output: bool) -> Self {
        self.use_file_output = Some(use_file_output);
        self
    }

    /// What happens to the prediction when the run is dropped or runs out of time.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    /// use replicant::OnAbandon;
    ///
    /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// let output = run.timeout(Duration::from_secs(5)).on_abandon(OnAbandon::Leave).await?;
    /// # Ok(()) }
    /// ```
    pub fn on_abandon(mut self, on_abandon: OnAbandon) -> Self {
        self.on_abandon = Some(on_abandon);
        self
    }

    /// Is told of every state of the prediction that is seen.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// let output = run.observe(|prediction| println!("{}", prediction["status"])).await?;
    /// # Ok(()) }
    /// ```
    pub fn observe(
        mut self,
        observer: impl Fn(Value) + crate::platform::MaybeSend + crate::platform::MaybeSync + 'static,
    ) -> Self {
        self.observer = Some(ObserverSlot(Arc::new(observer)));
        self
    }

    request_options!();
    prediction_options!();

    /// Runs it and gives the prediction beside the output.
    ///
    /// # Errors
    /// As awaiting the run itself.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// let outcome = run.detailed().await?;
    /// println!("{}: {}", outcome.prediction["id"], outcome.output);
    /// # Ok(()) }
    /// ```
    pub async fn detailed(self) -> Result<RunOutcome> {
        let life = Life::new(&self.client, self.abandonment());
        self.limited(&life, self.finish(&life)).await
    }

    fn abandonment(&self) -> OnAbandon {
        self.on_abandon.unwrap_or(self.client.config().on_abandon)
    }

    /// Holds `work` to the deadline.
    async fn limited<T>(&self, life: &Life, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(timeout) = self.timeout else { return work.await };
        match within(self.client.runtime(), timeout, work).await {
            Some(result) => result,
            None => Err(life.deadline_error(timeout)),
        }
    }

    /// Creates the prediction; its cancel is assured from here on.
    async fn create(&self, life: &Life, hold: Option<Hold>) -> Result<(Value, Deadline)> {
        let target = self.target.clone().map_err(|error| Error::invalid(error.message().to_owned()))?;
        let deadline = Deadline::after(self.client.runtime(), self.timeout);
        let mut options = self.prediction.clone();
        if life.on_abandon == OnAbandon::Cancel {
            options.limit(self.timeout);
        }
        let input =
            self.client.send_files(self.input.clone(), options.file_encoding_strategy, deadline).await?;
        let request = target.request(input, &options, hold)?.deadline(deadline).options(self.options.clone());
        let created = life.create(request).await?;
        self.tell(&created);
        Ok((created, deadline))
    }

    fn tell(&self, prediction: &Value) {
        if let Some(ObserverSlot(observer)) = &self.observer {
            observer(prediction.clone());
        }
    }

    async fn finish(&self, life: &Life) -> Result<RunOutcome> {
        let began = Some(self.client.runtime().monotonic());
        let hold = self.prediction.hold(Hold::short(self.timeout))?;
        let (created, deadline) = self.create(life, hold).await?;
        let ended_at_once = crate::wait::is_terminal(created["status"].as_str().unwrap_or_default());
        let polling = Polling {
            interval: self.interval.or(self.prediction.interval()),
            began,
            deadline,
            observer: Some(life.observing(self.observer.clone())),
            options: self.options.clone(),
        };
        let ended = self.client.poll(created, &polling).await?;
        life.over();
        if ended_at_once {
            // The official client reports the end once more when it came with the create.
            self.tell(&ended);
        }
        let prediction = succeeded(ended)?;
        let output = prediction["output"].clone();
        let files = self.use_file_output.unwrap_or(self.client.config().use_file_output);
        Ok(RunOutcome { output: if files { self.client.with_files(output) } else { output }, prediction })
    }
}

impl IntoFuture for Run {
    type Output = Result<Value>;
    type IntoFuture = BoxFuture<'static, Result<Value>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.detailed().await.map(|outcome| outcome.output) })
    }
}

impl Work for Run {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.observer = Some(ObserverSlot(observer));
    }

    fn reply(self, _client: Client) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move {
            let detailed = self.detailed;
            let RunOutcome { output, prediction } = self.detailed().await?;
            if !detailed {
                return Ok(Reply::of(output));
            }
            let members = [("output".to_owned(), output), ("prediction".to_owned(), prediction)];
            Ok(Reply::of(Value::Object(members.into_iter().collect())))
        })
    }
}

/// A model about to be run for its events: `.await` the [`EventStream`].
///
/// # Errors
/// Those of a create, and [`ErrorKind::StreamUnsupported`]; the stream itself fails with
/// [`ErrorKind::PredictionFailed`], [`ErrorKind::StreamInterrupted`] or [`ErrorKind::Deadline`], each with what
/// had come in [`Error::partial`].
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
pub struct StreamRun(Run);

impl StreamRun {
    /// How long all of it may take, from creating the prediction to the last event.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    ///
    /// let run = client.stream("acme/text", replicant::json!({"prompt": "Sing."}));
    /// let events = run.timeout(Duration::from_secs(60)).await?;
    /// # Ok(()) }
    /// ```
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.timeout(timeout))
    }

    /// What happens to the prediction when the stream is dropped or runs out of time.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use replicant::OnAbandon;
    ///
    /// let run = client.stream("acme/text", replicant::json!({"prompt": "Sing."}));
    /// let events = run.on_abandon(OnAbandon::Leave).await?;
    /// # Ok(()) }
    /// ```
    pub fn on_abandon(self, on_abandon: OnAbandon) -> Self {
        Self(self.0.on_abandon(on_abandon))
    }

    /// Where the API reports progress: an https URL.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let run = client.stream("acme/text", replicant::json!({"prompt": "Sing."}));
    /// let events = run.webhook("https://example.com/hook").await?;
    /// # Ok(()) }
    /// ```
    pub fn webhook(self, url: impl Into<String>) -> Self {
        Self(self.0.webhook(url))
    }

    pub(crate) fn from_run(run: Run) -> Self {
        Self(run)
    }

    pub(crate) fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.0.options
    }
}

impl IntoFuture for StreamRun {
    type Output = Result<EventStream>;
    type IntoFuture = BoxFuture<'static, Result<EventStream>>;

    fn into_future(self) -> Self::IntoFuture {
        let run = self.0;
        Box::pin(async move {
            let life = Life::new(&run.client, run.abandonment());
            let hold = run.prediction.hold(Hold::None)?;
            let (prediction, deadline) = run.limited(&life, run.create(&life, hold)).await?;
            let files = run.use_file_output.unwrap_or(run.client.config().use_file_output);
            let events = read_events(&run.client, &prediction, files)?;
            let state = (events, life, deadline, run, String::new());
            let events = futures_util::stream::try_unfold(
                state,
                |(mut events, life, deadline, run, mut partial)| async move {
                    use futures_util::TryStreamExt;
                    let next = match deadline.remaining(run.client.runtime()) {
                        None => events.try_next().await,
                        Some(left) => match within(run.client.runtime(), left, events.try_next()).await {
                            Some(next) => next,
                            None => Err(life
                                .deadline_error(run.timeout.unwrap_or_default())
                                .with_partial(partial.as_str().into())),
                        },
                    };
                    if matches!(&next, Ok(Some(Event { event, .. })) if event == "done")
                        || matches!(&next, Err(error) if error.kind() == ErrorKind::PredictionFailed)
                    {
                        life.over();
                    }
                    if let (Some(_), Ok(Some(event))) = (run.timeout, &next)
                        && partial.len() < PARTIAL
                    {
                        // What an event prints is its part of the output.
                        partial.push_str(&event.to_string());
                    }
                    Ok(next?.map(|event| (event, (events, life, deadline, run, partial))))
                },
            );
            Ok(EventStream::new(prediction, Box::pin(events)))
        })
    }
}

/// Refuses an answer to a create that does not say what was created.
fn has_id(created: Value) -> Result<Value> {
    if created["id"].as_str().is_some_and(|id| !id.is_empty()) {
        return Ok(created);
    }
    let why = "the answer to the create holds no `id`; look for the prediction (for example in the list of predictions) before you repeat it";
    Err(Error::new(ErrorKind::InvalidResponse, why).with_outcome_unknown())
}

/// The life of a prediction that is ours: whoever drops this before it is over cancels it.
struct Life {
    client: Client,
    spawner: Spawner,
    on_abandon: OnAbandon,
    last_seen: Arc<Mutex<Option<Value>>>,
    unwanted: Arc<AtomicBool>,
}

impl Life {
    /// To be called within the runtime.
    fn new(client: &Client, on_abandon: OnAbandon) -> Self {
        Self {
            client: client.clone(),
            spawner: client.runtime().spawner(),
            on_abandon,
            last_seen: Arc::default(),
            unwanted: Arc::default(),
        }
    }

    /// Sends the create. It goes on when the caller goes away, as only its answer tells the id by
    /// which the prediction can be cancelled.
    async fn create(&self, mut request: Request) -> Result<Value> {
        request.unwanted = (self.on_abandon == OnAbandon::Cancel).then(|| self.unwanted.clone());
        let (sender, receiver) = oneshot::channel();
        let (client, spawner, on_abandon) = (self.client.clone(), self.spawner.clone(), self.on_abandon);
        let (last_seen, unwanted) = (self.last_seen.clone(), self.unwanted.clone());
        let create = async move {
            let created = client.fetch(&request).await.and_then(has_id);
            if let Ok(created) = &created {
                // Noted before the caller has taken it, who may go away in between. Under one lock, so
                // that either this or the `Drop` of the life sees the other, and one of them cancels.
                let mut last_seen = last_seen.lock().unwrap_or_else(PoisonError::into_inner);
                if !unwanted.load(Ordering::SeqCst) {
                    *last_seen = Some(created.clone());
                } else if on_abandon == OnAbandon::Cancel
                    && let Some(id) = created["id"].as_str()
                {
                    background::cancel(client.clone(), &spawner, id.to_owned());
                }
            }
            let _ = sender.send(created);
        };
        background::spawn(&self.spawner, Box::pin(create));
        receiver.await.map_err(|_| {
            Error::new(ErrorKind::OutcomeUnknown, "the runtime ended while the prediction was being created")
                .with_outcome_unknown()
        })?
    }

    /// An observer that remembers what was last seen, and tells the one given.
    fn observing(&self, observer: Option<ObserverSlot>) -> Observer {
        let last_seen = self.last_seen.clone();
        Arc::new(move |prediction: Value| {
            *last_seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(prediction.clone());
            if let Some(ObserverSlot(observer)) = &observer {
                observer(prediction);
            }
        })
    }

    /// Nothing is left to cancel.
    fn over(&self) {
        self.last_seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn deadline_error(&self, timeout: Duration) -> Error {
        let last_seen = self.last_seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let end = match self.on_abandon {
            OnAbandon::Cancel => "it is being cancelled",
            OnAbandon::Leave => "it goes on",
        };
        let state = match &last_seen {
            Some(seen) => format!("the prediction {} was still {}; {end}", seen["id"], seen["status"]),
            None => format!("the API had not yet answered the create; if there is a prediction, {end}"),
        };
        let error = Error::new(
            ErrorKind::Deadline,
            format!("The timeout of {} s passed: {state}.", timeout.as_secs_f64()),
        );
        match last_seen {
            Some(seen) => error.with_prediction(seen),
            None => error,
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::SeqCst);
        let last_seen = self.last_seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (OnAbandon::Cancel, Some(id)) =
            (self.on_abandon, last_seen.as_ref().and_then(|seen| seen["id"].as_str()))
        {
            background::cancel(self.client.clone(), &self.spawner, id.to_owned());
        }
    }
}
