//! Search for models, collections and documentation pages.

use serde::{Deserialize, Serialize};

use super::models::Model;
use crate::{
    client::{Client, call::Call},
    http::request::Request,
    value::{Object, Value},
};

/// The results of a search.
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
    /// The search query.
    pub query: String,
    /// Models, best match first.
    pub models: Vec<FoundModel>,
    /// Collections. Their `models` are names (`owner/name`).
    pub collections: Vec<Value>,
    /// Documentation pages, with `name` and `href`.
    pub pages: Vec<Object>,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// A model in the results of a search.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FoundModel {
    /// The model.
    pub model: Model,
    /// Metadata of the search: `generated_description`, `tags`, `score`.
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
    /// Searches for models, collections and documentation pages. `GET /search`
    ///
    /// `limit` is the maximum number of models, 1 to 50; the default of the API is 20.
    pub fn search(&self, query: &str, limit: Option<u32>) -> Call<SearchResults> {
        Call::new(self, Ok(Request::get("/search").query("query", Some(query)).query("limit", limit)))
    }
}
