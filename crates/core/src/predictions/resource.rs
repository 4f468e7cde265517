//! The predictions resource.

use serde::Deserialize;

use super::{
    create::CreatePrediction,
    poll::get_prediction,
    stream_prediction::StreamPrediction,
    target::Target,
    types::Prediction,
    wait::{OfPrediction, WaitForPrediction, WaitOptions, WaitParams, WaitTarget},
};
use crate::{
    client::{Client, background::cancel_request, call::Call, page::List},
    http::request::{Request, RequestOptions},
    identifier::Reference,
    value::Value,
};

/// Which predictions to list. A field that is `None` excludes none. Later versions may add fields: end with
/// `..PredictionFilter::default()`.
///
/// ```
/// use replicant::resources::predictions::PredictionFilter;
///
/// let created_after = Some("2025-01-01T00:00:00Z".into());
/// let filter = PredictionFilter { created_after, ..PredictionFilter::default() };
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PredictionFilter {
    /// ISO 8601 time: only predictions created at that time or later.
    pub created_after: Option<String>,
    /// ISO 8601 time: only predictions created before that time.
    pub created_before: Option<String>,
    /// `web` for predictions created on the website only.
    pub source: Option<String>,
}

/// The parameters of `predictions.list`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ListPredictions {
    cursor: Option<String>,
    created_after: Option<String>,
    created_before: Option<String>,
    source: Option<String>,
}

/// The predictions resource; see [`Client::predictions`].
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
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'c> {
    client: &'c Client,
}

impl Client {
    /// Returns the predictions resource.
    pub fn predictions(&self) -> Predictions<'_> {
        Predictions { client: self }
    }
}

impl Predictions<'_> {
    /// Creates a prediction and returns without waiting for its output.
    ///
    /// [`CreatePrediction::wait`] asks the API to hold its response; [`Client::run`] returns the output.
    ///
    /// `POST /predictions`, `POST /models/{owner}/{name}/predictions` or
    /// `POST /deployments/{owner}/{name}/predictions`, depending on the reference.
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

    /// Returns a prediction. `GET /predictions/{id}`
    pub fn get(&self, id: &str) -> Call<Prediction> {
        Call::new(self.client, get_prediction(id))
    }

    /// Cancels a prediction. `POST /predictions/{id}/cancel`
    pub fn cancel(&self, id: &str) -> Call<Prediction> {
        Call::new(self.client, cancel_request(id))
    }

    /// Lists predictions, newest first. `GET /predictions`
    pub fn list(&self) -> List<Prediction> {
        self.list_params(ListPredictions::default())
    }

    /// Lists some predictions, newest first. `GET /predictions`
    pub fn list_filtered(&self, filter: PredictionFilter) -> List<Prediction> {
        let PredictionFilter { created_after, created_before, source } = filter;
        self.list_params(ListPredictions { cursor: None, created_after, created_before, source })
    }

    pub(crate) fn list_params(&self, params: ListPredictions) -> List<Prediction> {
        let ListPredictions { cursor, created_after, created_before, source } = params;
        let request = Request::get("/predictions")
            .query("created_after", created_after)
            .query("created_before", created_before)
            .query("source", source);
        List::new(self.client, Ok(request)).maybe_cursor(cursor)
    }

    /// Polls a prediction until it has ended, successfully or not. `GET /predictions/{id}`
    pub fn wait(&self, id: impl Into<String>) -> WaitForPrediction {
        self.wait_params(WaitParams { target: WaitTarget::of(id.into()), options: WaitOptions::default() })
    }

    pub(crate) fn wait_params(&self, params: WaitParams) -> WaitForPrediction {
        WaitForPrediction::new(self.client, params)
    }

    /// Streams the events of an existing prediction. `GET {urls.stream}`
    pub fn stream(&self, id: impl Into<String>) -> StreamPrediction {
        StreamPrediction::new(self.client, OfPrediction::by_id(id.into()), RequestOptions::default())
    }
}
