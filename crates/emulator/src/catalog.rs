//! The models, versions and collections there are.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::clock::{Clock, Stamp};
use crate::config::{Config, Timing};
use crate::deployments::{self, Deployment};
use crate::job::Job;
use crate::json::{Fields, Raw, null};
use crate::models::{self, Model};
use crate::schema::Schema;

pub(crate) type Engine = Arc<dyn Model>;

/// The id that official models show in place of a version's.
pub(crate) const HIDDEN: &str = "hidden";

#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) created_at: Stamp,
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

pub(crate) struct ModelEntry {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) readme: Option<String>,
    pub(crate) public: bool,
    pub(crate) official: bool,
    pub(crate) links: Links,
    pub(crate) created_at: Stamp,
    pub(crate) run_count: u64,
    pub(crate) timing: Timing,
    /// Whether predictions offer an event stream.
    pub(crate) streams: bool,
    /// Newest first.
    pub(crate) versions: Vec<Version>,
    /// Input of the example prediction, as JSON.
    pub(crate) example_input: Option<String>,
    pub(crate) example: Option<Arc<Job>>,
}

/// The addresses a model's owner may set.
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

    /// Whether its versions can be named. Those of most official models cannot.
    pub(crate) fn has_addressable_versions(&self) -> bool {
        self.versions.iter().all(|version| version.id != HIDDEN)
    }

    pub(crate) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id && id != HIDDEN)
    }

    /// Its place in a list by latest version. Models without one come last, in an order of their own.
    pub(crate) fn latest_version_at(&self) -> Stamp {
        let latest = self.versions.first();
        latest.map_or(Stamp(self.created_at.0 / 1000), |version| version.created_at)
    }

    pub(crate) fn view(&self, origin: &str) -> Raw {
        let example = self.example.as_ref().map(|job| job.view(origin, crate::job::Shape::Read));
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

pub(crate) struct Collection {
    pub(crate) name: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) description: &'static str,
    pub(crate) full_description: &'static str,
    pub(crate) models: Vec<String>,
    pub(crate) created_at: Stamp,
}

#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) models: IndexMap<String, ModelEntry>,
    pub(crate) collections: Vec<Collection>,
}

impl Catalog {
    pub(crate) fn model(&self, owner: &str, name: &str) -> Option<&ModelEntry> {
        self.models.get(&format!("{owner}/{name}"))
    }

    /// The model and version with this version id.
    pub(crate) fn find_version(&self, id: &str) -> Option<(&ModelEntry, &Version)> {
        self.models.values().find_map(|model| Some((model, model.version(id)?)))
    }
}

/// What exists when the server starts.
pub(crate) fn built_in(config: &Config, clock: &Clock) -> (Catalog, IndexMap<String, Deployment>) {
    let mut catalog = Catalog::default();
    let day = std::time::Duration::from_secs(24 * 3600);
    let mut created_at = clock.now().minus(day * 400);
    for engine in models::built_in() {
        let card = engine.card();
        let schema = Arc::new(Schema::from_components(card.schema).expect("built-in schemas are valid"));
        let mut versions = Vec::new();
        for (age, (id, overridden_by)) in card.versions.iter().enumerate() {
            versions.push(Version {
                id: (*id).into(),
                created_at: created_at.plus(day * (30 - age as u32)),
                schema: schema.clone(),
                engine: engine.clone(),
                overridden_by: overridden_by.map(Into::into),
            });
        }
        let full_name = format!("{}/{}", card.owner, card.name);
        let entry = ModelEntry {
            owner: card.owner.into(),
            name: card.name.into(),
            description: Some(card.description.into()),
            readme: Some(card.readme()),
            public: true,
            official: card.official,
            links: Links::default(),
            created_at,
            run_count: 0,
            timing: config.timings.get(&full_name).copied().unwrap_or(card.timing),
            streams: card.streams,
            versions,
            example_input: Some(card.example_input.into_owned()).filter(|input| !input.is_empty()),
            example: None,
        };
        catalog.models.insert(full_name, entry);
        created_at = created_at.plus(day);
    }
    let mut hotdog = new_model(&config.account, "hotdog", false, created_at);
    hotdog.description = Some("Tells hot dogs from everything else".into());
    catalog.models.insert(hotdog.full_name(), hotdog);
    catalog.collections = collections(clock);
    let deployments = deployments::built_in(config, clock, &catalog);
    (catalog, deployments)
}

fn collections(clock: &Clock) -> Vec<Collection> {
    let models = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        Collection {
            name: "Language models",
            slug: "language-models",
            description: "Models that understand and write text",
            full_description: "## Language models\n\nThey continue, answer and rewrite text.",
            models: models(&["meta/meta-llama-3-8b-instruct"]),
            created_at: clock.now(),
        },
        Collection {
            name: "Text to image",
            slug: "text-to-image",
            description: "Models that draw pictures from a description",
            full_description: "## Text to image\n\nDescribe a picture in words and get it drawn.",
            models: models(&["stability-ai/sdxl", "black-forest-labs/flux-schnell"]),
            created_at: clock.now(),
        },
        Collection {
            name: "Super resolution",
            slug: "super-resolution",
            description: "Models that make pictures larger",
            full_description: "## Super resolution\n\nMore pixels for small pictures.",
            models: models(&["nightmareai/real-esrgan"]),
            created_at: clock.now(),
        },
    ]
}

/// An empty model of the caller's account.
pub(crate) fn new_model(owner: &str, name: &str, public: bool, created_at: Stamp) -> ModelEntry {
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
        example_input: None,
        example: None,
    }
}
