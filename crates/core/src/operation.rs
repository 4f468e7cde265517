//! Operations by name, for bindings that exchange values.
//!
//! A binding uses three functions and knows no endpoints: [`call`] runs operations with one result, [`open`] those with
//! a stream of results, and [`compute`] those that need no network.

mod compute;
mod output_work;
mod params;
mod raw_request;
#[cfg(not(target_arch = "wasm32"))]
mod read_url;
mod streams;
mod table;
mod webhooks;

use futures_util::{future, stream};

pub use self::{
    compute::{COMPUTATIONS, compute},
    streams::Item,
    table::{OPERATIONS, STREAMS},
};
use self::{
    streams::Items,
    table::{prepare_call, prepare_stream},
};
pub use crate::client::response::Payload;
#[doc(hidden)]
pub use crate::client::response::PredictionGuard;
use crate::{
    client::{Client, response::Reply},
    error::{Error, Result, decode_params},
    http::request::RequestOptions,
    platform::BoxFuture,
    value::{Object, Observer, Value},
};

/// Runs an operation with one result.
///
/// `params` is an object with the parameters by name. Its member `request_options` holds [`RequestOptions`]. The
/// `observer` receives the progress of the operation:
///
/// | operation | reports |
/// |---|---|
/// | `run`, `predictions.wait` | the prediction after each poll; `run` with `report_uploads` also uploads, like a create |
/// | `predictions.create` and other creates | `{"upload": {"place", "name", "loaded", "total"}}` for each file of the input |
/// | `files.create`, `output.save`, `output.save_all` | `{"loaded", "total"}`, in bytes |
///
/// # Errors
/// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an unknown operation or parameter, and the
/// errors of the operation.
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
    let reply = call_as_text(client, name, params, observer);
    Box::pin(async move { reply.await?.map(Payload::into_value) })
}

/// Like [`call`], but returns a response that the core does not interpret as JSON text. Bindings build objects
/// from text faster than from a [`Value`].
///
/// # Errors
/// The errors of [`call`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::operation::{self, Payload};
///
/// let reply = operation::call_as_text(&client, "account.get", replicant::Value::Null, None).await?;
/// if let Payload::Json(text) = reply.value {
///     println!("{text}");
/// }
/// # Ok(()) }
/// ```
pub fn call_as_text(
    client: &Client,
    name: &str,
    params: Value,
    observer: Option<Observer>,
) -> BoxFuture<'static, Result<Reply<Payload>>> {
    let prepared = take_options(name, params)
        .and_then(|(params, options)| prepare_call(client, name, params, options, observer));
    match prepared {
        Ok(work) => work,
        Err(error) => Box::pin(async move { Err(error) }),
    }
}

/// Splits the request options off the parameters.
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

/// Opens an operation with a stream of results.
///
/// No request is sent before the stream is polled. Dropping the stream closes its connection. For an unknown operation
/// or parameter, the stream yields one error.
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
///         std::io::Write::flush(&mut std::io::stdout()).ok();
///     }
/// }
/// # Ok(()) }
/// ```
pub fn open(client: &Client, name: &str, params: Value) -> Items {
    let prepared = take_options(name, params)
        .and_then(|(params, options)| prepare_stream(client, name, params, options));
    prepared.unwrap_or_else(|error| Box::pin(stream::once(future::ready(Err(error)))))
}
