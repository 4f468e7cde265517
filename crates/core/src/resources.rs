//! The API's resources: one file each, its types, parameters and methods together.

pub mod accounts;
pub mod collections;
pub mod deployments;
pub mod files;
pub mod hardware;
pub mod models;
pub mod predictions;
pub mod search;
pub mod trainings;
pub mod webhooks;
