//! Reads the output of a prediction item by item by polling.

use std::collections::VecDeque;

use super::{
    events::Event,
    poll::{ITEM_PAUSE, Polling},
    snapshot::Snapshot,
    waiter::Waiter,
};
use crate::{client::Client, error::Result, files::output::FileOutput, platform::BoxStream, value::Value};
use futures_util::{StreamExt, TryStreamExt, future, stream};

/// Yields every item of the output once. An output that is not a list is one item, yielded once it is complete.
pub(crate) fn items(
    client: &Client,
    prediction: Snapshot,
    polling: Polling,
    use_file_output: bool,
) -> BoxStream<'static, Result<Value>> {
    let waiter = Waiter::new(client, &prediction, &polling, client.runtime().monotonic());
    let mut delivered = Delivered::default();
    let new = delivered.new_items(&prediction);
    // Boxed because it is moved in and out for each item.
    let state = Box::new((client.clone(), polling, waiter, prediction, delivered, new));
    Box::pin(stream::try_unfold(state, move |mut state| async move {
        let (client, polling, waiter, prediction, delivered, new) = &mut *state;
        loop {
            if let Some(item) = new.pop_front() {
                let item = client.with_files_if(use_file_output, item);
                return Ok(Some((item, state)));
            }
            if prediction.is_terminal() {
                client.check_output(prediction.clone())?;
                return Ok(None);
            }
            *prediction = waiter.next(client, prediction, polling, Some(ITEM_PAUSE)).await?;
            if let Some(seen) = &polling.observer {
                seen(prediction.clone().into_value());
            }
            *new = delivered.new_items(prediction);
        }
    }))
}

/// The items that were delivered.
#[derive(Default)]
struct Delivered {
    count: usize,
    /// Their joined text.
    text: String,
}

impl Delivered {
    /// Returns the items at new positions. Those that have changed since are not delivered again.
    fn new_items(&mut self, prediction: &Snapshot) -> VecDeque<Value> {
        let new: VecDeque<Value> = match &prediction["output"] {
            Value::Array(items) => items.iter().skip(self.count).cloned().collect(),
            whole if prediction.is_terminal() && !whole.is_null() => {
                // A list of texts may end as one text.
                let rest = whole.as_str().filter(|_| self.count > 0);
                match rest.and_then(|text| text.strip_prefix(&self.text)) {
                    Some("") => VecDeque::new(),
                    Some(rest) => [rest.into()].into(),
                    None => [whole.clone()].into(),
                }
            }
            _ => VecDeque::new(),
        };
        self.count += new.len();
        new.iter().for_each(|item| self.text.push_str(&item.to_string()));
        new
    }
}

/// Yields the items as events, for a model without an event stream.
pub(super) fn events(
    client: &Client,
    prediction: Snapshot,
    polling: Polling,
    use_file_output: bool,
) -> BoxStream<'static, Result<Event>> {
    let done = Ok(event("done", String::new()));
    let owner = client.clone();
    let outputs =
        items(client, prediction, polling, use_file_output).map_ok(move |item| output(&owner, item));
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
