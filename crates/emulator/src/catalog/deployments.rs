//! Deployments: a version of a model on its own hardware.

use super::account;
use crate::support::json::{Fields, Raw};
use crate::support::time::Timestamp;

/// A deployment and its current release.
#[derive(Clone)]
pub(crate) struct Deployment {
    pub(crate) owner: String,
    pub(crate) name: String,
    /// The number of the release.
    pub(crate) number: u64,
    pub(crate) model: String,
    pub(crate) version: String,
    pub(crate) hardware: String,
    pub(crate) min_instances: i64,
    pub(crate) max_instances: i64,
    /// When the deployment was created, which is its sort key.
    pub(crate) created_at: Timestamp,
    /// When the current release was created.
    pub(crate) released_at: Timestamp,
}

impl Deployment {
    /// Returns the deployment object of the API.
    pub(crate) fn view(&self) -> Raw {
        let configuration = Fields::new()
            .put("hardware", &self.hardware)
            .put("min_instances", &self.min_instances)
            .put("max_instances", &self.max_instances)
            .finish();
        let release = Fields::new()
            .put("number", &self.number)
            .put("model", &self.model)
            .put("version", &self.version)
            .put("created_at", &self.released_at.rfc3339(6))
            .put("created_by", &account::view(&self.owner))
            .put("configuration", &configuration)
            .finish();
        Fields::new()
            .put("owner", &self.owner)
            .put("name", &self.name)
            .put("current_release", &release)
            .finish()
    }
}
