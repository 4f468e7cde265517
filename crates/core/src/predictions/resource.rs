//! Predictions: one run of a model each.

use serde::Deserialize;

use super::{
    create::CreatePrediction,
    events::{EventStream, read_events},
    snapshot::Snapshot,
    target::Target,
    types::Prediction,
    wait::{WaitForPrediction, WaitParams},
};
use crate::{
    client::{Client, call::Call, page::List},
    error::Result,
    http::request::{Request, RequestOptions, path},
    identifier::Reference,
    value::Value,
};

/// Which predictions a list holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ListPredictions {
    cursor: Option<String>,
    created_after: Option<String>,
    created_before: Option<String>,
    source: Option<String>,
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
        self.wait_params(WaitParams::of(id.into()))
    }

    pub(crate) fn wait_params(&self, params: WaitParams) -> WaitForPrediction {
        WaitForPrediction::new(self.client, params)
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
        let prediction: Snapshot =
            self.client.fetch(&Request::get(path("/predictions/{id}", &[("id", id)])?)).await?;
        let events = read_events(
            self.client,
            &prediction,
            self.client.config().use_file_output,
            RequestOptions::default(),
        )?;
        Ok(EventStream::new(prediction.into_value(), events))
    }
}
