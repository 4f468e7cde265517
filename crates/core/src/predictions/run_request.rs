//! The request of `run` and `stream`: the prediction to create and its options.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    cancel_guard::{CancelGuard, deadline_error},
    options::{PredictionOptions, PreferWait},
    poll::Polling,
    run_params::RunOptions,
    run_span::{RunSpan, model_of},
    snapshot::Snapshot,
    target::Target,
};
use crate::{
    client::{Client, options::OnAbandon},
    error::{ErrorKind, Result},
    files::upload_progress::UploadObserver,
    http::{
        deadline::Deadline,
        request::{RequestOptions, SendObserver},
        time_limit::within,
    },
    identifier::ReferenceParam,
    value::{Observer, Value},
};

/// A prediction to create, with the options of its run.
#[derive(Clone)]
pub(super) struct RunRequest {
    pub client: Client,
    pub reference: ReferenceParam,
    pub input: Value,
    pub run: RunOptions,
    pub create_options: PredictionOptions,
    pub options: RequestOptions,
    pub uploads: UploadObserver,
    /// Whether to poll the output of a model that has no event stream.
    pub poll_output: bool,
}

impl fmt::Debug for RunRequest {
    /// Omits the input, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunRequest")
            .field("reference", &self.reference)
            .field("run", &self.run)
            .field("create_options", &self.create_options)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl RunRequest {
    pub fn new(client: &Client, reference: ReferenceParam, input: Value) -> Self {
        Self {
            client: client.clone(),
            reference,
            input,
            run: RunOptions::default(),
            create_options: PredictionOptions::default(),
            options: RequestOptions::default(),
            uploads: UploadObserver::default(),
            poll_output: false,
        }
    }

    /// Builds the guard that cancels the prediction. Must be called within the async runtime.
    pub fn guard(&self) -> CancelGuard {
        CancelGuard::new(&self.client, self.on_abandon(), self.options.clone())
    }

    /// Returns what to do with an abandoned prediction.
    pub fn on_abandon(&self) -> OnAbandon {
        self.run.on_abandon.unwrap_or(self.client.config().on_abandon)
    }

    /// Returns the time limit of one request, if the user set one.
    pub fn request_timeout(&self) -> Option<Duration> {
        self.options.timeout.or(self.client.config().explicit_timeout)
    }

    /// Returns the time between polls, if the user set one.
    pub fn interval(&self) -> Option<Duration> {
        self.run.interval.or_else(|| self.create_options.interval())
    }

    /// Returns how to poll the prediction.
    pub fn polling(&self, deadline: Deadline, observer: Option<Observer>) -> Polling {
        let (interval, options) = (self.interval(), self.options.clone());
        Polling { interval, deadline, observer, options, ..Polling::default() }
    }

    /// Begins the span of the run.
    pub fn traced(&self) -> RunSpan {
        RunSpan::new(&self.client, || model_of(&self.reference), &self.input)
    }

    /// Returns `true` if URLs of files become file outputs.
    pub fn use_file_output(&self) -> bool {
        self.client.uses_files(self.run.use_file_output)
    }

    /// Returns an output with its files.
    pub fn with_files(&self, output: Value) -> Value {
        self.client.with_files_if(self.use_file_output(), output)
    }

    /// Runs `work` and fails once the timeout has passed.
    pub async fn limited<T>(&self, guard: &CancelGuard, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(timeout) = self.run.timeout else { return work.await };
        match within(self.client.runtime(), timeout, work).await {
            Some(result) => result,
            None => Err(guard.deadline_error(timeout)),
        }
    }

    /// Creates the prediction, which the guard can then cancel.
    pub async fn create(&self, guard: &CancelGuard, hold: PreferWait) -> Result<(Snapshot, Deadline)> {
        let deadline = Deadline::after(self.client.runtime(), self.run.timeout);
        Ok((self.create_observed(guard, hold, deadline, |_| None).await?, deadline))
    }

    /// Creates the prediction with the observer that `observe` returns for the input as it will be sent.
    pub async fn create_observed(
        &self,
        guard: &CancelGuard,
        hold: PreferWait,
        deadline: Deadline,
        observe: impl FnOnce(&Value) -> Option<Arc<dyn SendObserver>>,
    ) -> Result<Snapshot> {
        let Self { client, input, options, uploads, .. } = self;
        let mut create_options = self.create_options.clone();
        if self.on_abandon() == OnAbandon::Cancel {
            create_options.default_cancel_after(self.run.timeout);
        }
        // Before files are sent, so that an invalid reference sends none.
        let target = Target::from(self.reference.resolve()?);
        let strategy = create_options.file_encoding_strategy;
        let sending = client.send_files(input.clone(), strategy, deadline, options, uploads);
        let input = guard.uploading(sending).await.map_err(|error| {
            // An upload may notice that the time is over before the run does.
            let is_over = deadline.remaining(client.runtime()).is_some_and(|left| left.is_zero());
            match self.run.timeout.filter(|_| is_over && error.kind() == ErrorKind::Timeout) {
                Some(timeout) => guard.deadline_error(timeout),
                None => error,
            }
        })?;
        let observer = observe(&input);
        let request = target.request(input, &create_options, hold)?;
        let mut request = request.options(options.clone()).deadline(deadline);
        // Unless the hold is the user's choice, their timeout includes it.
        request.hold_within_timeout = !create_options.sets_hold();
        request.observer = observer;
        client.abandoned().make_room(client.runtime()).await;
        // In a batch, the time begins once the prediction is created.
        let left = deadline.remaining(client.runtime()).or(self.run.timeout);
        if let (Some(Duration::ZERO), Some(timeout)) = (left, self.run.timeout) {
            let state = "no prediction was created, as no time was left to send its create";
            return Err(deadline_error(timeout, state, None));
        }
        guard.create(request).await
    }
}

/// Adds the methods that set the options of a run. They are in the field `request`.
macro_rules! run_request_options {
    () => {
        /// Sets the time limit for the whole call, from the create to the end of the output. When it passes, the
        /// prediction is canceled (see `on_abandon`); the error has the prediction.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.request.run.timeout = Some(timeout);
            self
        }

        /// Sets whether files in the output become [`FileOutput`](crate::FileOutput)s rather than strings.
        pub fn use_file_output(mut self, use_file_output: bool) -> Self {
            self.request.run.use_file_output = Some(use_file_output);
            self
        }

        /// Sets what to do with the prediction when this call is abandoned: dropped, or timed out.
        pub fn on_abandon(mut self, on_abandon: $crate::client::options::OnAbandon) -> Self {
            self.request.run.on_abandon = Some(on_abandon);
            self
        }

        $crate::files::upload_progress::on_upload!(request.uploads);
        $crate::client::call::request_options!(request.options);
        $crate::predictions::options::prediction_options!(request.create_options);
    };
}

pub(super) use run_request_options;
