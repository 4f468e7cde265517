//! Models and their versions.

use crate::app::lock;
use crate::call::{Call, Reply, ok};
use crate::page::{Item, Order, page};
use crate::problem::Problem;

const PAGE: usize = 25;

pub(super) async fn read(call: Call) -> Reply {
    let catalog = lock(&call.app.catalog);
    let model = catalog.model(call.parameter(0), call.parameter(1));
    Ok(ok(model.ok_or_else(Problem::not_found)?.view(&call.origin)))
}

pub(super) async fn versions(call: Call) -> Reply {
    let items = {
        let catalog = lock(&call.app.catalog);
        let model = catalog.model(call.parameter(0), call.parameter(1));
        let model = model.filter(|model| model.has_addressable_versions());
        let versions = &model.ok_or_else(Problem::not_found)?.versions;
        let item = |version: &crate::catalog::Version| Item {
            at: version.created_at,
            body: version.view(),
        };
        versions.iter().map(item).collect()
    };
    page(&call, items, Order::NewestFirst, PAGE)
}

pub(super) async fn version(call: Call) -> Reply {
    let catalog = lock(&call.app.catalog);
    let model = catalog.model(call.parameter(0), call.parameter(1));
    let version = model.and_then(|model| model.version(call.parameter(2)));
    Ok(ok(version.ok_or_else(Problem::not_found)?.view()))
}
