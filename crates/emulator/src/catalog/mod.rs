//! Models, versions, collections and deployments.

pub(crate) mod account;
pub(crate) mod built_in;
pub(crate) mod defined;
pub(crate) mod deployments;

use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::OnceCell;

use crate::config::Timing;
use crate::job::{Job, Shape};
use crate::model::{Engine, HIDDEN, Schema};
use crate::support::json::{Fields, Raw, null};
use crate::support::time::Timestamp;

/// A version of a model.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) schema: Arc<Schema>,
    pub(crate) engine: Engine,
    /// The version that runs in place of this one.
    pub(crate) overridden_by: Option<String>,
}

impl Version {
    pub(crate) fn view(&self) -> Raw {
        Fields::new()
            .put("id", &self.id)
            .put("created_at", &self.created_at.rfc3339(6))
            .put("cog_version", "0.14.0")
            .put("openapi_schema", &self.schema.document)
            .finish()
    }
}

/// A model in the catalog.
pub(crate) struct ModelEntry {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) readme: Option<String>,
    pub(crate) public: bool,
    pub(crate) official: bool,
    pub(crate) links: Links,
    pub(crate) created_at: Timestamp,
    pub(crate) run_count: u64,
    pub(crate) timing: Timing,
    /// Whether predictions have an event stream.
    pub(crate) streams: bool,
    /// Newest first.
    pub(crate) versions: Vec<Version>,
    /// How many of the versions, the last ones, are those of earlier definitions. A reset removes them.
    pub(crate) earlier_versions: usize,
    /// The input of the example prediction, as JSON.
    pub(crate) example_input: Option<String>,
    pub(crate) example: Arc<OnceCell<Arc<Job>>>,
    /// Whether a test or an option has defined the model, so that a reset keeps it.
    pub(crate) is_defined: bool,
}

/// The URLs that a model's owner may set.
#[derive(Clone, Default)]
pub(crate) struct Links {
    pub(crate) github_url: Option<String>,
    pub(crate) paper_url: Option<String>,
    pub(crate) license_url: Option<String>,
    pub(crate) weights_url: Option<String>,
    pub(crate) cover_image_url: Option<String>,
}

impl ModelEntry {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Reports whether the versions have ids, which those of most official models do not show.
    pub(crate) fn has_addressable_versions(&self) -> bool {
        self.versions.iter().all(|version| version.id != HIDDEN)
    }

    pub(crate) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id && id != HIDDEN)
    }

    /// Returns the sort key of a list by latest version. Models without a version come last.
    pub(crate) fn latest_version_at(&self) -> Timestamp {
        let latest = self.versions.first();
        latest.map_or(Timestamp(self.created_at.0 / 1000), |version| version.created_at)
    }

    /// Returns the model object of the API. `origin` is the origin that the client uses.
    pub(crate) fn view(&self, origin: &str) -> Raw {
        let example = self.example.get().map(|job| job.view(origin, Shape::Read));
        let latest = self.versions.first().map_or_else(null, Version::view);
        Fields::new()
            .put("url", &format!("https://replicate.com/{}", self.full_name()))
            .put("owner", &self.owner)
            .put("name", &self.name)
            .put("description", &self.description)
            .put("visibility", if self.public { "public" } else { "private" })
            .put("is_official", &self.official)
            .put("github_url", &self.links.github_url)
            .put("paper_url", &self.links.paper_url)
            .put("license_url", &self.links.license_url)
            .put("run_count", &self.run_count)
            .put("cover_image_url", &self.links.cover_image_url)
            .put("default_example", &example)
            .put("latest_version", &latest)
            .put("created_at", &self.created_at.rfc3339(6))
            .put("weights_url", &self.links.weights_url)
            .finish()
    }
}

/// A collection of models.
pub(crate) struct Collection {
    pub(crate) name: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) description: &'static str,
    pub(crate) full_description: &'static str,
    pub(crate) models: Vec<String>,
    pub(crate) created_at: Timestamp,
}

/// All models and collections.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) models: IndexMap<String, ModelEntry>,
    pub(crate) collections: Vec<Collection>,
}

impl Catalog {
    /// Returns the version with this id, and its model.
    pub(crate) fn find_version(&self, id: &str) -> Option<(&ModelEntry, &Version)> {
        self.models.values().find_map(|model| Some((model, model.version(id)?)))
    }
}

/// Returns a model without versions.
pub(crate) fn new_model(owner: &str, name: &str, public: bool, created_at: Timestamp) -> ModelEntry {
    ModelEntry {
        owner: owner.into(),
        name: name.into(),
        description: None,
        readme: None,
        public,
        official: false,
        links: Links::default(),
        created_at,
        run_count: 0,
        timing: Timing::default(),
        streams: true,
        versions: Vec::new(),
        earlier_versions: 0,
        example_input: None,
        example: Arc::default(),
        is_defined: false,
    }
}
