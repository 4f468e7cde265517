//! One run of a batch, in steps that a checkpoint can record.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use tracing::Instrument;

use super::{
    cancel_guard::CancelGuard, options::PreferWait, poll::Polling, run_params::RunParams,
    run_request::RunRequest, snapshot::Snapshot,
};
use crate::{
    client::{Client, options::OnAbandon},
    error::{Error, ErrorKind, Result},
    http::{
        deadline::Deadline,
        request::{RequestOptions, SendObserver},
    },
    identifier::Reference,
    platform::{BoxFuture, MaybeSend, MaybeSync},
    value::Value,
};

/// The options of all runs of a batch.
#[derive(Debug)]
pub(crate) struct BatchRuns {
    request: RunRequest,
    /// Whether a later batch can wait for the predictions of this one.
    has_checkpoint: bool,
    /// Whether the predictions go on when their runs are dropped.
    are_left: Arc<AtomicBool>,
}

/// Records the steps of a run.
pub(crate) trait BatchSteps: MaybeSend + MaybeSync {
    /// Returns an observer of the create. `input` is the input as it will be sent.
    fn create(&self, input: &Value) -> Arc<dyn SendObserver>;

    /// Called with the response to the create, before the prediction is polled.
    fn created(&self, prediction: &Snapshot) -> BoxFuture<'static, Result<()>>;

    /// Called before the prediction is canceled because its timeout has passed.
    fn canceling(&self) -> BoxFuture<'static, Result<()>>;
}

impl BatchRuns {
    pub fn new(client: &Client, params: RunParams, options: RequestOptions, has_checkpoint: bool) -> Self {
        let mut request = params.request(client);
        request.options = options;
        Self { request, has_checkpoint, are_left: Arc::default() }
    }

    pub fn client(&self) -> &Client {
        &self.request.client
    }

    pub fn options(&self) -> &RequestOptions {
        &self.request.options
    }

    pub fn reference(&self) -> Result<Reference> {
        self.request.reference.resolve()
    }

    /// Returns `true` if leaving the batch cancels its predictions.
    pub fn cancels(&self) -> bool {
        self.request.on_abandon() == OnAbandon::Cancel
    }

    /// Leaves the predictions running when their runs are dropped.
    pub fn leave(&self) {
        self.are_left.store(true, SeqCst);
    }

    fn guard(&self) -> CancelGuard {
        let mut guard = self.request.guard();
        guard.is_left = self.are_left.clone();
        guard
    }

    /// Returns an output with its files.
    pub fn with_files(&self, output: Value) -> Value {
        self.request.with_files(output)
    }

    /// Creates a prediction and returns it once it has ended, successfully or not. Dropping the future cancels it.
    pub async fn run(&self, input: Value, steps: &impl BatchSteps) -> Result<Snapshot> {
        let request = RunRequest { input, ..self.request.clone() };
        let span = request.traced();
        // Boxed to keep the future small: each wrapper would otherwise embed it by value.
        let work = Box::pin(async {
            let guard = self.guard();
            let hold = self.hold()?;
            let observe = |input: &Value| Some(steps.create(input));
            let created = request.create_observed(&guard, hold, Deadline::none(), observe).await?;
            // Without a record of its id, a later batch finds it by its input.
            steps.created(&created).await.inspect_err(|_| drop(guard.disarm()))?;
            let at_once = hold != PreferWait::None && created.has_output();
            self.finish(&guard, created, at_once, steps).await
        });
        let result = work.instrument(span.span()).await;
        span.ended(result, |prediction| prediction)
    }

    /// Returns how long the server may hold a create.
    fn hold(&self) -> Result<PreferWait> {
        let RunRequest { create_options, run, .. } = &self.request;
        // Without a checkpoint, a short hold saves polls. With one, the id should be known early.
        create_options.hold(if self.has_checkpoint {
            PreferWait::None
        } else {
            PreferWait::of_batch(run.timeout)
        })
    }

    /// Returns an existing prediction once it has ended. Dropping the future cancels it.
    pub async fn attach(&self, id: &str, steps: &impl BatchSteps) -> Result<Snapshot> {
        let client = self.client();
        let guard = self.guard();
        let options = self.request.options.clone();
        guard.observing(None)(Value::from_members([("id", id.into())]));
        let known = client.fetch_prediction(id, Deadline::none(), options).await;
        let known = known.inspect_err(|_| drop(guard.disarm()))?;
        self.finish(&guard, known, false, steps).await
    }

    /// Polls a prediction until it has ended. The timeout begins when it was created, because earlier it waited for the rate
    /// limit.
    async fn finish(
        &self,
        guard: &CancelGuard,
        created: Snapshot,
        at_once: bool,
        steps: &impl BatchSteps,
    ) -> Result<Snapshot> {
        let client = self.client();
        let deadline = Deadline::after(client.runtime(), self.request.run.timeout);
        let observer = guard.observing(None);
        observer(created.clone().into_value());
        let polling = Polling { at_once, ..self.request.polling(deadline, Some(observer)) };
        let ended = self.request.limited(guard, client.poll(created, &polling)).await;
        let is_canceled = match &ended {
            Ok(_) => false,
            Err(error) => self.is_canceled(error, steps).await,
        };
        if !is_canceled {
            guard.disarm();
        }
        ended
    }

    /// Returns `true` if a prediction is to be canceled after waiting for it has failed.
    async fn is_canceled(&self, error: &Error, steps: &impl BatchSteps) -> bool {
        match error.kind() {
            _ if error.is_of_hook() => true,
            ErrorKind::Deadline => !self.cancels() || steps.canceling().await.is_ok(),
            _ => !self.has_checkpoint,
        }
    }
}
