//! Runs a model over many inputs: [`Client::map`].

mod batch;
pub(crate) mod checkpoint;
mod driver;
mod fingerprint;
pub(crate) mod folder;
mod hash;
mod item;
mod load;
pub(crate) mod options;
pub(crate) mod params;
mod records;
mod recover;
mod row;
mod row_feed;
mod run_row;
mod save;
mod stats;

use std::{
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use self::{batch::Batch, driver::drive, options::MapOptions};
pub use self::{
    item::MapItem,
    options::OnError,
    row::Row,
    stats::{MapStats, Stopped},
};
use crate::{
    client::{Client, background, options::OnAbandon},
    error::{Error, ErrorKind, Result},
    http::request::RequestOptions,
    identifier::ReferenceParam,
    platform::{BoxError, BoxStream, Exclusive},
    predictions::{
        batch_run::BatchRuns,
        options::PredictionOptions,
        run_params::{RunOptions, RunParams},
    },
};

/// Runs of a model over many inputs, a [`Stream`] of their results; see [`Client::map`].
///
/// The batch begins when the stream is first polled, in its own task, which must be within the async runtime. Dropping
/// the stream creates no more predictions and cancels the running ones; see [`Map::on_abandon`].
///
/// # Errors
/// The stream ends with an error if an option is invalid, the checkpoint cannot be read or written, the source of rows fails
/// (see [`Client::try_map`]), a hook fails, or as [`Map::errors`] or [`Map::max_error_rate`] say. If the API refuses the token,
/// the account has no credit, or the API forbids the model (403), the running predictions are finished first. Any
/// other row that fails is an item with an error.
///
/// # Panics
/// Panics if it is first polled outside a tokio runtime.
#[must_use = "a batch begins when it is polled"]
pub struct Map {
    state: State,
    params: RunParams,
    options: MapOptions,
    request_options: RequestOptions,
    /// Whether it was stopped before it has begun.
    is_stopped: AtomicBool,
}

enum State {
    Ready { client: Client, rows: Exclusive<BoxStream<'static, Result<Row>>> },
    Running { batch: Arc<Batch>, results: mpsc::UnboundedReceiver<Result<MapItem>> },
}

impl Client {
    /// Runs a model over many inputs, many at a time, and returns a stream of their results in the order in which they end.
    ///
    /// Creates wait for the rate limit instead of failing with 429. Rows are read as they are needed. With a
    /// [checkpoint](Map::checkpoint), a batch that was interrupted continues where it stopped.
    ///
    /// `reference` is as in [`Client::run`]. A row is an input, or a [`Row`] with a key.
    ///
    /// `POST /predictions` or `POST /models/{owner}/{name}/predictions`, then `GET /predictions/{id}` until each has ended.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::{TryStreamExt, stream};
    /// use replicant::{json, map::Row};
    ///
    /// let prompts = ["a heron", "a harbor"];
    /// let rows = stream::iter(prompts.map(|prompt| Row::new(json!({"prompt": prompt})).key(prompt)));
    /// let mut results = client.map("acme/painter", rows).concurrency(16).checkpoint("painter.jsonl").save_to("pictures");
    /// while let Some(item) = results.try_next().await? {
    ///     println!("{} {}", item.key, item.status);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn map<R: Into<Row>>(
        &self,
        reference: impl AsRef<str>,
        rows: impl Stream<Item = R> + Send + 'static,
    ) -> Map {
        self.map_rows(reference.as_ref(), Box::pin(rows.map(|row| Ok(row.into()))))
    }

    /// Like [`Client::map`], for a source of rows that can fail, such as a database. Its first error ends the batch: the running
    /// predictions are canceled, and the stream ends with an error whose source it is, or with itself if it is an [`Error`].
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::{fs::File, io::{BufRead, BufReader}};
    ///
    /// use futures_util::{TryStreamExt, stream};
    /// use replicant::{json, map::Row};
    ///
    /// let lines = BufReader::new(File::open("prompts.txt").expect("a file")).lines();
    /// let rows = stream::iter(lines).map_ok(|line| Row::new(json!({"prompt": line})));
    /// let mut results = client.try_map("acme/painter", rows);
    /// while let Some(item) = results.try_next().await? {
    ///     println!("{} {}", item.key, item.status);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn try_map<R: Into<Row>, E: Into<BoxError>>(
        &self,
        reference: impl AsRef<str>,
        rows: impl Stream<Item = Result<R, E>> + Send + 'static,
    ) -> Map {
        let rows = rows.map(|row| row.map(Into::into).map_err(|error| rows_failed(error.into())));
        self.map_rows(reference.as_ref(), Box::pin(rows))
    }

    fn map_rows(&self, reference: &str, rows: BoxStream<'static, Result<Row>>) -> Map {
        let params = RunParams::new(
            ReferenceParam::Text(reference.to_owned()),
            RunOptions::default(),
            PredictionOptions::default(),
        );
        Map::new(self, rows, params, MapOptions::default(), RequestOptions::default())
    }
}

/// Builds the error of a source of rows.
fn rows_failed(source: BoxError) -> Error {
    match source.downcast::<Error>() {
        Ok(error) => *error,
        Err(source) => Error::invalid(format!("`rows`: {source}")).about("rows").with_source(source),
    }
}

impl Map {
    fn new(
        client: &Client,
        rows: BoxStream<'static, Result<Row>>,
        params: RunParams,
        options: MapOptions,
        request_options: RequestOptions,
    ) -> Self {
        let state = State::Ready { client: client.clone(), rows: Exclusive::new(rows) };
        Self { state, params, options, request_options, is_stopped: AtomicBool::new(false) }
    }

    /// Sets how many predictions run at a time: 1 to 10,000. Defaults to 64.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.options.concurrency = Some(concurrency);
        self
    }

    /// Returns results in the order of the rows. Buffers at most four times `concurrency` results. If an error ends the batch,
    /// those that wait for an earlier row come before it.
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.options.ordered = ordered;
        self
    }

    /// Sets what to do with a row that fails. By default it is returned as an item.
    pub fn errors(mut self, errors: OnError) -> Self {
        self.options.errors = errors;
        self
    }

    /// Sets the share of the last 50 rows that may fail: above 0, at most 1. If more fail, no more predictions are created,
    /// the running ones are finished, and the stream ends with an error.
    pub fn max_error_rate(mut self, share: f64) -> Self {
        self.options.max_error_rate = Some(share);
        self
    }

    /// Sets how many times the prediction of a row is created again after it failed, or after the API deleted its output
    /// before it was read. Each is billed. Predictions that failed because of a content filter or an invalid input, and
    /// canceled ones, are not created again. Predictions that the end of an earlier batch canceled do not count. Defaults to 0.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = retries;
        self
    }

    /// Sets the maximum number of predictions to create. When a row would exceed it, the batch waits for the running
    /// predictions and ends; [`MapStats::stopped`] says why. With a checkpoint, it reads on for rows whose results it has,
    /// until it has read 1,000 others in a row, or as many as results are left if these are more.
    pub fn max_predictions(mut self, predictions: u64) -> Self {
        self.options.max_predictions = Some(predictions);
        self
    }

    /// Sets a limit on the metered predict time, in seconds. It is an estimate: each running prediction counts as the mean of
    /// those that have ended. At the limit, the batch ends as at [`Map::max_predictions`].
    pub fn max_seconds(mut self, seconds: f64) -> Self {
        self.options.max_seconds = Some(seconds);
        self
    }

    /// Sets a file that records each step of a row. A batch with the same file returns the results that it has, waits for the
    /// predictions that were created, and runs the remaining rows. A row whose key had another input fails. Files on disk are
    /// compared by their names, sizes, and the starts and ends of their contents, and files in memory by their first MiB; a
    /// source that can be read only once needs a key.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.checkpoint = Some(path.into());
        self
    }

    /// Sets whether to create predictions again for rows whose outcome an earlier process left unknown. By default they are items
    /// with the status `unknown`.
    pub fn retry_unknown(mut self, retry: bool) -> Self {
        self.options.retry_unknown = retry;
        self
    }

    /// Sets a folder to which the files of each output are saved at once, because the API deletes them after an hour. Their
    /// names are the keys of the rows; a hash is added to a name that a file of another batch has. Outputs contain the paths of
    /// the files.
    pub fn save_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.save_to = Some(folder.into());
        self
    }

    /// Sets the time limit of each prediction, from its creation to its end. Then it is canceled, and its row fails; a batch
    /// with the same checkpoint runs the row again.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.params.options.timeout = Some(timeout);
        self
    }

    /// Sets the time between polls. Defaults to the interval of the client, otherwise adaptive.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.params.options.interval = Some(interval);
        self
    }

    /// Sets what to do with the running predictions when the stream is dropped before its end.
    pub fn on_abandon(mut self, on_abandon: OnAbandon) -> Self {
        self.params.options.on_abandon = Some(on_abandon);
        self
    }

    crate::client::call::request_options!(request_options);
    crate::predictions::options::prediction_options!(params.create_options);

    /// Creates no more predictions. The stream returns the results of the running ones and ends. Rows that were read and not
    /// sent are not counted.
    pub fn stop(&self) {
        match self.batch() {
            Some(batch) => batch.stop(Stopped::Requested),
            None => self.is_stopped.store(true, SeqCst),
        }
    }

    /// Returns the progress.
    pub fn stats(&self) -> MapStats {
        self.batch().map_or_else(MapStats::default, |batch| batch.stats())
    }

    fn batch(&self) -> Option<&Arc<Batch>> {
        match &self.state {
            State::Running { batch, .. } => Some(batch),
            State::Ready { .. } => None,
        }
    }

    /// Begins the batch.
    fn begin(&mut self) {
        let State::Ready { client, rows } = &mut self.state else { return };
        let (client, rows) = (client.clone(), std::mem::replace(rows.get_mut(), Box::pin(stream::empty())));
        let has_checkpoint = self.options.checkpoint.is_some();
        let (params, request_options) = (self.params.clone(), self.request_options.clone());
        let runs = BatchRuns::new(&client, params, request_options, has_checkpoint);
        let batch = Arc::new(Batch::new(runs, self.options.clone()));
        if *self.is_stopped.get_mut() {
            batch.stop(Stopped::Requested);
        }
        let (sender, results) = mpsc::unbounded_channel();
        let spawner = client.runtime().spawner();
        let (driven, end) = (batch.clone(), End { results: sender.clone(), is_regular: false });
        let task = async move {
            drive(driven, rows, sender).await;
            end.reach();
        };
        background::spawn(&client, &spawner, Box::pin(task));
        self.state = State::Running { batch, results };
    }
}

/// Ends the results with an error if the task of the batch does not end by itself, so that they do not look complete.
struct End {
    results: mpsc::UnboundedSender<Result<MapItem>>,
    is_regular: bool,
}

impl End {
    fn reach(mut self) {
        self.is_regular = true;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.is_regular {
            let message = "the batch is not complete: its task panicked, or its runtime was shut down";
            let _ = self.results.send(Err(Error::new(ErrorKind::Internal, message)));
        }
    }
}

impl Stream for Map {
    type Item = Result<MapItem>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.begin();
        let State::Running { batch, results } = &mut self.state else { return Poll::Ready(None) };
        let result = ready!(results.poll_recv(context));
        if matches!(result, Some(Ok(_))) {
            batch.unread.fetch_sub(1, SeqCst);
            batch.read.notify_one();
        }
        Poll::Ready(result)
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Map").field("options", &self.options).finish_non_exhaustive()
    }
}
