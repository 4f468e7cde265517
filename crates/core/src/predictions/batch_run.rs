//! One run of a batch, in steps that a checkpoint can record.

use std::{sync::Arc, time::Duration};

use tracing::Instrument;

use super::{
    cancel_guard::CancelGuard, options::PreferWait, poll::Polling, run_params::RunParams,
    run_request::RunRequest, snapshot::Snapshot, target::Target,
};
use crate::{
    client::{Client, options::OnAbandon},
    error::Result,
    http::{
        deadline::Deadline,
        request::{Request, RequestOptions, SendObserver, path},
        time_limit::within,
    },
    identifier::Reference,
    platform::{BoxFuture, MaybeSend, MaybeSync},
    value::Value,
};

/// The options of all runs of a batch.
#[derive(Debug)]
pub(crate) struct BatchRuns {
    request: RunRequest,
    interval: Option<Duration>,
    /// Whether the server may hold a create. Without a hold, the id of a prediction is known early.
    hold: bool,
}

/// Records the steps of a run.
pub(crate) trait BatchSteps: MaybeSend + MaybeSync {
    /// Returns an observer of the create. `input` is the input as it will be sent.
    fn create(&self, input: &Value) -> Arc<dyn SendObserver>;

    /// Called with the response to the create, before the prediction is polled.
    fn created(&self, prediction: &Snapshot) -> BoxFuture<'static, Result<()>>;
}

impl BatchRuns {
    pub fn new(client: &Client, params: RunParams, options: RequestOptions, hold: bool) -> Self {
        let interval = params.options.interval;
        let mut request = params.request(client);
        request.options = options;
        Self { request, interval, hold }
    }

    pub fn client(&self) -> &Client {
        &self.request.client
    }

    pub fn reference(&self) -> Result<Reference> {
        self.request.reference.resolve()
    }

    /// Returns whether leaving the batch cancels its predictions.
    pub fn cancels(&self) -> bool {
        self.guard_of() == OnAbandon::Cancel
    }

    fn guard_of(&self) -> OnAbandon {
        self.request.on_abandon.unwrap_or(self.request.client.config().on_abandon)
    }

    /// Returns an output with its files.
    pub fn with_files(&self, output: Value) -> Value {
        if self.request.files() { self.request.client.with_files(output) } else { output }
    }

    /// Creates a prediction and returns it once it has ended, successfully or not. Dropping the future cancels it.
    pub async fn run(&self, input: Value, steps: &impl BatchSteps) -> Result<Snapshot> {
        let request = RunRequest { input, ..self.request.clone() };
        let span = request.traced();
        // Boxed to keep the future small: each wrapper would otherwise embed it by value.
        let work = Box::pin(async {
            let guard = request.guard();
            let created = self.create(&request, &guard, steps).await?;
            steps.created(&created).await?;
            self.finish(&guard, created).await
        });
        let result = work.instrument(span.span()).await;
        span.ended(result, |prediction| prediction)
    }

    async fn create(
        &self,
        request: &RunRequest,
        guard: &CancelGuard,
        steps: &impl BatchSteps,
    ) -> Result<Snapshot> {
        let RunRequest { client, prediction, uploads, .. } = request;
        let target = Target::from(request.reference.resolve()?);
        let mut options = prediction.clone();
        if guard.on_abandon == OnAbandon::Cancel {
            options.limit(request.timeout);
        }
        let strategy = options.file_encoding_strategy;
        let input = client.send_files(request.input.clone(), strategy, Deadline::none(), uploads).await?;
        let observer = steps.create(&input);
        let hold = if self.hold { PreferWait::short(request.timeout) } else { PreferWait::None };
        let hold = options.hold(hold)?;
        let mut create = target.request(input, &options, hold)?.options(request.options.clone());
        create.observer = Some(observer);
        client.abandoned().make_room(client.runtime()).await;
        guard.create(create).await
    }

    /// Returns an existing prediction once it has ended. Dropping the future cancels it.
    pub async fn attach(&self, id: &str) -> Result<Snapshot> {
        let client = self.client();
        let guard = self.request.guard();
        let request = Request::get(path("/predictions/{id}", &[("id", id)])?);
        let known: Snapshot = client.fetch(&request.options(self.request.options.clone())).await?;
        self.finish(&guard, known).await
    }

    /// Polls a prediction until it has ended. The timeout begins when it was created, because earlier it waited for the rate
    /// limit.
    async fn finish(&self, guard: &CancelGuard, created: Snapshot) -> Result<Snapshot> {
        let client = self.client();
        let RunRequest { options, timeout, .. } = &self.request;
        let observer = guard.observing(None);
        observer(created.clone().into_value());
        let polling = Polling {
            interval: self.interval,
            started: None,
            deadline: Deadline::after(client.runtime(), *timeout),
            observer: Some(observer),
            options: options.clone(),
        };
        let ended = client.poll(created, &polling);
        let ended = match timeout {
            Some(timeout) => within(client.runtime(), *timeout, ended)
                .await
                .unwrap_or_else(|| Err(guard.deadline_error(*timeout))),
            None => ended.await,
        };
        if ended.is_ok() {
            guard.disarm();
        }
        ended
    }
}
