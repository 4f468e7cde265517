//! The output of a prediction piece by piece, as polling finds it.

use futures_util::{StreamExt, TryStreamExt, future, stream};

use crate::{
    client::Client, error::Result, platform::BoxStream, request::RequestOptions, stream::Event, value::Value,
    wait::is_terminal,
};

/// The items of a prediction's output, each once, from the first. An output that is no list is one item.
pub(crate) fn items(
    client: &Client,
    prediction: Value,
    files: bool,
    options: RequestOptions,
) -> BoxStream<'static, Result<Value>> {
    let state = (client.clone(), prediction, 0usize, options);
    Box::pin(stream::try_unfold(state, move |(client, mut prediction, given, options)| async move {
        loop {
            let items: &[Value] = match &prediction["output"] {
                Value::Array(items) => items,
                Value::Null => &[],
                whole => std::slice::from_ref(whole),
            };
            if let Some(item) = items.get(given) {
                let item = if files { client.with_files(item.clone()) } else { item.clone() };
                return Ok(Some((item, (client, prediction, given + 1, options))));
            }
            if is_terminal(prediction["status"].as_str().unwrap_or_default()) {
                crate::wait::succeeded(prediction)?;
                return Ok(None);
            }
            prediction = client.poll_once(prediction, &options).await?;
        }
    }))
}

/// The same as the events that the model does not send.
pub(super) fn events(
    client: &Client,
    prediction: Value,
    files: bool,
    options: RequestOptions,
) -> BoxStream<'static, Result<Event>> {
    let done = Ok(event("done", String::new()));
    let outputs = items(client, prediction, files, options).map_ok(|item| match item {
        Value::String(text) => event("output", text),
        Value::Output(file) => Event { file: Some(file.clone()), ..event("output", file.url().to_owned()) },
        other => event("output", other.to_string()),
    });
    Box::pin(outputs.chain(stream::once(future::ready(done))))
}

fn event(name: &str, data: String) -> Event {
    Event { event: name.to_owned(), data, id: None, retry: None, file: None }
}
