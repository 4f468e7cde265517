//! Collections of models.

use crate::catalog::Collection;
use crate::http::problem::Problem;
use crate::request::{Call, Order, Reply, ok, page};
use crate::support::json::{Fields, array};
use crate::support::lock;

const PAGE: usize = 100;

/// Returns the members of a collection without its models.
pub(super) fn head(collection: &Collection) -> Fields {
    Fields::new()
        .put("name", collection.name)
        .put("slug", collection.slug)
        .put("description", collection.description)
}

pub(super) async fn list(call: Call) -> Reply {
    let catalog = lock(&call.app.catalog);
    let collections = catalog.collections.iter().collect();
    let view = |collection: &&Collection| head(collection).finish();
    page(&call, collections, |collection| collection.created_at, view, Order::OldestFirst, PAGE)
}

pub(super) async fn read(call: Call) -> Reply {
    let catalog = lock(&call.app.catalog);
    let mut collections = catalog.collections.iter();
    let collection = collections.find(|collection| collection.slug == call.parameter(0));
    let collection = collection.ok_or_else(Problem::not_found)?;
    let models = collection.models.iter().filter_map(|name| catalog.models.get(name));
    let models: Vec<_> = models.map(|model| model.view(&call.origin)).collect();
    let body =
        head(collection).put("full_description", collection.full_description).put("models", &array(&models));
    Ok(ok(body.finish()))
}
