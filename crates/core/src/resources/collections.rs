//! Collections of models.

use serde::{Deserialize, Serialize};

use super::models::Model;
use crate::{
    client::{Client, call::Call, page::List},
    http::request::{Request, path},
    value::Object,
};

/// A collection of models.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let collection = client.collections().get("text-to-image").await?;
/// println!("{}: {} models", collection.name, collection.models.len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Collection {
    /// Display name.
    pub name: String,
    /// Name in URLs.
    pub slug: String,
    /// Description.
    pub description: Option<String>,
    /// Long description in Markdown. Absent in lists.
    pub full_description: Option<String>,
    /// Models. Empty in lists.
    pub models: Vec<Model>,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// The collections resource; see [`Client::collections`].
#[derive(Debug, Clone, Copy)]
pub struct Collections<'c> {
    client: &'c Client,
}

impl Client {
    /// Returns the collections resource.
    pub fn collections(&self) -> Collections<'_> {
        Collections { client: self }
    }
}

impl Collections<'_> {
    /// Lists collections, without their models. `GET /collections`
    pub fn list(&self) -> List<Collection> {
        List::new(self.client, Ok(Request::get("/collections")))
    }

    /// Returns a collection with its models. `GET /collections/{slug}`
    pub fn get(&self, slug: &str) -> Call<Collection> {
        Call::new(self.client, path("/collections/{slug}", &[("slug", slug)]).map(Request::get))
    }
}
