//! What `run` and `stream` have in common: what is run, and how.

use std::time::Duration;

use super::{
    cancel_guard::CancelGuard,
    options::{PredictionOptions, PreferWait},
    snapshot::Snapshot,
    target::Target,
};
use crate::{
    client::{Client, options::OnAbandon},
    error::Result,
    files::upload_progress::UploadWatch,
    http::{deadline::Deadline, request::RequestOptions, time_limit::within},
    identifier::Named,
    value::Value,
};

/// A prediction about to be created and followed to its end.
#[derive(Debug, Clone)]
pub(super) struct RunRequest {
    pub client: Client,
    pub reference: Named,
    pub input: Value,
    pub timeout: Option<Duration>,
    pub use_file_output: Option<bool>,
    pub on_abandon: Option<OnAbandon>,
    pub prediction: PredictionOptions,
    pub options: RequestOptions,
    pub uploads: UploadWatch,
    /// Whether a model without events is polled for its output.
    pub poll_output: bool,
}

impl RunRequest {
    pub fn new(client: &Client, reference: Named, input: Value) -> Self {
        Self {
            client: client.clone(),
            reference,
            input,
            timeout: None,
            use_file_output: None,
            on_abandon: None,
            prediction: PredictionOptions::default(),
            options: RequestOptions::default(),
            uploads: UploadWatch::default(),
            poll_output: false,
        }
    }

    /// To be called within the runtime.
    pub fn guard(&self) -> CancelGuard {
        CancelGuard::new(&self.client, self.on_abandon.unwrap_or(self.client.config().on_abandon))
    }

    /// Whether URLs of files become files.
    pub fn files(&self) -> bool {
        self.use_file_output.unwrap_or(self.client.config().use_file_output)
    }

    /// Holds `work` to the deadline.
    pub async fn limited<T>(&self, guard: &CancelGuard, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(timeout) = self.timeout else { return work.await };
        match within(self.client.runtime(), timeout, work).await {
            Some(result) => result,
            None => Err(guard.deadline_error(timeout)),
        }
    }

    /// Creates the prediction; its cancel is assured from here on.
    pub async fn create(
        &self,
        guard: &CancelGuard,
        hold: Option<PreferWait>,
    ) -> Result<(Snapshot, Deadline)> {
        let target = Target::from(self.reference.resolve()?);
        let deadline = Deadline::after(self.client.runtime(), self.timeout);
        let mut options = self.prediction.clone();
        if guard.on_abandon == OnAbandon::Cancel {
            options.limit(self.timeout);
        }
        let strategy = options.file_encoding_strategy;
        let input = self.client.send_files(self.input.clone(), strategy, deadline, &self.uploads).await?;
        let request = target.request(input, &options, hold)?.deadline(deadline).options(self.options.clone());
        Ok((guard.create(request).await?, deadline))
    }
}

/// Builder methods over a field `request: RunRequest`.
macro_rules! run_request_options {
    () => {
        /// How long all of it may take, from creating the prediction to the last of what it gives. When the time is up the
        /// prediction is cancelled (see `on_abandon`) and the error carries it.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// use std::time::Duration;
        ///
        /// let run = client.run("acme/painter", replicant::json!({"prompt": "a heron"}));
        /// let output = run.timeout(Duration::from_secs(120)).await?;
        /// # Ok(()) }
        /// ```
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.request.timeout = Some(timeout);
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
            self.request.use_file_output = Some(use_file_output);
            self
        }

        /// What happens to the prediction when this is given up: dropped, or out of time.
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
        pub fn on_abandon(mut self, on_abandon: $crate::client::options::OnAbandon) -> Self {
            self.request.on_abandon = Some(on_abandon);
            self
        }

        $crate::files::upload_progress::on_upload!(request.uploads);
        $crate::client::call::request_options!(request.options);
        $crate::predictions::options::prediction_options!(request.prediction);
    };
}

pub(super) use run_request_options;
