//! The models, collections and deployments that exist from the start.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::deployments::Deployment;
use super::{Catalog, Collection, Links, ModelEntry, Version, new_model};
use crate::builtin;
use crate::config::Config;
#[cfg(feature = "demo")]
use crate::demo;
use crate::model::Schema;
use crate::support::time::Time;

/// Builds the catalog and the deployments that exist from the start.
pub(crate) fn catalog(config: &Config, time: &Time) -> (Catalog, IndexMap<String, Deployment>) {
    let mut catalog = Catalog::default();
    let day = Duration::from_secs(24 * 3600);
    let mut created_at = time.now().minus(day * 400);
    #[cfg(feature = "demo")]
    let mut engines = demo::all();
    #[cfg(not(feature = "demo"))]
    let mut engines = Vec::new();
    engines.extend(builtin::all());
    for engine in engines {
        let card = engine.card();
        let schema = Arc::new(Schema::from_components(&card.schema).expect("built-in schemas are valid"));
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
            earlier_versions: 0,
            example_input: Some(card.example_input.into_owned()).filter(|input| !input.is_empty()),
            example: Arc::default(),
            is_defined: false,
        };
        catalog.models.insert(full_name, entry);
        created_at = created_at.plus(day);
    }
    let mut hotdog = new_model(&config.account, "hotdog", false, created_at);
    hotdog.description = Some("Tells hot dogs from everything else".into());
    catalog.models.insert(hotdog.full_name(), hotdog);
    catalog.collections = collections(time);
    let deployments = deployments(config, time, &catalog);
    (catalog, deployments)
}

fn collections(time: &Time) -> Vec<Collection> {
    let models = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        Collection {
            name: "Language models",
            slug: "language-models",
            description: "Models that understand and write text",
            full_description: "## Language models\n\nThey write and rewrite text.",
            models: models(&["meta/meta-llama-3-8b-instruct", "meta/meta-llama-3-70b-instruct"]),
            created_at: time.now(),
        },
        Collection {
            name: "Text to image",
            slug: "text-to-image",
            description: "Models that draw pictures from a description",
            full_description: "## Text to image\n\nThey draw pictures from descriptions.",
            models: models(&["stability-ai/sdxl", "black-forest-labs/flux-schnell"]),
            created_at: time.now(),
        },
        Collection {
            name: "Super resolution",
            slug: "super-resolution",
            description: "Models that make pictures larger",
            full_description: "## Super resolution\n\nThey add pixels to small pictures.",
            models: models(&["nightmareai/real-esrgan"]),
            created_at: time.now(),
        },
    ]
}

fn deployments(config: &Config, time: &Time, catalog: &Catalog) -> IndexMap<String, Deployment> {
    let make = |name: &str, model: &str| {
        let version = catalog.models.get(model).and_then(|model| model.versions.first());
        let now = time.now();
        let deployment = Deployment {
            owner: config.account.clone(),
            name: name.into(),
            number: 1,
            model: model.into(),
            version: version.map(|version| version.id.clone()).unwrap_or_default(),
            hardware: "gpu-t4".into(),
            min_instances: 0,
            max_instances: 1,
            created_at: now,
            released_at: now,
        };
        (format!("{}/{name}", config.account), deployment)
    };
    let all = [("text", "meta/meta-llama-3-8b-instruct"), ("upscaler", "nightmareai/real-esrgan")];
    let present = all.into_iter().filter(|(_, model)| catalog.models.contains_key(*model));
    present.map(|(name, model)| make(name, model)).collect()
}
