//! Creates a prediction that outlives the process, and returns its handle.

use std::future::IntoFuture;

use serde::Deserialize;

use super::{
    create::CreatePrediction,
    handle::{Handle, HandleDescription},
    options::{PredictionOptions, prediction_options},
    run_params::reference,
    snapshot::Snapshot,
    target::Target,
};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Result, decode, flattened},
    files::upload_progress::on_upload,
    http::request::RequestOptions,
    identifier::{Reference, ReferenceParam},
    platform::BoxFuture,
    value::{Observer, Value, options::options},
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
pub struct Submit {
    create: CreatePrediction,
}

impl Submit {
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

options! {
    /// The target and the input of `submit`.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct SubmitArguments {
        #[serde(deserialize_with = "reference")]
        r#ref: ReferenceParam,
        #[serde(default)]
        input: Option<Value>,
    }
}

flattened! {
    /// The parameters of `submit`.
    pub(crate) struct SubmitParams {
        arguments: SubmitArguments,
        options: PredictionOptions,
    }
}

impl SubmitParams {
    pub fn submit(self, client: &Client) -> Submit {
        let Self { arguments: SubmitArguments { r#ref, input }, options } = self;
        let target = r#ref.resolve().map(Target::from);
        let mut create = CreatePrediction::new(client, target, input.unwrap_or_else(Value::object));
        create.prediction = options;
        Submit { create }
    }
}
