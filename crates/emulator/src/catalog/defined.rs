//! The catalog entries of models that tests define.

use std::sync::Arc;

use super::{ModelEntry, Version, new_model};
use crate::defined::Definition;
use crate::model::{Engine, Schema};
use crate::support::time::Time;

/// Returns the entry of a model.
pub(crate) fn entry(
    definition: &Definition,
    schema: Schema,
    engine: Engine,
    time: &Time,
) -> Result<ModelEntry, String> {
    let (owner, name) = definition.names()?;
    let schema = Arc::new(schema);
    let mut entry = new_model(owner, name, true, time.now());
    entry.description.clone_from(&definition.description);
    entry.official = true;
    entry.is_defined = true;
    entry.timing = definition.timing();
    let version = |id| Version {
        id,
        created_at: time.now(),
        schema: schema.clone(),
        engine: engine.clone(),
        overridden_by: None,
    };
    // The ids are newest first, and the clock returns a later time to each call.
    entry.versions = definition.version_ids(&schema).into_iter().rev().map(version).collect();
    entry.versions.reverse();
    Ok(entry)
}
