//! Creates a prediction and leaves it running.

use super::{cancel_guard::CancelGuard, options::PreferWait, run_params::RunParams};
use crate::{
    client::{Client, options::OnAbandon},
    error::{Result, decode_params},
    http::deadline::Deadline,
    value::Value,
};

/// Creates a prediction with the parameters of `run`, leaves it running and returns it. Dropping the future before it returns
/// cancels the prediction, because nobody else knows its id.
pub async fn leave(client: &Client, params: Value) -> Result<Value> {
    let mut request = decode_params::<RunParams>("run", params)?.request(client);
    let guard = CancelGuard::new(client, OnAbandon::Cancel, request.options.clone());
    // Without `Cancel-After`.
    request.run.on_abandon = Some(OnAbandon::Leave);
    let created = request.create_observed(&guard, PreferWait::None, Deadline::none(), |_| None).await?;
    guard.disarm();
    Ok(created.into_value())
}
