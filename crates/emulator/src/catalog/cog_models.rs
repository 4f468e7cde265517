//! Models that Cog servers run.

use std::sync::Arc;

use super::{ModelEntry, Version, new_model};
use crate::cog;
use crate::config::Config;
use crate::http::client::HttpClient;
use crate::support::ids;
use crate::support::time::Time;

/// Connects to the configured Cog servers.
pub(crate) async fn load(
    config: &Config,
    time: &Time,
    client: &HttpClient,
) -> Result<Vec<ModelEntry>, String> {
    let mut models = Vec::new();
    for (name, url) in &config.cog_models {
        let connected = cog::connect(client, url).await;
        let (schema, engine) = connected.map_err(|error| format!("model {name}: {error}"))?;
        let (owner, model) = name.split_once('/').unwrap_or(("cog", name));
        let mut entry = new_model(owner, model, true, time.now());
        entry.description = Some(format!("Run by the Cog server at {url}"));
        entry.official = true;
        entry.is_defined = true;
        entry.versions.push(Version {
            id: ids::version(),
            created_at: time.now(),
            schema: Arc::new(schema),
            engine,
            overridden_by: None,
        });
        models.push(entry);
    }
    Ok(models)
}
