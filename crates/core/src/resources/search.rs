//! Search over models, collections and pages of documentation.

use serde::{Deserialize, Serialize};

use super::models::Model;
use crate::{
    client::{Client, call::Call},
    http::request::Request,
    value::{Object, Value},
};

/// What a search found.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let found = client.search("upscale", Some(5)).await?;
/// println!("{} models, {} pages", found.models.len(), found.pages.len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SearchResults {
    /// What was searched for.
    pub query: String,
    /// The models, best first.
    pub models: Vec<FoundModel>,
    /// The collections; their `models` are names (`owner/name`) here.
    pub collections: Vec<Value>,
    /// Pages of documentation: `name` and `href`.
    pub pages: Vec<Object>,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

/// A model that a search found.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// for found in client.search("upscale", None).await?.models {
///     println!("{} {:?}", found.model.name, found.metadata.get("tags"));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FoundModel {
    /// The model.
    pub model: Model,
    /// What the search knows of it: `generated_description`, `tags`, `score`.
    pub metadata: Object,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParams {
    pub query: String,
    #[serde(default)]
    pub limit: Option<u32>,
}

impl Client {
    /// Searches models, collections and documentation. `GET /search`
    ///
    /// `limit` is how many models to give, 1 to 50; the API's default is 20.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for found in client.search("upscale a photo", None).await?.models {
    ///     println!("{}/{}", found.model.owner, found.model.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn search(&self, query: &str, limit: Option<u32>) -> Call<SearchResults> {
        Call::new(self, Ok(Request::get("/search").query("query", Some(query)).query("limit", limit)))
    }
}
