//! Deployments: a model's version with an address of its own.

use indexmap::IndexMap;

use crate::catalog::Catalog;
use crate::clock::{Clock, Stamp};
use crate::config::Config;
use crate::json::{Fields, Raw};

#[derive(Clone)]
pub(crate) struct Deployment {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) number: u64,
    pub(crate) model: String,
    pub(crate) version: String,
    pub(crate) hardware: String,
    pub(crate) min_instances: i64,
    pub(crate) max_instances: i64,
    /// When the deployment was made; the place in lists.
    pub(crate) made_at: Stamp,
    /// When the current release was made.
    pub(crate) created_at: Stamp,
}

impl Deployment {
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
            .put("created_at", &self.created_at.rfc3339(6))
            .put("created_by", &crate::routes::account::view(&self.owner))
            .put("configuration", &configuration)
            .finish();
        Fields::new()
            .put("owner", &self.owner)
            .put("name", &self.name)
            .put("current_release", &release)
            .finish()
    }
}

/// The deployments that exist from the start.
pub(crate) fn built_in(config: &Config, clock: &Clock, catalog: &Catalog) -> IndexMap<String, Deployment> {
    let make = |name: &str, model: &str| {
        let version = catalog.models.get(model).and_then(|model| model.versions.first());
        let now = clock.now();
        let deployment = Deployment {
            owner: config.account.clone(),
            name: name.into(),
            number: 1,
            model: model.into(),
            version: version.map(|version| version.id.clone()).unwrap_or_default(),
            hardware: "gpu-t4".into(),
            min_instances: 0,
            max_instances: 1,
            made_at: now,
            created_at: now,
        };
        (format!("{}/{name}", config.account), deployment)
    };
    IndexMap::from([
        make("text", "meta/meta-llama-3-8b-instruct"),
        make("upscaler", "nightmareai/real-esrgan"),
    ])
}
