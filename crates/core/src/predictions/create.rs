//! Creates predictions.

use std::fmt;

use serde::Deserialize;
use tracing::{Instrument, Level, event_enabled};

use super::{
    options::{PredictionOptions, PreferWait, prediction_options},
    run_span::RunSpan,
    snapshot::Snapshot,
    target::{Target, named, owner_and},
    types::Prediction,
};
use crate::{
    client::{
        Client,
        call::{Work, awaitable, request_options},
        response::{Expect, Payload, Reply},
    },
    error::{Error, Result, flattened},
    files::upload_progress::{UploadObserver, on_upload},
    http::{deadline::Deadline, request::RequestOptions},
    identifier::{Reference, ReferenceParam},
    platform::BoxFuture,
    value::{Observer, Value, options::options},
};

/// A call that creates a prediction; see [`Predictions::create`](crate::resources::predictions::Predictions::create).
///
/// # Errors
/// The errors of a [`Call`](crate::Call); with files in the input also
/// [`ErrorKind::FileNotFound`](crate::ErrorKind::FileNotFound) and
/// [`ErrorKind::FileTooLarge`](crate::ErrorKind::FileTooLarge).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let input = replicant::json!({"prompt": "a heron"});
/// let created = client.predictions().create("acme/painter", input).wait(5).max_retries(2).await?;
/// println!("{}", created.id);
/// # Ok(()) }
/// ```
#[must_use = "a prediction is created when this is awaited"]
pub struct CreatePrediction {
    pub(super) client: Client,
    target: Result<Target>,
    input: Value,
    pub(super) prediction: PredictionOptions,
    pub(super) options: RequestOptions,
    pub(super) uploads: UploadObserver,
}

impl fmt::Debug for CreatePrediction {
    /// Omits the input, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatePrediction")
            .field("target", &self.target)
            .field("prediction", &self.prediction)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl CreatePrediction {
    pub(crate) fn new(client: &Client, target: Result<Target>, input: Value) -> Self {
        let (prediction, options, uploads) = Default::default();
        Self { client: client.clone(), target, input, prediction, options, uploads }
    }

    /// Returns the name of what is run, if the reference is valid.
    pub(super) fn name(&self) -> Option<String> {
        self.target.as_ref().ok().map(Target::name)
    }

    on_upload!();
    request_options!();
    prediction_options!();

    async fn create(self) -> Result<Reply<Payload>> {
        let Self { client, target, input, prediction, options, uploads } = self;
        let (target, hold) = (target?, prediction.hold(PreferWait::None)?);
        let mut span = RunSpan::new(&client, || target.name(), &input);
        // Boxed to keep the future small: each wrapper would otherwise embed it by value.
        let create = Box::pin(async {
            let strategy = prediction.file_encoding_strategy;
            let input = client.send_files(input, strategy, Deadline::none(), &options, &uploads).await?;
            let request = target.request(input, &prediction, hold)?.options(options);
            client.send_as_text(&request, Expect::Object).await
        });
        let reply = create.instrument(span.span()).await.inspect_err(|error| span.end(Err(error)))?;
        // JSON is parsed here only for those who receive reports.
        let received = span.is_received() || event_enabled!(target: "replicant", Level::INFO);
        let created = received.then(|| reply.value.clone().into_value().unwrap_or_default());
        let created = Snapshot::new(created.unwrap_or_default());
        if received {
            span.span().in_scope(|| created.log_create());
        }
        span.end(Ok(&created));
        Ok(reply)
    }
}

impl Work for CreatePrediction {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.uploads = UploadObserver::from_values(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move { self.create().await?.map(Payload::into_value) })
    }

    fn call_as_text(self) -> BoxFuture<'static, Result<Reply<Payload>>> {
        Box::pin(self.create())
    }
}

awaitable!([] CreatePrediction => Prediction);

options! {
    /// The target and the input of `predictions.create`.
    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct CreateTarget {
        version: Option<ReferenceParam>,
        model: Option<String>,
        deployment: Option<String>,
        input: Option<Value>,
    }
}

flattened! {
    /// The parameters of `predictions.create`.
    pub(crate) struct CreateParams {
        target: CreateTarget,
        options: PredictionOptions,
    }
}

options! {
    /// The target of a create for one model or deployment, and the input.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct PathTarget {
        owner: String,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        input: Option<Value>,
    }
}

flattened! {
    /// The parameters of `models.predictions.create` and `deployments.predictions.create`.
    pub(crate) struct CreateBelow {
        target: PathTarget,
        options: PredictionOptions,
    }
}

impl CreateParams {
    pub fn create(self, client: &Client) -> Result<CreatePrediction> {
        let Self { target: CreateTarget { version, model, deployment, input }, options } = self;
        // An empty string counts as missing, as in the official clients.
        let non_empty = |name: Option<String>| name.filter(|name| !name.is_empty());
        let target = match (
            non_empty(version.map(ReferenceParam::into_version_id)),
            non_empty(model),
            non_empty(deployment),
        ) {
            (Some(id), None, None) => Ok(Target::Version(id)),
            (None, Some(model), None) => match model.parse::<Reference>()? {
                reference @ (Reference::Model { .. } | Reference::Version { .. }) => Ok(reference.into()),
                Reference::Deployment { .. } => {
                    Err(Error::invalid_argument("model", "names a deployment; pass it as `deployment`"))
                }
            },
            (None, None, Some(deployment)) => {
                named("deployment", &deployment).map(|(owner, name)| Target::Deployment(owner, name))
            }
            (None, None, None) => {
                let why = "Exactly one of 'model', 'version', or 'deployment' must be specified.";
                Err(Error::invalid(why).about("version"))
            }
            _ => {
                let why = "Exactly one of 'model', 'version', or 'deployment' must be specified, not several";
                Err(Error::invalid(why).about("version"))
            }
        };
        let mut create = CreatePrediction::new(client, target, input.unwrap_or_else(Value::object));
        create.prediction = options;
        Ok(create)
    }
}

impl CreateBelow {
    pub fn create(self, client: &Client, target: fn(String, String) -> Target) -> Result<CreatePrediction> {
        let Self { target: PathTarget { owner, name, input }, options } = self;
        let (owner, name) = owner_and(owner, name)?;
        let target = Ok(target(owner, name));
        let mut create = CreatePrediction::new(client, target, input.unwrap_or_else(Value::object));
        create.prediction = options;
        Ok(create)
    }
}
