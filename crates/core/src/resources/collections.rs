//! Collections: models that somebody put together by what they do.

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
    /// Its name for people.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// What it is about.
    pub description: Option<String>,
    /// What it is about at length, in Markdown; not in lists.
    pub full_description: Option<String>,
    /// Its models; not in lists.
    pub models: Vec<Model>,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

/// The collections; see [`Client::collections`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let collections = client.collections();
/// println!("{}", collections.list().await?.results.len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Collections<'c> {
    client: &'c Client,
}

impl Client {
    /// The collections of models.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// println!("{}", client.collections().get("text-to-image").await?.name);
    /// # Ok(()) }
    /// ```
    pub fn collections(&self) -> Collections<'_> {
        Collections { client: self }
    }
}

impl Collections<'_> {
    /// All collections, without their models. `GET /collections`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for collection in client.collections().list().await?.results {
    ///     println!("{}: {}", collection.slug, collection.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> List<Collection> {
        List::new(self.client, Ok(Request::get("/collections")))
    }

    /// One collection with its models. `GET /collections/{slug}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for model in client.collections().get("text-to-image").await?.models {
    ///     println!("{}/{}", model.owner, model.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn get(&self, slug: &str) -> Call<Collection> {
        Call::new(self.client, path("/collections/{slug}", &[("slug", slug)]).map(Request::get))
    }
}
