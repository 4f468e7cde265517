//! Operations with many answers: events, pages, the bytes of a file.

use std::{future::IntoFuture, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future, stream};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{Cursor, take_options};
use crate::{
    client::Client,
    error::{Error, Result, decode_params},
    files::{output::FileOutput, upload_progress::UploadWatch},
    http::request::{Request, RequestOptions, path},
    platform::BoxStream,
    predictions::{
        events::{Event, EventStream, read_events},
        live::Live,
        resource::ListPredictions,
        run_params::RunParams,
        stream_run::StreamRun,
    },
    resources::{
        models::{ListModels, OfModel},
        search::SearchParams,
    },
    value::Value,
};

/// One answer of an operation that has many.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
/// use replicant::{Item, json, operation};
///
/// let mut pages = operation::open(&client, "predictions.list", json!({}).into());
/// while let Some(Item::Value(page)) = pages.try_next().await? {
///     println!("{:?}", page["results"].as_array().map(<[_]>::len));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// A value: a page, an item of an output, the prediction that a stream of events belongs to.
    Value(Value),
    /// An event of a prediction.
    Event(Event),
    /// A piece of a file.
    Bytes(Bytes),
}

type Items = BoxStream<'static, Result<Item>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPrediction {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    prediction: Option<Value>,
    #[serde(default)]
    use_file_output: Option<bool>,
}

/// The same, and how the output of a prediction that a run has started is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputItems {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    prediction: Option<Value>,
    #[serde(default)]
    use_file_output: Option<bool>,
    #[serde(default)]
    live: Option<Live>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    url: String,
    /// The byte to begin with.
    #[serde(default)]
    offset: u64,
}

impl OfPrediction {
    async fn known(&self, client: &Client, options: &RequestOptions) -> Result<Value> {
        let id = match (&self.prediction, &self.id) {
            (Some(prediction), _) if prediction["urls"]["stream"].as_str().is_some() => {
                return Ok(prediction.clone());
            }
            (Some(prediction), _) => prediction["id"].as_str(),
            (None, id) => id.as_deref(),
        };
        let id =
            id.ok_or_else(|| Error::invalid("Invalid prediction: pass its id, or an object with an `id`"))?;
        client.fetch(&Request::get(path("/predictions/{id}", &[("id", id)])?).options(options.clone())).await
    }

    fn files(&self, client: &Client) -> bool {
        self.use_file_output.unwrap_or(client.config().use_file_output)
    }
}

fn events_of(stream: EventStream) -> Items {
    let prediction = Item::Value(stream.prediction().clone());
    Box::pin(stream::once(future::ready(Ok(prediction))).chain(stream.map_ok(Item::Event)))
}

fn run_events(client: &Client, params: RunParams, options: RequestOptions) -> Result<Items> {
    let report_uploads = params.report_uploads;
    let mut run = params.stream(client);
    *run.options_mut() = options;
    if report_uploads {
        return Ok(uploads_and_events(run));
    }
    let events = async move { Ok::<_, Error>(events_of(run.await?)) };
    Ok(Box::pin(stream::once(events).try_flatten()))
}

/// What is told of the uploads, and then the events.
fn uploads_and_events(mut run: StreamRun) -> Items {
    let (tell, told) = mpsc::unbounded_channel();
    run.watch_uploads(UploadWatch::telling(Arc::new(move |upload| {
        let _ = tell.send(upload);
    })));
    let state = Some((run.into_future(), told));
    let parts = stream::try_unfold(state, |state| async move {
        let Some((mut events, mut told)) = state else { return Ok(None) };
        tokio::select! {
            biased;
            Some(upload) = told.recv() => {
                let upload: Items = Box::pin(stream::once(future::ready(Ok(Item::Value(upload)))));
                Ok::<_, Error>(Some((upload, Some((events, told)))))
            }
            events = &mut events => Ok(Some((events_of(events?), None))),
        }
    });
    Box::pin(parts.try_flatten())
}

fn prediction_events(client: &Client, params: OfPrediction, options: RequestOptions) -> Result<Items> {
    let client = client.clone();
    let events = async move {
        let prediction = params.known(&client, &options).await?;
        let events = read_events(&client, &prediction, params.files(&client), options)?;
        Ok::<_, Error>(events_of(EventStream::new(prediction, events)))
    };
    Ok(Box::pin(stream::once(events).try_flatten()))
}

/// The items of a prediction's output, each once, from the first: as polling finds them, or as `live` says for a
/// prediction that a run has started.
fn output_items(client: &Client, params: OutputItems, options: RequestOptions) -> Result<Items> {
    let client = client.clone();
    let begin = async move {
        let OutputItems { id, prediction, use_file_output, live } = params;
        if let (Some(live), Some(prediction)) = (live, &prediction) {
            return Ok::<_, Error>(
                live.items(&client, prediction.clone(), options).map_ok(Item::Value).boxed(),
            );
        }
        let params = OfPrediction { id, prediction, use_file_output };
        let prediction = params.known(&client, &options).await?;
        let files = params.files(&client);
        Ok(crate::predictions::polled_events::items(&client, prediction, files, options, None)
            .map_ok(Item::Value)
            .boxed())
    };
    Ok(Box::pin(stream::once(begin).try_flatten()))
}

fn file_bytes(client: &Client, params: Content, options: RequestOptions) -> Result<Items> {
    let file = FileOutput::new(client, &params.url).with_options(options);
    Ok(Box::pin(file.stream_from(params.offset).map_ok(Item::Bytes)))
}

fn pages<T>(list: crate::client::page::List<T>, options: RequestOptions) -> Result<Items> {
    Ok(Box::pin(list.with_options(options).raw_pages().map_ok(Item::Value)))
}

macro_rules! streams {
    ($($name:literal ($client:ident, $params:ident: $type:ty, $options:ident) => $items:expr,)*) => {
        /// Every operation that [`open`] knows.
        ///
        /// ```
        /// assert!(replicant::operation::STREAMS.contains(&"predictions.stream"));
        /// ```
        pub const STREAMS: &[&str] = &[$($name,)*];

        fn prepare(client: &Client, name: &str, params: Value, options: RequestOptions) -> Result<Items> {
            match name {
                $($name => {
                    let ($client, $params, $options) = (client, decode_params::<$type>(name, params)?, options);
                    $items
                })*
                _ => Err(Error::invalid(format!("unknown stream operation {name:?}"))),
            }
        }
    };
}

streams! {
    "collections.list" (client, p: Cursor, options) => pages(client.collections().list().maybe_cursor(p.cursor), options),
    "deployments.list" (client, p: Cursor, options) => pages(client.deployments().list().maybe_cursor(p.cursor), options),
    "files.list" (client, p: Cursor, options) => pages(client.files().list().maybe_cursor(p.cursor), options),
    "models.examples.list" (client, p: OfModel, options) => { let (owner, name) = p.split()?; pages(client.models().examples(&owner, &name).maybe_cursor(p.cursor), options) },
    "models.list" (client, p: ListModels, options) => pages(client.models().list_params(p), options),
    "models.search" (client, p: SearchParams, options) => pages(client.models().search(&p.query), options),
    "models.versions.list" (client, p: OfModel, options) => { let (owner, name) = p.split()?; pages(client.models().versions().list(&owner, &name).maybe_cursor(p.cursor), options) },
    "output.read" (client, p: Content, options) => file_bytes(client, p, options),
    "paginate" (client, p: Path, options) => pages(crate::client::page::List::<Value>::new(client, p.request(client)), options),
    "predictions.list" (client, p: ListPredictions, options) => pages(client.predictions().list_params(p), options),
    "predictions.output_iterator" (client, p: OutputItems, options) => output_items(client, p, options),
    "predictions.stream" (client, p: OfPrediction, options) => prediction_events(client, p, options),
    "stream" (client, p: RunParams, options) => run_events(client, p, options),
    "trainings.list" (client, p: Cursor, options) => pages(client.trainings().list().maybe_cursor(p.cursor), options),
}

/// Any list by its path, or from a page's link on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Path {
    path: String,
}

impl Path {
    fn request(self, client: &Client) -> Result<Request> {
        crate::client::page::page_at(client, super::url_of(client, &self.path)?.as_str())
    }
}

/// Opens an operation that has many answers. Nothing is sent before the first one is asked for;
/// dropping the stream closes its connection.
///
/// An operation that does not exist, or a parameter that does not, is the stream's first and only
/// item.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
/// use replicant::{Item, json, operation};
///
/// let params = json!({"ref": "acme/text", "input": {"prompt": "Sing."}});
/// let mut items = operation::open(&client, "stream", params.into());
/// while let Some(item) = items.try_next().await? {
///     if let Item::Event(event) = item {
///         print!("{event}");
///     }
/// }
/// # Ok(()) }
/// ```
pub fn open(client: &Client, name: &str, params: Value) -> Items {
    let prepared =
        take_options(name, params).and_then(|(params, options)| prepare(client, name, params, options));
    prepared.unwrap_or_else(|error| Box::pin(stream::once(future::ready(Err(error)))))
}
