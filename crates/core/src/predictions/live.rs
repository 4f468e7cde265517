//! Reads an output while the model writes it.

use std::{mem, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use tracing::Instrument;

use super::{
    cancel_guard::CancelGuard, event_reader::read_events, events::Event, open_run::OpenRun,
    options::PreferWait, poll::Polling, polled_events, run::Run, run_span::RunSpan, snapshot::Snapshot,
};
use crate::{
    client::{Client, options::OnAbandon, response::Payload, shape_cache::Shape},
    error::{Error, Result},
    http::{deadline::Deadline, request::RequestOptions},
    platform::BoxStream,
    value::{Value, options::option_types, seconds::seconds},
};

/// How to read the output of a prediction that a run has started.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Live {
    /// Whether to cancel the prediction when reading stops early.
    cancel: bool,
    /// Whether the events contain the items unchanged.
    events: bool,
    /// Whether to yield the items only once the output is complete.
    whole: bool,
    use_file_output: bool,
    /// The time between polls.
    #[serde(deserialize_with = "seconds")]
    interval: Option<Duration>,
    /// The timeout of the run.
    #[serde(deserialize_with = "seconds")]
    timeout: Option<Duration>,
    /// When the timeout passes, since the Unix epoch.
    #[serde(deserialize_with = "seconds")]
    until: Option<Duration>,
}

option_types! {
    Live => "any",
}

impl Run {
    /// Returns `{"live", "prediction"}` as soon as the prediction is created if the version writes its output item by
    /// item, `{"items"}` if that prediction has already ended, and `{"output"}` for every other version. Dropping the result
    /// cancels a live prediction.
    pub(super) async fn started(mut self) -> Result<Payload> {
        let mut span = self.request.traced();
        // Events do not show every state, which an observer receives.
        let shape = match self.observer {
            Some(_) => Shape::Whole,
            None => self.request.shape().instrument(span.span()).await,
        };
        if shape == Shape::Whole {
            let ended = self.ended(span).await?;
            let output = self.request.with_files(ended.into_output());
            return Ok(Payload::Value(Value::from_members([("output", output)])));
        }
        let request = &mut self.request;
        if shape == Shape::Texts {
            request.create_options.stream.get_or_insert(true);
        }
        let guard = request.guard();
        let create = Box::pin(async {
            let hold = request.create_options.hold(PreferWait::None)?;
            request.create(&guard, hold).await
        });
        let created = request.limited(&guard, create).instrument(span.span()).await;
        let (created, deadline) = created.inspect_err(|error| span.end(Err(error)))?;
        if created.is_terminal() {
            let ended = span.ended(request.client.check_output(created), |prediction| prediction)?;
            let output = ended.into_output();
            let name = if matches!(output, Value::Array(_)) { "items" } else { "output" };
            return Ok(Payload::Value(Value::from_members([(name, self.request.with_files(output))])));
        }
        // Another call reads the output, and has a span of its own.
        span.end(Ok(&created));
        let runtime = self.request.client.runtime();
        let left = deadline.remaining(runtime);
        let interval = self.request.interval();
        let live = [
            ("cancel", (guard.on_abandon == OnAbandon::Cancel).into()),
            ("events", (shape == Shape::Texts).into()),
            ("use_file_output", self.request.use_file_output().into()),
            ("interval", interval.map(|interval| interval.as_secs_f64()).into()),
            ("timeout", self.request.run.timeout.map(|timeout| timeout.as_secs_f64()).into()),
            ("until", left.map(|left| runtime.now().saturating_add(left).as_secs_f64()).into()),
        ];
        let live = [("live", Value::from_members(live)), ("prediction", created.into_value())];
        Ok(Payload::Live(Value::from_members(live), Arc::new(guard)))
    }
}

impl Live {
    /// Yields every item of the output once. Must be called within the async runtime.
    pub fn items(
        self,
        client: &Client,
        prediction: Snapshot,
        options: RequestOptions,
    ) -> BoxStream<'static, Result<Value>> {
        let on_abandon = if self.cancel { OnAbandon::Cancel } else { OnAbandon::Leave };
        let guard = CancelGuard::new(client, on_abandon, options.clone());
        let seen = guard.observing(None);
        seen(prediction.clone().into_value());
        let model = prediction["model"].as_str().or(prediction["version"].as_str()).unwrap_or_default();
        let span = RunSpan::new(client, || model.to_owned(), &prediction["input"]).of_stream();
        let left = self.until.map(|until| until.saturating_sub(client.runtime().now()));
        let deadline = Deadline::after(client.runtime(), left);
        let polling = Polling {
            interval: self.interval,
            deadline,
            observer: Some(seen),
            options,
            ..Polling::default()
        };
        let source = if self.whole {
            whole(client.clone(), prediction, polling, self.use_file_output)
        } else if self.events && prediction.stream_url().is_some() {
            from_events(client, prediction, polling, self.use_file_output)
        } else {
            polled_events::items(client, prediction, polling, self.use_file_output)
        };
        let run = OpenRun {
            client: client.clone(),
            guard,
            span,
            deadline,
            timeout: self.timeout,
            partial: String::new(),
        };
        run.read(source, |_| false)
    }
}

/// Yields the items once the output is complete.
fn whole(
    client: Client,
    prediction: Snapshot,
    polling: Polling,
    use_file_output: bool,
) -> BoxStream<'static, Result<Value>> {
    let ended = async move {
        let ended = client.poll(prediction, &polling).await?;
        Ok::<_, Error>(polled_events::items(&client, ended, polling, use_file_output))
    };
    Box::pin(stream::once(ended).try_flatten())
}

/// Yields the items of the events. If the event stream fails, polls for the remaining items.
fn from_events(
    client: &Client,
    prediction: Snapshot,
    polling: Polling,
    use_file_output: bool,
) -> BoxStream<'static, Result<Value>> {
    let events = match read_events(client, &prediction, false, polling.options.clone()) {
        Ok(events) => events,
        Err(_) => return polled_events::items(client, prediction, polling, use_file_output),
    };
    let client = client.clone();
    let state = (events, String::new(), polling);
    let items = stream::unfold(Some(state), move |state| {
        let (client, prediction) = (client.clone(), prediction.clone());
        async move {
            let (mut events, mut delivered, polling) = state?;
            loop {
                match events.try_next().await {
                    Ok(Some(Event { event, data, .. })) if event == "output" => {
                        delivered.push_str(&data);
                        let item = Value::String(data);
                        let item = client.with_files_if(use_file_output, item);
                        return Some((one(Ok(item)), Some((events, delivered, polling))));
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(error) if error.kind().ends_prediction() => return Some((one(Err(error)), None)),
                    Err(error) => {
                        let items = polled_events::items(&client, prediction, polling, false);
                        return Some((rest(client, items, delivered, use_file_output, error), None));
                    }
                }
            }
        }
    });
    Box::pin(items.flatten())
}

fn one(item: Result<Value>) -> BoxStream<'static, Result<Value>> {
    Box::pin(stream::iter([item]))
}

/// Yields the items after the text `delivered`. Fails with `error` if the output does not start with it.
fn rest(
    client: Client,
    items: BoxStream<'static, Result<Value>>,
    delivered: String,
    use_file_output: bool,
    error: Error,
) -> BoxStream<'static, Result<Value>> {
    let state = (items, delivered, error);
    Box::pin(stream::try_unfold(state, move |(mut items, mut delivered, error)| {
        let client = client.clone();
        async move {
            while let Some(item) = items.try_next().await? {
                let new = match &item {
                    _ if delivered.is_empty() => item,
                    // Events and output may split the text differently.
                    Value::String(text) if delivered.starts_with(text.as_str()) => {
                        delivered.drain(..text.len());
                        continue;
                    }
                    Value::String(text) if text.starts_with(&delivered) => {
                        text[mem::take(&mut delivered).len()..].into()
                    }
                    _ => return Err(error),
                };
                let new = client.with_files_if(use_file_output, new);
                return Ok(Some((new, (items, delivered, error))));
            }
            Ok(None)
        }
    }))
}
