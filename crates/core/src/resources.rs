//! The resources of the API. Each file has the types, parameters and methods of one resource.

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

/// The types of predictions; see [`Client::predictions`](crate::Client::predictions).
pub mod predictions {
    pub use crate::predictions::{
        create::CreatePrediction,
        resource::{PredictionFilter, Predictions},
        types::{Prediction, Status},
        wait::WaitForPrediction,
    };
}
