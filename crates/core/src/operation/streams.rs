//! Operations with a stream of results: events, pages, or the chunks of a file.

use std::{future::IntoFuture, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future, stream};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::params::Content;
use crate::{
    client::Client,
    error::{Error, Result, flattened},
    files::{output::FileOutput, upload_progress::UploadObserver},
    http::request::RequestOptions,
    platform::{BoxFuture, BoxStream},
    predictions::{
        events::{Event, EventStream},
        live::Live,
        poll::Polling,
        polled_events,
        run_params::RunParams,
        stream_prediction::StreamPrediction,
        stream_run::StreamRun,
        wait::OfPrediction,
        watch::{Watch, WatchParams},
    },
    value::{Value, options::options},
};

/// One result of an operation with a stream of results.
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
    /// A value: a page, an item of an output, or the prediction whose events follow.
    Value(Value),
    /// An event of a prediction.
    Event(Event),
    /// A chunk of a file.
    Bytes(Bytes),
}

pub(super) type Items = BoxStream<'static, Result<Item>>;

options! {
    /// How to read the output of a prediction that a run has started.
    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(super) struct LiveOutput {
        live: Option<Live>,
    }
}

flattened! {
    /// The parameters of `predictions.output_iterator`.
    pub(super) struct OutputItems {
        of: OfPrediction,
        output: LiveOutput,
    }
}

/// Returns the items of a stream that begins later. Not generic, so that the code exists once.
pub(super) fn later(begin: BoxFuture<'static, Result<Items>>) -> Items {
    Box::pin(stream::once(begin).try_flatten())
}

fn events_of(stream: EventStream) -> Items {
    let prediction = Item::Value(stream.prediction().clone());
    Box::pin(stream::once(future::ready(Ok(prediction))).chain(stream.map_ok(Item::Event)))
}

pub(super) fn run_events(client: &Client, params: RunParams, options: RequestOptions) -> Result<Items> {
    let report_uploads = params.reports_uploads();
    let mut run = params.stream(client)?;
    *run.options_mut() = options;
    if report_uploads {
        return Ok(uploads_and_events(run));
    }
    let events = async move { Ok::<_, Error>(events_of(run.await?)) };
    Ok(later(Box::pin(events)))
}

/// Yields the progress of the uploads, then the events.
fn uploads_and_events(mut run: StreamRun) -> Items {
    let (sender, receiver) = mpsc::unbounded_channel();
    run.observe_uploads(UploadObserver::from_values(Arc::new(move |upload| {
        let _ = sender.send(upload);
    })));
    let state = Some((run.into_future(), receiver));
    let parts = stream::try_unfold(state, |state| async move {
        let Some((mut events, mut receiver)) = state else { return Ok(None) };
        tokio::select! {
            biased;
            Some(upload) = receiver.recv() => {
                let upload: Items = Box::pin(stream::once(future::ready(Ok(Item::Value(upload)))));
                Ok::<_, Error>(Some((upload, Some((events, receiver)))))
            }
            events = &mut events => Ok(Some((events_of(events?), None))),
        }
    });
    Box::pin(parts.try_flatten())
}

pub(super) fn prediction_events(client: &Client, params: OfPrediction, options: RequestOptions) -> Items {
    let stream = StreamPrediction::new(client, params, options);
    let events = async move { Ok::<_, Error>(events_of(stream.open().await?)) };
    later(Box::pin(events))
}

pub(super) fn changes(client: &Client, params: WatchParams, options: RequestOptions) -> Result<Items> {
    let events = Watch::of(params)?.watch(client, options);
    Ok(Box::pin(events.map_ok(Item::Value)))
}

/// Yields every item of an output once: by polling, or according to `live` for a prediction that a run has started.
pub(super) fn output_items(client: &Client, params: OutputItems, options: RequestOptions) -> Items {
    let client = client.clone();
    let begin = async move {
        let OutputItems { of, output } = params;
        if let (Some(live), Some(prediction)) = (output.live, &of.prediction) {
            let items: Items = Box::pin(live.items(&client, prediction.clone(), options).map_ok(Item::Value));
            return Ok::<_, Error>(items);
        }
        let prediction = of.known(&client, &options).await?;
        let files = of.files(&client);
        let polling = Polling { options, ..Polling::default() };
        let items = polled_events::items(&client, prediction, polling, files);
        let items: Items = Box::pin(items.map_ok(Item::Value));
        Ok(items)
    };
    later(Box::pin(begin))
}

pub(super) fn file_bytes(client: &Client, params: Content, options: RequestOptions) -> Items {
    let file = FileOutput::new(client, &params.url).with_options(options);
    Box::pin(file.stream_from(params.offset).map_ok(Item::Bytes))
}

pub(super) fn pages<T>(list: crate::client::page::List<T>, options: RequestOptions) -> Items {
    Box::pin(list.with_options(options).raw_pages().map_ok(Item::Value))
}
