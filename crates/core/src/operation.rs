//! The operation table: every operation by its name, for languages that bring values and want values.
//!
//! A binding has three verbs and knows no endpoint: [`call`] for what has one answer, [`open`] for
//! what has many, [`compute`] for what needs no network. Each line below is one operation; a line that
//! names a method that does not exist does not compile.

mod compute;
mod streams;

use serde::{Deserialize, Deserializer, de::Error as _};

pub use self::{
    compute::{COMPUTATIONS, compute},
    streams::{Item, STREAMS, open},
};
pub use crate::client::response::Answer;
use crate::{
    client::{
        Client,
        call::{Call, Ready, Work},
        response::Reply,
    },
    error::{Error, Result, decode_params},
    files::{output::FileOutput, save_all::SaveAllParams},
    http::request::RequestOptions,
    platform::BoxFuture,
    predictions::{
        create::{CreateBelow, CreateParams},
        resource::ListPredictions,
        run_params::RunParams,
        target::Target,
        wait::WaitParams,
    },
    resources::{
        deployments::{Named, NewDeployment, UpdateParams},
        files::{CreateFileParams, DownloadParams},
        models::{ListModels, NewModel, OfModel, UpdateModel},
        search::SearchParams,
        trainings::CreateTrainingParams,
    },
    value::{Object, Observer, Value},
};

/// Parameters of an operation that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Id {
    #[serde(deserialize_with = "id")]
    id: String,
}

/// Decodes an id, or the object that has it: a prediction, a training, a file.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let given = Value::deserialize(deserializer)?;
    let id = given.as_str().or_else(|| given["id"].as_str()).map(str::to_owned);
    id.ok_or_else(|| {
        D::Error::custom(format!("must be an id or an object with an `id`, not {}", given.kind()))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slug {
    slug: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Cursor {
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileUrl {
    url: String,
    #[serde(default)]
    path: Option<std::path::PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputOf {
    output: Value,
}

macro_rules! operations {
    ($($name:literal ($client:ident, $params:ident: $type:ty) => $work:expr,)*) => {
        /// Every operation that [`call`] knows.
        ///
        /// ```
        /// assert!(replicant::operation::OPERATIONS.contains(&"predictions.create"));
        /// ```
        pub const OPERATIONS: &[&str] = &[$($name,)*];

        fn prepare(
            client: &Client,
            name: &str,
            params: Value,
            options: RequestOptions,
            observer: Option<Observer>,
        ) -> Result<BoxFuture<'static, Result<Reply<Answer>>>> {
            match name {
                // Each arm is boxed on its own: one future that held them all would be huge.
                $($name => {
                    let ($client, $params) = (client, decode_params::<$type>(name, params)?);
                    let mut work = $work;
                    *work.options_mut() = options;
                    if let Some(observer) = observer {
                        work.set_observer(observer);
                    }
                    Ok(work.answer())
                })*
                _ => Err(Error::invalid(format!("unknown operation {name:?}"))),
            }
        }
    };
}

operations! {
    "account.get" (client, _p: Nothing) => client.account(),
    "collections.get" (client, p: Slug) => client.collections().get(&p.slug),
    "collections.list" (client, p: Cursor) => client.collections().list().maybe_cursor(p.cursor),
    "deployments.create" (client, p: NewDeployment) => client.deployments().create(&p),
    "deployments.delete" (client, p: Named) => { let (owner, name) = p.split()?; client.deployments().delete(&owner, &name) },
    "deployments.get" (client, p: Named) => { let (owner, name) = p.split()?; client.deployments().get(&owner, &name) },
    "deployments.list" (client, p: Cursor) => client.deployments().list().maybe_cursor(p.cursor),
    "deployments.predictions.create" (client, p: CreateBelow) => p.create(client, Target::Deployment)?,
    "deployments.update" (client, p: UpdateParams) => {
        let (named, change) = p.split();
        let (owner, name) = named.split()?;
        client.deployments().update(&owner, &name, &change)
    },
    "files.create" (client, p: CreateFileParams) => p.create(client),
    "files.delete" (client, p: Id) => client.files().delete(&p.id),
    "files.download" (client, p: DownloadParams) => client.files().download(&p.id, &p.owner, p.expiry, &p.signature),
    "files.get" (client, p: Id) => client.files().get(&p.id),
    "files.list" (client, p: Cursor) => client.files().list().maybe_cursor(p.cursor),
    "hardware.list" (client, _p: Nothing) => client.hardware(),
    "models.create" (client, p: NewModel) => client.models().create(&p),
    "models.delete" (client, p: Named) => { let (owner, name) = p.split()?; client.models().delete(&owner, &name) },
    "models.examples.list" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().examples(&owner, &name).maybe_cursor(p.cursor) },
    "models.get" (client, p: Named) => { let (owner, name) = p.split()?; client.models().get(&owner, &name) },
    "models.list" (client, p: ListModels) => client.models().list_params(p),
    "models.predictions.create" (client, p: CreateBelow) => p.create(client, Target::of_model)?,
    "models.readme.get" (client, p: Named) => { let (owner, name) = p.split()?; client.models().readme(&owner, &name) },
    "models.search" (client, p: SearchParams) => client.models().search(&p.query),
    "models.update" (client, p: UpdateModel) => { let (owner, name, change) = p.split()?; client.models().update(&owner, &name, &change) },
    "models.versions.delete" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().versions().delete(&owner, &name, p.id()?) },
    "models.versions.get" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().versions().get(&owner, &name, p.id()?) },
    "models.versions.list" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().versions().list(&owner, &name).maybe_cursor(p.cursor) },
    "output.bytes" (client, p: FileUrl) => OutputWork::new(client, p, OutputVerb::Bytes),
    "output.head" (client, p: FileUrl) => OutputWork::new(client, p, OutputVerb::Head),
    "output.save" (client, p: FileUrl) => OutputWork::new(client, p, OutputVerb::Save),
    "output.save_all" (client, p: SaveAllParams) => p.save(client),
    "predictions.cancel" (client, p: Id) => client.predictions().cancel(&p.id),
    "predictions.create" (client, p: CreateParams) => p.create(client)?,
    "predictions.get" (client, p: Id) => client.predictions().get(&p.id),
    "predictions.list" (client, p: ListPredictions) => client.predictions().list_params(p),
    "predictions.output" (client, p: OutputOf) => Ready::new(Ok(client.with_files(p.output))),
    "predictions.wait" (client, p: WaitParams) => client.predictions().wait_params(p),
    "request" (client, p: RawRequest) => p.call(client),
    "run" (client, p: RunParams) => p.run(client),
    "search" (client, p: SearchParams) => client.search(&p.query, p.limit),
    "trainings.cancel" (client, p: Id) => client.trainings().cancel(&p.id),
    "trainings.create" (client, p: CreateTrainingParams) => p.create(client)?,
    "trainings.get" (client, p: Id) => client.trainings().get(&p.id),
    "trainings.list" (client, p: Cursor) => client.trainings().list().maybe_cursor(p.cursor),
    "webhooks.default.secret.get" (client, _p: Nothing) => client.webhooks().secret(),
}

/// Runs an operation that has one answer.
///
/// `params` is an object of the operation's parameters by name; `request_options` in it holds
/// [`RequestOptions`]. `observer` is told of what happens on the way, where something does:
///
/// | operation | told |
/// |---|---|
/// | `run`, `predictions.wait` | every state of the prediction; `run` with `report_uploads` also as the creates |
/// | `predictions.create` and its like, `trainings.create` | `{"upload": {"place", "name", "loaded", "total"}}` for each file of the input |
/// | `files.create`, `output.save`, `output.save_all` | `{"loaded", "total"}`, in bytes |
///
/// # Errors
/// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an operation or a parameter that does not exist, and
/// whatever the operation itself fails with.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::{json, operation};
///
/// let reply = operation::call(&client, "predictions.get", json!({"id": "4b2q8m"}).into(), None).await?;
/// println!("{} {}", reply.status, reply.value["status"]);
/// # Ok(()) }
/// ```
pub fn call(
    client: &Client,
    name: &str,
    params: Value,
    observer: Option<Observer>,
) -> BoxFuture<'static, Result<Reply>> {
    let answer = answer(client, name, params, observer);
    Box::pin(async move { answer.await?.map(Answer::into_value) })
}

/// As [`call`], but what the API sent stays JSON text where nothing in the core has to look into it: a
/// language makes its own objects of that faster than of a [`Value`].
///
/// # Errors
/// As [`call`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::operation::{self, Answer};
///
/// let reply = operation::answer(&client, "account.get", replicant::Value::Null, None).await?;
/// if let Answer::Json(text) = reply.value {
///     println!("{text}");
/// }
/// # Ok(()) }
/// ```
pub fn answer(
    client: &Client,
    name: &str,
    params: Value,
    observer: Option<Observer>,
) -> BoxFuture<'static, Result<Reply<Answer>>> {
    let prepared = take_options(name, params)
        .and_then(|(params, options)| prepare(client, name, params, options, observer));
    match prepared {
        Ok(work) => work,
        Err(error) => Box::pin(async move { Err(error) }),
    }
}

/// Takes the request options out of the parameters.
fn take_options(name: &str, params: Value) -> Result<(Value, RequestOptions)> {
    let mut members = match params {
        Value::Object(members) => members,
        Value::Null => Object::new(),
        other => {
            return Err(Error::invalid(format!(
                "{name}: the parameters must be an object, not {}",
                other.kind()
            )));
        }
    };
    let options = match members.shift_remove("request_options") {
        Some(Value::Null) | None => RequestOptions::default(),
        Some(options) => decode_params(&format!("{name} request_options"), options)?,
    };
    Ok((Value::Object(members), options))
}

#[derive(Clone, Copy)]
enum OutputVerb {
    Bytes,
    Head,
    Save,
}

/// What is done with a file that a model wrote.
struct OutputWork {
    file: FileOutput,
    path: Option<std::path::PathBuf>,
    verb: OutputVerb,
    options: RequestOptions,
    observer: Option<Observer>,
}

impl OutputWork {
    fn new(client: &Client, params: FileUrl, verb: OutputVerb) -> Self {
        let file = FileOutput::new(client, &params.url);
        Self { file, path: params.path, verb, options: RequestOptions::default(), observer: None }
    }

    async fn done(self) -> Result<Reply> {
        let Self { file, path, verb, options, observer } = self;
        let file = file.with_options(options);
        match verb {
            OutputVerb::Bytes => {
                let (bytes, headers) = file.whole().await?;
                Ok(Reply { headers, ..Reply::of(Value::Bytes(bytes)) })
            }
            OutputVerb::Head => {
                let (content_type, size) = file.head().await?;
                let members = [("content_type", Value::from(content_type)), ("size", size.into())];
                let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
                Ok(Reply::of(Value::Object(members.collect())))
            }
            OutputVerb::Save => {
                let path =
                    path.ok_or_else(|| Error::invalid("output.save: `path` is missing").about("path"))?;
                file.save_observed(&path, observer).await?;
                Ok(Reply::of(path.to_string_lossy().as_ref().into()))
            }
        }
    }
}

impl Work for OutputWork {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(self.done())
    }
}

/// A path below the base URL, query and all, or a whole URL.
fn url_of(client: &Client, path: &str) -> Result<url::Url> {
    let wrong =
        |error| Error::invalid_argument("path", format!("is not a path of the API or a URL: {error}"));
    match path.split_once("://") {
        // A URL may also stand in a path's query.
        Some((scheme, _)) if !scheme.contains(['/', '?']) => url::Url::parse(path).map_err(wrong),
        _ => {
            let base = client.config().base_url.as_str();
            url::Url::parse(&format!("{base}/{}", path.trim_start_matches('/'))).map_err(wrong)
        }
    }
}

/// Any request at all: the way to an endpoint that is newer than this crate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    /// A path below the base URL, or a whole URL.
    path: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Object,
    #[serde(default)]
    headers: indexmap::IndexMap<String, String>,
    /// Sent as JSON, unless it is bytes.
    #[serde(default)]
    data: Option<Value>,
}

impl RawRequest {
    fn call(self, client: &Client) -> Call<Value> {
        Call::expecting(client, self.request(client), crate::client::response::Expect::Bytes)
    }

    fn request(self, client: &Client) -> Result<crate::http::request::Request> {
        use crate::http::request::{Body, Request, RequestTarget};
        const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "HEAD", "OPTIONS"];
        let method = self.method.unwrap_or_else(|| "GET".into()).to_ascii_uppercase();
        let method = METHODS.into_iter().find(|known| *known == method).ok_or_else(|| {
            Error::invalid_argument(
                "method",
                format!("must be one of {}, not {method:?}", METHODS.join(", ")),
            )
        })?;
        let target = RequestTarget::Url(url_of(client, &self.path)?);
        let mut request = Request::with_method(method, target);
        for (name, value) in self.params {
            request = request.query(&name, Some(value));
        }
        for (name, value) in self.headers {
            crate::http::headers::check_header("headers", &name, &value)?;
            request = request.header(&name.to_ascii_lowercase(), value);
        }
        Ok(match self.data {
            None | Some(Value::Null) => request,
            Some(Value::Bytes(bytes)) => request.body(Body::Raw { content_type: None, bytes }),
            Some(value) => request.json(value),
        })
    }
}
