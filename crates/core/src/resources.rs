//! The API's resources: one file each, its types, parameters and methods together.

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

/// Predictions; see [`Client::predictions`](crate::Client::predictions).
pub mod predictions {
    pub use crate::predictions::{
        create::CreatePrediction,
        resource::Predictions,
        types::{Prediction, Status},
        wait::WaitForPrediction,
    };
}
