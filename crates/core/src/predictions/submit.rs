//! Creates a prediction that outlives the process, and returns its handle.

use std::future::IntoFuture;

use super::{
    create::CreatePrediction,
    handle::{Handle, HandleDescription},
    options::prediction_options,
    run_params::RunParams,
    snapshot::Snapshot,
    target::Target,
};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Result, decode},
    files::upload_progress::on_upload,
    http::request::RequestOptions,
    identifier::Reference,
    platform::BoxFuture,
    value::{Observer, Value},
};

impl Client {
    /// Creates a prediction and returns a handle without waiting for the output. The prediction is never canceled on its
    /// own: neither when the handle is dropped nor when the process ends.
    ///
    /// `reference` has the forms that [`Client::run`] accepts.
    ///
    /// `POST /predictions`, `POST /models/{owner}/{name}/predictions` or
    /// `POST /deployments/{owner}/{name}/predictions`, depending on the reference.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use std::time::Duration;
    ///
    /// let handle = client.submit("acme/captioner", replicant::json!({"prompt": "a heron"})).await?;
    /// println!("{}", handle.result().timeout(Duration::from_secs(600)).await?);
    /// # Ok(()) }
    /// ```
    pub fn submit(&self, reference: impl AsRef<str>, input: impl Into<Value>) -> Submit {
        let target = reference.as_ref().parse::<Reference>().map(Target::from);
        Submit { create: CreatePrediction::new(self, target, input.into()) }
    }
}

/// A call that creates a prediction and returns its [`Handle`]; see [`Client::submit`].
///
/// # Errors
/// The errors of a [`CreatePrediction`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let submit = client.submit("acme/captioner", replicant::json!({"prompt": "a heron"}));
/// println!("{}", submit.webhook("https://example.com/done").await?.id());
/// # Ok(()) }
/// ```
#[must_use = "a prediction is created when this is awaited"]
#[derive(Debug)]
pub struct Submit {
    create: CreatePrediction,
}

impl Submit {
    /// Builds the call from the parameters of a run.
    pub(crate) fn of_params(client: &Client, params: RunParams) -> Result<Self> {
        let (reference, input, prediction) = params.for_submit()?;
        let mut create = CreatePrediction::new(client, reference.resolve().map(Target::from), input);
        create.prediction = prediction;
        Ok(Self { create })
    }

    on_upload!(create.uploads);
    request_options!(create.options);
    prediction_options!(create.prediction);
}

impl Work for Submit {
    fn options_mut(&mut self) -> &mut RequestOptions {
        self.create.options_mut()
    }

    fn set_observer(&mut self, observer: Observer) {
        self.create.set_observer(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        let named = self.create.name();
        let reply = self.create.reply();
        Box::pin(async move {
            reply.await?.map(|created| {
                let model = created["model"].as_str().map(str::to_owned).or(named);
                let created = Snapshot::new(created).with_id()?;
                let id = created.id().unwrap_or_default().to_owned();
                Ok(HandleDescription { id, model }.to_value())
            })
        })
    }
}

impl IntoFuture for Submit {
    type Output = Result<Handle>;
    type IntoFuture = BoxFuture<'static, Result<Handle>>;

    fn into_future(self) -> Self::IntoFuture {
        let client = self.create.client.clone();
        let reply = self.reply();
        Box::pin(async move { Ok(client.handle(decode::<HandleDescription>(reply.await?.value)?)) })
    }
}
