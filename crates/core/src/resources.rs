//! The resources of the API. Each file has the types, parameters and methods of one resource.

use serde::Serialize;

use crate::{
    error::{Error, Result},
    value::Value,
};

pub mod accounts;
pub mod collections;
pub mod deployments;
pub mod files;
pub mod hardware;
pub mod models;
pub(crate) mod owner_and_name;
pub mod search;
pub mod trainings;
pub mod webhooks;

/// Converts a struct of parameters to a JSON body.
fn body(params: &impl Serialize) -> Result<Value> {
    // Not through a value of serde_json, whose code nothing else needs.
    let json = serde_json::to_vec(params).map_err(|error| Error::invalid(error.to_string()))?;
    Ok(Value::from_json(&json)?)
}

/// The types of predictions; see [`Client::predictions`](crate::Client::predictions).
pub mod predictions {
    pub use crate::predictions::{
        create::CreatePrediction,
        resource::{PredictionFilter, Predictions},
        stream_prediction::StreamPrediction,
        types::{Prediction, Status},
        wait::WaitForPrediction,
    };
}
