//! One run of a batch, in steps that a checkpoint can record.

use std::sync::Arc;

use tracing::Instrument;

use super::{
    cancel_guard::CancelGuard, options::PreferWait, poll::Polling, run_params::RunParams,
    run_request::RunRequest, snapshot::Snapshot,
};
use crate::{
    client::{Client, options::OnAbandon},
    error::Result,
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
    /// Whether the server may hold a create unless the user sets `wait`. Without a hold, the id of a prediction is known early.
    may_hold: bool,
}

/// Records the steps of a run.
pub(crate) trait BatchSteps: MaybeSend + MaybeSync {
    /// Returns an observer of the create. `input` is the input as it will be sent.
    fn create(&self, input: &Value) -> Arc<dyn SendObserver>;

    /// Called with the response to the create, before the prediction is polled.
    fn created(&self, prediction: &Snapshot) -> BoxFuture<'static, Result<()>>;
}

impl BatchRuns {
    pub fn new(client: &Client, params: RunParams, options: RequestOptions, may_hold: bool) -> Self {
        let mut request = params.request(client);
        request.options = options;
        Self { request, may_hold }
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
            let guard = request.guard();
            let hold = self.hold()?;
            let observe = |input: &Value| Some(steps.create(input));
            let created = request.create_observed(&guard, hold, Deadline::none(), observe).await?;
            steps.created(&created).await?;
            let at_once = hold != PreferWait::None && created.has_output();
            self.finish(&guard, created, at_once).await
        });
        let result = work.instrument(span.span()).await;
        span.ended(result, |prediction| prediction)
    }

    /// Returns how long the server may hold a create.
    fn hold(&self) -> Result<PreferWait> {
        let RunRequest { create_options, timeout, .. } = &self.request;
        create_options.hold(if self.may_hold { PreferWait::of_batch(*timeout) } else { PreferWait::None })
    }

    /// Returns an existing prediction once it has ended. Dropping the future cancels it.
    pub async fn attach(&self, id: &str) -> Result<Snapshot> {
        let client = self.client();
        let guard = self.request.guard();
        let options = self.request.options.clone();
        guard.observing(None)(Value::from_members([("id", id.into())]));
        let known = client.fetch_prediction(id, Deadline::none(), options).await;
        let known = known.inspect_err(|_| drop(guard.disarm()))?;
        self.finish(&guard, known, false).await
    }

    /// Polls a prediction until it has ended. The timeout begins when it was created, because earlier it waited for the rate
    /// limit.
    async fn finish(&self, guard: &CancelGuard, created: Snapshot, at_once: bool) -> Result<Snapshot> {
        let client = self.client();
        let deadline = Deadline::after(client.runtime(), self.request.timeout);
        let observer = guard.observing(None);
        observer(created.clone().into_value());
        let polling = Polling { at_once, ..self.request.polling(deadline, Some(observer)) };
        let ended = self.request.limited(guard, client.poll(created, &polling)).await;
        if ended.is_ok() {
            guard.disarm();
        }
        ended
    }
}
