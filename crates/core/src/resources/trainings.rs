//! Trainings: versions fine-tuned on custom data.

use std::fmt;

use serde::Deserialize;

use crate::{
    client::{
        Client,
        call::{Call, Work, awaitable, request_options},
        options::FileEncodingStrategy,
        page::List,
        response::{Expect, Reply},
    },
    error::{Error, Result, flattened},
    files::upload_progress::{UploadObserver, on_upload},
    http::{
        deadline::Deadline,
        request::{Request, RequestOptions, path},
    },
    identifier::Reference,
    platform::BoxFuture,
    predictions::{
        options::events,
        target::{insert_webhooks, named},
        types::Prediction,
    },
    value::{Object, Observer, Value, options::options},
};

/// A training. It has the fields of a prediction; its output has the new version and its weights.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let training: replicant::Training = client.trainings().get("zz4ibb").await?;
/// println!("{} {}", training.status, training.output["version"]);
/// # Ok(()) }
/// ```
pub type Training = Prediction;

options! {
    /// The version to train, the destination and the input.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct TrainingTarget {
        #[serde(default)]
        owner: Option<String>,
        #[serde(default)]
        name: Option<String>,
        /// `owner/name`, in place of `owner` and `name`.
        #[serde(default)]
        model: Option<String>,
        /// Id of the version, or `owner/name:id` alone.
        version: String,
        destination: Option<String>,
        #[serde(default)]
        input: Option<Value>,
    }
}

options! {
    /// The options of `trainings.create`.
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct TrainingOptions {
        webhook: Option<String>,
        webhook_completed: Option<String>,
        #[serde(deserialize_with = "events")]
        webhook_events_filter: Option<Vec<String>>,
        file_encoding_strategy: Option<FileEncodingStrategy>,
    }
}

flattened! {
    /// The parameters of `trainings.create`.
    pub(crate) struct CreateTrainingParams {
        target: TrainingTarget,
        options: TrainingOptions,
    }
}

impl CreateTrainingParams {
    pub fn create(self, client: &Client) -> Result<CreateTraining> {
        let TrainingTarget { owner, name, model, version, destination, input } = self.target;
        let (owner, name, id) = match (owner, name, model) {
            (Some(owner), Some(name), None) => (owner, name, version),
            (None, None, Some(model)) => {
                let (owner, name) = named("model", &model)?;
                (owner, name, version)
            }
            (None, None, None) => match version.parse()? {
                Reference::Version { model: Some((owner, name)), id } => (owner, name, id),
                _ => {
                    return Err(Error::invalid_argument(
                        "version",
                        "must be \"owner/name:version\" unless `model` is given",
                    ));
                }
            },
            _ => return Err(Error::invalid("pass either `owner` and `name` or `model`, not both")),
        };
        let destination = destination.ok_or_else(|| {
            Error::invalid_argument(
                "destination",
                "is missing; pass the \"owner/name\" of a model that you own",
            )
        })?;
        let mut create =
            client.trainings().create(&owner, &name, &id, &destination, input.unwrap_or_else(Value::object));
        create.training = self.options;
        Ok(create)
    }
}

/// A call that creates a training; see [`Trainings::create`].
///
/// # Errors
/// The errors of a [`Call`], and [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if the destination
/// is not `owner/name`.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let input = replicant::json!({"images": "https://example.com/photos.zip"});
/// let create = client.trainings().create("acme", "base", "5c7d", "acme/mine", input);
/// let training = create.webhook("https://example.com/hook").await?;
/// # Ok(()) }
/// ```
#[must_use = "a training is created when this is awaited"]
pub struct CreateTraining {
    client: Client,
    path: Result<String>,
    destination: String,
    input: Value,
    training: TrainingOptions,
    options: RequestOptions,
    uploads: UploadObserver,
}

impl fmt::Debug for CreateTraining {
    /// Omits the input and the URLs of webhooks, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTraining")
            .field("path", &self.path)
            .field("destination", &self.destination)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl CreateTraining {
    /// Sets the `https:` URL that receives the events of the training.
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.training.webhook = Some(url.into());
        self
    }

    /// Sets the events that the webhook receives: `start`, `output`, `logs`, `completed`. Defaults to
    /// new outputs and the end.
    pub fn webhook_events_filter<S: Into<String>>(mut self, events: impl IntoIterator<Item = S>) -> Self {
        self.training.webhook_events_filter = Some(events.into_iter().map(Into::into).collect());
        self
    }

    /// Sets how the files in the input are sent. Defaults to the strategy of the client.
    pub fn file_encoding_strategy(mut self, strategy: FileEncodingStrategy) -> Self {
        self.training.file_encoding_strategy = Some(strategy);
        self
    }

    on_upload!();
    request_options!();

    async fn create(self) -> Result<Reply> {
        named("destination", &self.destination)?;
        if self.input.as_object().is_none() {
            return Err(Error::invalid_argument(
                "input",
                format!("must be an object, not {}", self.input.kind()),
            ));
        }
        let path = self.path?;
        let TrainingOptions { webhook, webhook_completed, webhook_events_filter, file_encoding_strategy } =
            self.training;
        let mut body = Object::new();
        body.insert("destination".into(), self.destination.into());
        body.insert(
            "input".into(),
            self.client
                .send_files(
                    self.input,
                    file_encoding_strategy,
                    Deadline::none(),
                    &self.options,
                    &self.uploads,
                )
                .await?,
        );
        insert_webhooks(&mut body, webhook.as_deref(), webhook_completed.as_deref(), webhook_events_filter)?;
        let request = Request::post(path).json(Value::Object(body)).options(self.options);
        self.client.send(&request, Expect::Object).await
    }
}

impl Work for CreateTraining {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.uploads = UploadObserver::from_values(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(self.create())
    }
}

awaitable!([] CreateTraining => Training);

/// The trainings resource; see [`Client::trainings`].
#[derive(Debug, Clone, Copy)]
pub struct Trainings<'c> {
    client: &'c Client,
}

impl Client {
    /// Returns the trainings resource.
    pub fn trainings(&self) -> Trainings<'_> {
        Trainings { client: self }
    }
}

impl Trainings<'_> {
    /// Trains a version on `input` and adds the result to the model `destination` (`owner/name`).
    /// `POST /models/{owner}/{name}/versions/{version}/trainings`
    pub fn create(
        &self,
        owner: &str,
        name: &str,
        version: &str,
        destination: &str,
        input: impl Into<Value>,
    ) -> CreateTraining {
        CreateTraining {
            client: self.client.clone(),
            path: path(
                "/models/{owner}/{name}/versions/{version}/trainings",
                &[("owner", owner), ("name", name), ("version", version)],
            ),
            destination: destination.to_owned(),
            input: input.into(),
            training: TrainingOptions::default(),
            options: RequestOptions::default(),
            uploads: UploadObserver::default(),
        }
    }

    /// Returns a training. `GET /trainings/{id}`
    pub fn get(&self, id: &str) -> Call<Training> {
        Call::new(self.client, path("/trainings/{id}", &[("id", id)]).map(Request::get))
    }

    /// Lists trainings, newest first. `GET /trainings`
    pub fn list(&self) -> List<Training> {
        List::new(self.client, Ok(Request::get("/trainings")))
    }

    /// Cancels a training. `POST /trainings/{id}/cancel`
    pub fn cancel(&self, id: &str) -> Call<Training> {
        let request =
            path("/trainings/{id}/cancel", &[("id", id)]).map(|path| Request::post(path).idempotent());
        Call::new(self.client, request)
    }
}
