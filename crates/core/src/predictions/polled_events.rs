//! Reads the output of a prediction item by item by polling.

use std::collections::VecDeque;

use super::{
    cursor::HandleCursor,
    event_reader::MAX_PARTIAL,
    events::Event,
    poll::{ITEM_PAUSE, Polling},
    snapshot::Snapshot,
    waiter::Waiter,
};
use crate::{client::Client, error::Result, files::output::FileOutput, platform::BoxStream, value::Value};
use futures_util::{StreamExt, future, stream};

/// Yields every item of the output once. An output that is not a list is one item, yielded once it is complete.
pub(crate) fn items(
    client: &Client,
    prediction: Snapshot,
    polling: Polling,
    use_file_output: bool,
) -> BoxStream<'static, Result<Value>> {
    let waiter = Waiter::new(client, &prediction, &polling, client.runtime().monotonic());
    let mut cursor = HandleCursor::default();
    let new = new_items(&mut cursor, &prediction);
    // Boxed because it is moved in and out for each item.
    let state = Box::new((client.clone(), polling, waiter, prediction, cursor, new));
    Box::pin(stream::try_unfold(state, move |mut state| async move {
        let (client, polling, waiter, prediction, cursor, new) = &mut *state;
        loop {
            if let Some(item) = new.pop_front() {
                let item = if use_file_output { client.with_files(item) } else { item };
                return Ok(Some((item, state)));
            }
            if prediction.is_terminal() {
                client.check_success(prediction.clone())?;
                return Ok(None);
            }
            *prediction = waiter.next(client, prediction, polling, Some(ITEM_PAUSE)).await?;
            if let Some(seen) = &polling.observer {
                seen(prediction.clone().into_value());
            }
            *new = new_items(cursor, prediction);
        }
    }))
}

fn new_items(cursor: &mut HandleCursor, prediction: &Snapshot) -> VecDeque<Value> {
    let mut items = VecDeque::new();
    cursor
        .new_output(&prediction["output"], prediction.is_terminal(), &mut |_, _, item| items.push_back(item));
    items
}

/// Yields the items as events, for a model without an event stream.
pub(super) fn events(
    client: &Client,
    prediction: Snapshot,
    polling: Polling,
    use_file_output: bool,
) -> BoxStream<'static, Result<Event>> {
    let done = Ok(event("done", String::new()));
    let mut partial = String::new();
    let owner = client.clone();
    let outputs = items(client, prediction, polling, use_file_output).map(move |item| match item {
        Ok(item) => {
            let event = output(&owner, item);
            if partial.len() < MAX_PARTIAL {
                partial.push_str(&event.data);
            }
            Ok(event)
        }
        Err(error) => Err(owner.without_token(error.with_partial(partial.as_str().into()))),
    });
    Box::pin(outputs.chain(stream::once(future::ready(done))))
}

fn output(client: &Client, item: Value) -> Event {
    match item {
        Value::String(text) => event("output", text),
        Value::FileUrl(url) => {
            Event { file: Some(FileOutput::new(client, &url)), ..event("output", url.to_string()) }
        }
        other => event("output", other.to_string()),
    }
}

fn event(name: &str, data: String) -> Event {
    Event { event: name.to_owned(), data, id: None, retry: None, file: None }
}
