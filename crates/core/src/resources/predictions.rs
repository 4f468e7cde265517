//! Predictions: one run of a model each.

use std::{fmt, future::IntoFuture, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    call::{Call, Work, answers, request_options},
    client::Client,
    error::{Error, Result},
    exchange::{Expect, Reply},
    identifier::{Reference, owner_and_name},
    page::List,
    platform::{BoxFuture, Observer},
    request::{Request, RequestOptions, path, seconds},
    stream::{EventStream, read_events},
    upload::{FileEncodingStrategy, UploadWatch, on_upload},
    value::{Object, Value, decode},
    wait::{Deadline, Polling, is_terminal, succeeded},
};

/// The state of a prediction or training.
///
/// ```
/// use replicant::Status;
///
/// assert!(Status::Succeeded.is_terminal());
/// assert!(!Status::Other("paused".into()).is_terminal());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(from = "Option<String>", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Waiting for a machine or for the model to load.
    #[default]
    Starting,
    /// Running.
    Processing,
    /// Ended well; the output is there.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because it was cancelled while it ran.
    Canceled,
    /// Ended because its deadline passed before it ran.
    Aborted,
    /// A state that is newer than this crate.
    #[serde(untagged)]
    Other(String),
}

impl Status {
    /// The word on the wire.
    ///
    /// ```
    /// assert_eq!(replicant::Status::Canceled.as_str(), "canceled");
    /// ```
    pub fn as_str(&self) -> &str {
        match self {
            Self::Starting => "starting",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
            Self::Other(other) => other,
        }
    }

    /// Whether nothing more will happen.
    ///
    /// ```
    /// assert!(replicant::Status::Aborted.is_terminal());
    /// assert!(!replicant::Status::Processing.is_terminal());
    /// ```
    pub fn is_terminal(&self) -> bool {
        is_terminal(self.as_str())
    }
}

impl From<Option<String>> for Status {
    /// The state of that name; what is not known yet is starting.
    fn from(word: Option<String>) -> Self {
        let Some(word) = word else { return Self::default() };
        let known =
            [Self::Starting, Self::Processing, Self::Succeeded, Self::Failed, Self::Canceled, Self::Aborted];
        known.into_iter().find(|status| status.as_str() == word).unwrap_or(Self::Other(word))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A prediction as it was seen last.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let prediction = client.predictions().get("4b2q8m").await?;
/// println!("{}: {}", prediction.status, prediction.output);
/// // What is newer than this crate is there all the same.
/// println!("{:?}", prediction.extra.get("queue_position"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Prediction {
    /// Its id.
    pub id: String,
    /// The model, `owner/name`.
    pub model: Option<String>,
    /// The version's id; `hidden` for official models. It may be another than was asked for.
    pub version: Option<String>,
    /// Its state.
    pub status: Status,
    /// The input.
    pub input: Value,
    /// The output so far, files as URLs; see [`Client::run`] for files as [`FileOutput`](crate::FileOutput)s.
    pub output: Value,
    /// Why it failed.
    pub error: Value,
    /// What the model printed.
    pub logs: Option<String>,
    /// Measures such as `predict_time` in seconds.
    pub metrics: Option<Object>,
    /// `api` or `web`.
    pub source: Option<String>,
    /// The deployment's name, if one ran it.
    pub deployment: Option<String>,
    /// Whether input and output were deleted.
    pub data_removed: Option<bool>,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// RFC 3339.
    pub started_at: Option<String>,
    /// RFC 3339.
    pub completed_at: Option<String>,
    /// When it is cancelled by itself. RFC 3339.
    pub deadline: Option<String>,
    /// Where it can be seen (`web`, `get`), cancelled and streamed.
    pub urls: Object,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

impl Prediction {
    /// Progress by the last progress bar in the logs.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let prediction = client.predictions().get("4b2q8m").await?;
    /// if let Some(progress) = prediction.progress() {
    ///     println!("{:.0} %", progress.percentage * 100.0);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn progress(&self) -> Option<crate::Progress> {
        crate::Progress::parse(self.logs.as_deref()?)
    }
}

/// For how long a create asks the server to hold its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Hold {
    /// Not at all.
    None,
    /// As long as the server likes: 60 s.
    Longest,
    /// Seconds, 1 to 60.
    Seconds(u64),
}

impl Hold {
    /// What `run` asks for when nothing was said.
    ///
    /// Long enough to have a quick model's output with the create, and no longer: until the answer
    /// comes nobody knows the prediction's id, so it can neither be cancelled nor found again.
    pub fn short(timeout: Option<Duration>) -> Self {
        const SHORT: u64 = 5;
        Self::seconds(timeout.map_or(SHORT, |timeout| SHORT.min(timeout.as_secs() / 2)) as f64)
    }

    fn seconds(seconds: f64) -> Self {
        if seconds > 0.0 { Self::Seconds(seconds.ceil().clamp(1.0, 60.0) as u64) } else { Self::None }
    }

    fn header(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Longest => Some("wait".to_owned()),
            Self::Seconds(seconds) => Some(format!("wait={seconds}")),
        }
    }

    fn duration(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Longest => Duration::from_secs(60),
            Self::Seconds(seconds) => Duration::from_secs(seconds),
        }
    }
}

/// `wait` in all the forms that the official clients take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "`wait` must be true, false, a number of seconds, or {mode: \"block\" | \"poll\", interval (ms), timeout (s)}"
)]
pub(crate) enum Wait {
    Flag(bool),
    Seconds(f64),
    Plan(WaitPlan),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitPlan {
    #[serde(default)]
    mode: Option<WaitMode>,
    /// Milliseconds between two looks.
    #[serde(default)]
    interval: Option<f64>,
    /// Seconds that the server may hold its answer.
    #[serde(default)]
    timeout: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WaitMode {
    Block,
    Poll,
}

/// `Cancel-After`: seconds, or a text such as `1m30s`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "`cancel_after` must be a number of seconds or a text like \"1m30s\"")]
pub(crate) enum CancelAfter {
    Seconds(f64),
    Text(String),
}

/// What a prediction is created with besides its input.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PredictionOptions {
    pub webhook: Option<String>,
    pub webhook_events_filter: Option<Vec<String>>,
    pub webhook_completed: Option<String>,
    pub stream: Option<bool>,
    pub wait: Option<Wait>,
    pub prefer: Option<String>,
    pub cancel_after: Option<CancelAfter>,
    pub file_encoding_strategy: Option<FileEncodingStrategy>,
}

impl PredictionOptions {
    /// How long the answer is held; `default` where nothing was said.
    pub fn hold(&self, default: Hold) -> Result<Option<Hold>> {
        let hold = match (&self.wait, &self.prefer) {
            (Some(_), Some(_)) => return Err(Error::invalid("cannot mix and match prefer and wait")),
            (None, Some(prefer)) => match prefer.split_once('=') {
                None if prefer == "wait" => Hold::Longest,
                Some(("wait", seconds)) if seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0) => {
                    Hold::seconds(seconds.parse().unwrap_or(60.0))
                }
                _ => {
                    return Err(Error::invalid(format!(
                        "`prefer` must be \"wait\" or \"wait=1\" to \"wait=60\", not {prefer:?}"
                    )));
                }
            },
            (None, None) => default,
            (Some(Wait::Flag(true)), None) => Hold::Longest,
            (Some(Wait::Flag(false)), None) => Hold::None,
            (Some(Wait::Seconds(seconds)), None) => Hold::seconds(*seconds),
            (Some(Wait::Plan(WaitPlan { mode: Some(WaitMode::Poll), .. })), None) => Hold::None,
            (Some(Wait::Plan(WaitPlan { timeout, .. })), None) => {
                timeout.map_or(Hold::Longest, Hold::seconds)
            }
        };
        Ok((hold != Hold::None).then_some(hold))
    }

    /// The time between two looks, where `wait` says one.
    pub fn interval(&self) -> Option<Duration> {
        match &self.wait {
            Some(Wait::Plan(WaitPlan { interval: Some(milliseconds), .. })) => {
                Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
            }
            _ => None,
        }
    }

    /// Lets the server end the prediction soon after our own deadline, in case we are gone by then.
    pub fn limit(&mut self, timeout: Option<Duration>) {
        // The longest that the API takes. Cut to it, a longer timeout would end too early.
        const DAY: f64 = 86_400.0;
        if let (None, Some(timeout)) = (&self.cancel_after, timeout) {
            let seconds = (timeout.as_secs_f64() + 5.0).ceil();
            self.cancel_after = (seconds <= DAY).then_some(CancelAfter::Seconds(seconds));
        }
    }
}

/// Builder methods over a field `prediction: PredictionOptions` or the one given.
macro_rules! prediction_options {
    () => {
        $crate::resources::predictions::prediction_options!(prediction);
    };
    ($($field:ident).+) => {
        /// Where the API reports progress and end: an https URL.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// let input = replicant::json!({"prompt": "a heron"});
        /// client.predictions().create("acme/painter", input).webhook("https://example.com/hook").await?;
        /// # Ok(()) }
        /// ```
        pub fn webhook(mut self, url: impl Into<String>) -> Self {
            self.$($field).+.webhook = Some(url.into());
            self
        }

        /// Which events the webhook is sent: of `start`, `output`, `logs`, `completed`.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// let input = replicant::json!({"prompt": "a heron"});
        /// let create = client.predictions().create("acme/painter", input);
        /// create.webhook("https://example.com/hook").webhook_events_filter(["start", "completed"]).await?;
        /// # Ok(()) }
        /// ```
        pub fn webhook_events_filter<S: Into<String>>(mut self, events: impl IntoIterator<Item = S>) -> Self {
            self.$($field).+.webhook_events_filter = Some(events.into_iter().map(Into::into).collect());
            self
        }

        /// For how many seconds (1 to 60) the server may hold its answer until the output is there; 0
        /// for not at all.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// let input = replicant::json!({"prompt": "a heron"});
        /// let prediction = client.predictions().create("acme/painter", input).wait(30).await?;
        /// println!("{}", prediction.status);
        /// # Ok(()) }
        /// ```
        pub fn wait(mut self, seconds: u64) -> Self {
            self.$($field).+.wait = Some($crate::resources::predictions::Wait::Seconds(seconds as f64));
            self
        }

        /// When the server cancels the prediction by itself, counted from its creation: 5 s to 24 h.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// use std::time::Duration;
        ///
        /// let input = replicant::json!({"prompt": "a heron"});
        /// client.predictions().create("acme/painter", input).cancel_after(Duration::from_secs(90)).await?;
        /// # Ok(()) }
        /// ```
        pub fn cancel_after(mut self, after: std::time::Duration) -> Self {
            self.$($field).+.cancel_after =
                Some($crate::resources::predictions::CancelAfter::Seconds(after.as_secs_f64()));
            self
        }

        /// How the files in the input are sent, instead of the client's strategy.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// use replicant::{File, FileEncodingStrategy, Value};
        ///
        /// let mut input = Value::object();
        /// input["image"] = File::path("photo.png").into();
        /// let create = client.predictions().create("acme/upscaler", input);
        /// create.file_encoding_strategy(FileEncodingStrategy::Upload).await?;
        /// # Ok(()) }
        /// ```
        pub fn file_encoding_strategy(mut self, strategy: $crate::FileEncodingStrategy) -> Self {
            self.$($field).+.file_encoding_strategy = Some(strategy);
            self
        }
    };
}
pub(crate) use prediction_options;

/// Where a prediction is created.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Version(String),
    Model(String, String),
    Deployment(String, String),
}

impl From<Reference> for Target {
    fn from(reference: Reference) -> Self {
        match reference {
            Reference::Version { id, .. } => Self::Version(id),
            Reference::Model { owner, name } => Self::Model(owner, name),
            Reference::Deployment { owner, name } => Self::Deployment(owner, name),
        }
    }
}

impl Target {
    /// The create as a request; `input` holds no files any more.
    pub fn request(&self, input: Value, options: &PredictionOptions, hold: Option<Hold>) -> Result<Request> {
        let PredictionOptions {
            webhook,
            webhook_events_filter,
            webhook_completed,
            stream,
            wait: _,
            prefer: _,
            cancel_after,
            file_encoding_strategy: _,
        } = options;
        if input.as_object().is_none() {
            return Err(Error::invalid(format!(
                "`input` must be an object with the model's inputs by name, not {}",
                input.kind()
            )));
        }
        let mut body = Object::new();
        let path = match self {
            Self::Version(version) => {
                // Official models go by `owner/name` here; of any other reference only the id counts.
                let id = version.rsplit_once(':').map_or(version.as_str(), |(_, id)| id);
                body.insert("version".into(), id.into());
                "/predictions".to_owned()
            }
            Self::Model(owner, name) => {
                path("/models/{owner}/{name}/predictions", &[("owner", owner), ("name", name)])?
            }
            Self::Deployment(owner, name) => {
                path("/deployments/{owner}/{name}/predictions", &[("owner", owner), ("name", name)])?
            }
        };
        body.insert("input".into(), input);
        for (name, url) in [("webhook", webhook), ("webhook_completed", webhook_completed)] {
            if let Some(url) = url {
                body.insert(name.into(), checked_webhook(name, url)?.into());
            }
        }
        if let Some(events) = webhook_events_filter {
            body.insert("webhook_events_filter".into(), events.clone().into());
        }
        if let Some(stream) = stream {
            body.insert("stream".into(), (*stream).into());
        }
        let mut request = Request::post(path).json(Value::Object(body));
        if let Some(prefer) = hold.and_then(Hold::header) {
            request = request.header("prefer", prefer);
        }
        if let Some(after) = cancel_after {
            request = request.header("cancel-after", cancel_after_header(after)?);
        }
        request.hold = hold.map_or(Duration::ZERO, Hold::duration);
        Ok(request)
    }
}

pub(crate) fn checked_webhook(name: &str, url: &str) -> Result<String> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok(url.to_owned()),
        _ => Err(Error::invalid(format!("Invalid webhook URL: `{name}` is {url:?}"))),
    }
}

fn cancel_after_header(after: &CancelAfter) -> Result<String> {
    match after {
        CancelAfter::Seconds(seconds) if seconds.is_finite() && *seconds > 0.0 => {
            Ok(format!("{}s", seconds.ceil().max(5.0)))
        }
        CancelAfter::Text(text)
            if !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit() || b"hms".contains(&byte)) =>
        {
            Ok(text.clone())
        }
        other => Err(Error::invalid(format!(
            "`cancel_after` must be a number of seconds or a text like \"1m30s\", not {other:?}"
        ))),
    }
}

/// A prediction about to be created: set what it needs, then `.await` it.
///
/// # Errors
/// As a [`Call`], and those of the files in its input: [`ErrorKind::FileNotFound`](crate::ErrorKind::FileNotFound),
/// [`ErrorKind::FileTooLarge`](crate::ErrorKind::FileTooLarge).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let input = replicant::json!({"prompt": "a heron"});
/// let created = client.predictions().create("acme/painter", input).wait(5).max_retries(2).await?;
/// println!("{}", created.id);
/// # Ok(()) }
/// ```
#[must_use = "a prediction is created when this is awaited"]
pub struct CreatePrediction {
    client: Client,
    target: Result<Target>,
    input: Value,
    prediction: PredictionOptions,
    options: RequestOptions,
    uploads: UploadWatch,
}

impl CreatePrediction {
    pub(crate) fn new(client: &Client, target: Result<Target>, input: Value) -> Self {
        let (prediction, options, uploads) = Default::default();
        Self { client: client.clone(), target, input, prediction, options, uploads }
    }

    on_upload!();
    request_options!();
    prediction_options!();

    async fn create(self) -> Result<Reply> {
        let hold = self.prediction.hold(Hold::None)?;
        let target = self.target?;
        let input = self
            .client
            .send_files(self.input, self.prediction.file_encoding_strategy, Deadline::none(), &self.uploads)
            .await?;
        let request = target.request(input, &self.prediction, hold)?.options(self.options);
        self.client.send(&request, Expect::Json).await
    }
}

impl Work for CreatePrediction {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.uploads = UploadWatch::telling(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(self.create())
    }
}

answers!([] CreatePrediction => Prediction);

/// Parameters of the three creates as they come from another language.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateParams {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    deployment: Option<String>,
    #[serde(default)]
    input: Option<Value>,
    #[serde(flatten)]
    options: PredictionOptions,
    #[serde(flatten)]
    unknown: Object,
}

/// The same for a model or deployment named by the operation.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateBelow {
    owner: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    input: Option<Value>,
    #[serde(flatten)]
    options: PredictionOptions,
    #[serde(flatten)]
    unknown: Object,
}

fn refuse_unknown(operation: &str, unknown: &Object) -> Result<()> {
    match unknown.keys().next() {
        Some(name) => Err(Error::invalid(format!(
            "{operation}: unknown option `{name}`; what the model takes belongs into `input`"
        ))),
        None => Ok(()),
    }
}

impl CreateParams {
    pub fn create(self, client: &Client) -> Result<CreatePrediction> {
        let Self { version, model, deployment, input, options, unknown } = self;
        refuse_unknown("predictions.create", &unknown)?;
        let target = match (version, model, deployment) {
            (Some(version), None, None) => Ok(Target::Version(version)),
            (None, Some(model), None) => match model.parse::<Reference>()? {
                // A model with a version is common enough to be taken for what it means.
                reference @ (Reference::Model { .. } | Reference::Version { .. }) => Ok(reference.into()),
                Reference::Deployment { .. } => {
                    Err(Error::invalid("`model` names a deployment; use `deployment`"))
                }
            },
            (None, None, Some(deployment)) => {
                named("deployment", &deployment).map(|(owner, name)| Target::Deployment(owner, name))
            }
            (None, None, None) => Err(Error::invalid(
                "Exactly one of 'model', 'version', or 'deployment' must be specified. Either model or version must be specified.",
            )),
            _ => Err(Error::invalid("Exactly one of 'model', 'version', or 'deployment' must be specified.")),
        };
        let mut create = CreatePrediction::new(client, target, input.unwrap_or_else(Value::object));
        create.prediction = options;
        Ok(create)
    }
}

impl CreateBelow {
    pub fn create(
        self,
        client: &Client,
        operation: &str,
        target: fn(String, String) -> Target,
    ) -> Result<CreatePrediction> {
        let Self { owner, name, input, options, unknown } = self;
        refuse_unknown(operation, &unknown)?;
        let (owner, name) = owner_and(owner, name)?;
        let mut create =
            CreatePrediction::new(client, Ok(target(owner, name)), input.unwrap_or_else(Value::object));
        create.prediction = options;
        Ok(create)
    }
}

/// Owner and name as a face gives them: one each, or `owner/name` in the first alone.
pub(crate) fn owner_and(owner: String, name: Option<String>) -> Result<(String, String)> {
    match name {
        Some(name) => Ok((owner, name)),
        None => named("owner", &owner),
    }
}

/// Owner and name of a text that must be `owner/name`.
pub(crate) fn named(what: &str, text: &str) -> Result<(String, String)> {
    owner_and_name(text).ok_or_else(|| Error::invalid(format!("`{what}` must be owner/name, not {text:?}")))
}

/// Which predictions a list holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ListPredictions {
    cursor: Option<String>,
    created_after: Option<String>,
    created_before: Option<String>,
    source: Option<String>,
}

/// How a known prediction is waited for, as it comes from another language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitParams {
    #[serde(default)]
    id: Option<String>,
    /// The prediction as it was last seen, so that the first look is not wasted on what is known.
    #[serde(default)]
    prediction: Option<Value>,
    #[serde(default, deserialize_with = "seconds")]
    timeout: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    interval: Option<Duration>,
    /// Whether an end other than `succeeded` is an error.
    #[serde(default)]
    raise: bool,
}

/// The predictions of an account; see [`Client::predictions`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let predictions = client.predictions();
/// let newest = predictions.list().await?.results;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'c> {
    client: &'c Client,
}

impl Client {
    /// The predictions: create, look at, list, cancel, wait for.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let prediction = client.predictions().get("4b2q8m").await?;
    /// println!("{}", prediction.status);
    /// # Ok(()) }
    /// ```
    pub fn predictions(&self) -> Predictions<'_> {
        Predictions { client: self }
    }
}

impl Predictions<'_> {
    /// Creates a prediction and returns as soon as the API has taken it; see
    /// [`CreatePrediction::wait`] to have it hold its answer, and [`Client::run`] for the output.
    ///
    /// `POST /predictions`, `POST /models/{owner}/{name}/predictions` or
    /// `POST /deployments/{owner}/{name}/predictions`, as the reference says.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let created = client
    ///     .predictions()
    ///     .create("meta/meta-llama-3-8b-instruct", replicant::json!({"prompt": "Sing."}))
    ///     .webhook("https://example.com/done")
    ///     .await?;
    /// println!("{} is {}", created.id, created.status);
    /// # Ok(()) }
    /// ```
    pub fn create(&self, reference: impl AsRef<str>, input: impl Into<Value>) -> CreatePrediction {
        CreatePrediction::new(
            self.client,
            reference.as_ref().parse::<Reference>().map(Target::from),
            input.into(),
        )
    }

    /// A prediction as it is now. `GET /predictions/{id}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let prediction = client.predictions().get("4b2q8m").await?;
    /// println!("{} {}", prediction.status, prediction.logs.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    pub fn get(&self, id: &str) -> Call<Prediction> {
        Call::new(self.client, path("/predictions/{id}", &[("id", id)]).map(Request::get))
    }

    /// Ends a prediction that runs. `POST /predictions/{id}/cancel`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let prediction = client.predictions().cancel("4b2q8m").await?;
    /// println!("{}", prediction.status);
    /// # Ok(()) }
    /// ```
    pub fn cancel(&self, id: &str) -> Call<Prediction> {
        // Cancelling twice is cancelling once, so it is repeated like a read.
        let request =
            path("/predictions/{id}/cancel", &[("id", id)]).map(|path| Request::post(path).idempotent());
        Call::new(self.client, request)
    }

    /// All predictions, newest first. `GET /predictions`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut predictions = client.predictions().list().items();
    /// while let Some(prediction) = predictions.try_next().await? {
    ///     println!("{} {}", prediction.id, prediction.status);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> List<Prediction> {
        self.list_params(ListPredictions::default())
    }

    pub(crate) fn list_params(&self, params: ListPredictions) -> List<Prediction> {
        let ListPredictions { cursor, created_after, created_before, source } = params;
        let request = Request::get("/predictions")
            .query("created_after", created_after)
            .query("created_before", created_before)
            .query("source", source);
        List::new(self.client, Ok(request)).maybe_cursor(cursor)
    }

    /// Waits until a prediction has ended, however it ends.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let ended = client.predictions().wait("4b2q8m").await?;
    /// println!("{}: {}", ended.status, ended.output);
    /// # Ok(()) }
    /// ```
    pub fn wait(&self, id: impl Into<String>) -> WaitForPrediction {
        WaitForPrediction {
            client: self.client.clone(),
            params: WaitParams {
                id: Some(id.into()),
                prediction: None,
                timeout: None,
                interval: None,
                raise: false,
            },
            options: RequestOptions::default(),
            observer: None,
        }
    }

    pub(crate) fn wait_params(&self, params: WaitParams) -> WaitForPrediction {
        WaitForPrediction {
            client: self.client.clone(),
            params,
            options: RequestOptions::default(),
            observer: None,
        }
    }

    /// The events of a prediction that exists. `GET` on its `urls.stream`
    ///
    /// # Errors
    /// [`ErrorKind::StreamUnsupported`](crate::ErrorKind::StreamUnsupported) if its model gives none.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut events = client.predictions().stream("4b2q8m").await?;
    /// while let Some(event) = events.try_next().await? {
    ///     print!("{event}");
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn stream(&self, id: &str) -> Result<EventStream> {
        let prediction: Value =
            self.client.fetch(&Request::get(path("/predictions/{id}", &[("id", id)])?)).await?;
        let events = read_events(self.client, &prediction, self.client.config().use_file_output)?;
        Ok(EventStream::new(prediction, events))
    }
}

/// A prediction to wait for: `.await` its end.
///
/// # Errors
/// As a [`Call`], and [`ErrorKind::Deadline`](crate::ErrorKind::Deadline) with the prediction as last seen. That the
/// prediction failed is no error here: see its `status`.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::time::Duration;
///
/// let wait = client.predictions().wait("4b2q8m").timeout(Duration::from_secs(600));
/// println!("{}", wait.interval(Duration::from_secs(5)).await?.status);
/// # Ok(()) }
/// ```
#[must_use = "waiting begins when this is awaited"]
pub struct WaitForPrediction {
    client: Client,
    params: WaitParams,
    options: RequestOptions,
    observer: Option<Observer>,
}

impl WaitForPrediction {
    /// How long to wait; the prediction itself goes on after that.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    /// use replicant::ErrorKind;
    ///
    /// match client.predictions().wait("4b2q8m").timeout(Duration::from_secs(60)).await {
    ///     Ok(prediction) => println!("{}", prediction.output),
    ///     Err(error) if error.kind() == ErrorKind::Deadline => println!("not yet: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.params.timeout = Some(timeout);
        self
    }

    /// The time between two looks, instead of an adaptive one.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    ///
    /// client.predictions().wait("4b2q8m").interval(Duration::from_secs(2)).await?;
    /// # Ok(()) }
    /// ```
    pub fn interval(mut self, interval: Duration) -> Self {
        self.params.interval = Some(interval);
        self
    }

    request_options!();

    async fn ended(self) -> Result<Value> {
        let Self { client, params, options, observer } = self;
        let WaitParams { id, prediction, timeout, interval, raise } = params;
        let deadline = Deadline::after(client.runtime(), timeout);
        let seen = std::sync::Mutex::new(prediction.clone());
        let waiting = async {
            let known = match (prediction, id) {
                (Some(prediction), _) if prediction["id"].as_str().is_some() => prediction,
                (_, Some(id)) => {
                    let request = Request::get(path("/predictions/{id}", &[("id", &id)])?);
                    let known: Value =
                        client.fetch(&request.deadline(deadline).options(options.clone())).await?;
                    if let Some(observer) = &observer {
                        observer(known.clone());
                    }
                    known
                }
                _ => return Err(Error::invalid("Invalid prediction: it has no `id`")),
            };
            *seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(known.clone());
            client.poll(known, &Polling { interval, began: None, deadline, observer, options }).await
        };
        let ended = match timeout {
            None => waiting.await?,
            Some(timeout) => match crate::exchange::within(client.runtime(), timeout, waiting).await {
                Some(ended) => ended?,
                None => {
                    let error = Error::new(
                        crate::ErrorKind::Deadline,
                        format!(
                            "The timeout of {} s passed before the prediction ended; it goes on.",
                            timeout.as_secs_f64()
                        ),
                    );
                    let seen = seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
                    return Err(seen.into_iter().fold(error, Error::with_prediction));
                }
            },
        };
        if raise { succeeded(ended) } else { Ok(ended) }
    }
}

impl Work for WaitForPrediction {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move { Ok(Reply::of(self.ended().await?)) })
    }
}

impl IntoFuture for WaitForPrediction {
    type Output = Result<Prediction>;
    type IntoFuture = BoxFuture<'static, Result<Prediction>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { decode(self.ended().await?) })
    }
}
