//! From a reference to its output: create, wait, hand over.

mod life;
mod live;
mod params;
mod plan;
pub(crate) mod polled;
mod shape;
mod stream;

use std::{fmt, future::IntoFuture, mem, sync::Arc, time::Duration};

pub use self::stream::StreamRun;
use self::{
    life::Life,
    plan::{Plan, plan_options},
};
pub(crate) use self::{live::Live, params::RunParams, shape::Shapes};
use crate::{
    call::Work,
    client::Client,
    error::Result,
    exchange::Reply,
    identifier::Named,
    platform::{BoxFuture, MaybeSend, MaybeSync, Observer},
    request::RequestOptions,
    resources::predictions::Hold,
    upload::UploadWatch,
    value::Value,
    wait::{Polling, is_terminal, succeeded},
};

/// A model about to be run: set what it needs, then `.await` its output.
///
/// Awaiting creates the prediction, waits until it has ended, and gives its output, in which files
/// are [`FileOutput`](crate::FileOutput)s. Dropping the future cancels the prediction.
///
/// # Errors
/// Those of a create; [`ErrorKind::PredictionFailed`](crate::ErrorKind::PredictionFailed),
/// [`ErrorKind::PredictionCanceled`](crate::ErrorKind::PredictionCanceled) and
/// [`ErrorKind::PredictionAborted`](crate::ErrorKind::PredictionAborted) when it ends otherwise than well;
/// [`ErrorKind::Deadline`](crate::ErrorKind::Deadline).
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
    plan: Plan,
    interval: Option<Duration>,
    detailed: bool,
    live: bool,
    report_uploads: bool,
    observer: Option<Observer>,
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
        let plan = Plan::new(self, Named::Text(reference.as_ref().to_owned()), input.into());
        Run { plan, interval: None, detailed: false, live: false, report_uploads: false, observer: None }
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
        let reference = Named::Text(reference.as_ref().to_owned());
        StreamRun { plan: Plan::new(self, reference, input.into()) }
    }
}

impl Run {
    plan_options!();

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

    /// Is told of every state of the prediction that is seen.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
    /// let output = run.observe(|prediction| println!("{}", prediction["status"])).await?;
    /// # Ok(()) }
    /// ```
    pub fn observe(mut self, observer: impl Fn(Value) + MaybeSend + MaybeSync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

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
        let prediction = self.ended().await?;
        let output = self.with_files(prediction["output"].clone());
        Ok(RunOutcome { output, prediction })
    }

    async fn output(self) -> Result<Value> {
        let mut prediction = self.ended().await?;
        Ok(self.with_files(mem::take(&mut prediction["output"])))
    }

    fn with_files(&self, output: Value) -> Value {
        if self.plan.files() { self.plan.client.with_files(output) } else { output }
    }

    fn tell(&self, prediction: &Value) {
        if let Some(observer) = &self.observer {
            observer(prediction.clone());
        }
    }

    /// The prediction, when it has ended well.
    async fn ended(&self) -> Result<Value> {
        let life = self.plan.life();
        // In a box: each layer around a future holds all of it, more than once.
        self.plan.limited(&life, Box::pin(self.finish(&life))).await
    }

    async fn finish(&self, life: &Life) -> Result<Value> {
        let Plan { client, prediction: asked, options, .. } = &self.plan;
        let began = Some(client.runtime().monotonic());
        let hold = asked.hold(Hold::short(self.plan.timeout))?;
        let (created, deadline) = self.plan.create(life, hold).await?;
        self.tell(&created);
        let ended_at_once = is_terminal(created["status"].as_str().unwrap_or_default());
        let polling = Polling {
            interval: self.interval.or(asked.interval()),
            began,
            deadline,
            observer: Some(life.observing(self.observer.clone())),
            options: options.clone(),
        };
        let ended = client.poll(created, &polling).await?;
        life.over();
        if ended_at_once {
            // The official client reports the end once more when it came with the create.
            self.tell(&ended);
        }
        succeeded(ended)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl IntoFuture for Run {
    type Output = Result<Value>;
    type IntoFuture = BoxFuture<'static, Result<Value>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.output())
    }
}

impl Work for Run {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.plan.options
    }

    fn set_observer(&mut self, observer: Observer) {
        if self.report_uploads {
            self.plan.uploads = UploadWatch::telling(observer.clone());
        }
        self.observer = Some(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move {
            if self.live {
                return Ok(Reply::of(self.started().await?));
            }
            if !self.detailed {
                return Ok(Reply::of(self.output().await?));
            }
            let RunOutcome { output, prediction } = self.detailed().await?;
            let members = [("output".to_owned(), output), ("prediction".to_owned(), prediction)];
            Ok(Reply::of(Value::Object(members.into_iter().collect())))
        })
    }
}
