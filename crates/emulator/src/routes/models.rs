//! Models and their versions.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::catalog::{Catalog, Links, ModelEntry, Version, new_model};
use crate::http::problem::Problem;
use crate::job::{Job, Kind, Shape};
use crate::request::{BodyReader, Call, Order, Reply, empty, json, ok, page};
use crate::support::lock;

use super::create_body::CreateBody;
use super::hardware;
use super::start::{StartOptions, start, target};

const PAGE: usize = 25;
const EXAMPLE_TIMEOUT: Duration = Duration::from_secs(5);
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
// The API deletes versions within minutes. This is long enough for a test to see that it happens in the background.
const DELETION: Duration = Duration::from_secs(2);

pub(super) async fn list(call: Call) -> Reply {
    let by_model = match call.query("sort_by") {
        None | Some("latest_version_created_at") => false,
        Some("model_created_at") => true,
        Some(_) => {
            let text = "\"sort_by\" must be \"model_created_at\" or \"latest_version_created_at\".";
            return Err(Problem::bad_request(text));
        }
    };
    let order = match call.query("sort_direction") {
        None | Some("desc") => Order::NewestFirst,
        Some("asc") => Order::OldestFirst,
        Some(_) => return Err(Problem::bad_request("\"sort_direction\" must be \"asc\" or \"desc\".")),
    };
    let at = |model: &&ModelEntry| if by_model { model.created_at } else { model.latest_version_at() };
    let catalog = lock(&call.app.catalog);
    let models = catalog.models.values().filter(|model| model.public).collect();
    page(&call, models, at, |model| model.view(&call.origin), order, PAGE)
}

pub(super) async fn create(call: Call) -> Reply {
    let mut body = BodyReader::new(&call)?;
    let owner = body.text("owner", true);
    let name = body.text("name", true);
    let visibility = body.choice("visibility", true, &["public", "private"]);
    body.choice("hardware", true, &hardware::skus());
    let mut links = Links::default();
    let description = body.text("description", false);
    links.github_url = body.web_url("github_url");
    links.paper_url = body.web_url("paper_url");
    links.license_url = body.web_url("license_url");
    links.cover_image_url = body.web_url("cover_image_url");
    if owner.as_ref().is_some_and(|owner| *owner != call.app.config.account) {
        body.report("enum", "owner", format!("must be your account, {:?}", call.app.config.account));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if name.as_ref().is_some_and(|name| name.is_empty() || !name.bytes().all(plain)) {
        body.report(
            "pattern",
            "name",
            "Must have lower-case letters, digits, dashes, dots and underscores only, and at least one",
        );
    }
    let (owner, name) = (owner.unwrap_or_default(), name.unwrap_or_default());
    let mut catalog = lock(&call.app.catalog);
    if catalog.models.contains_key(&format!("{owner}/{name}")) {
        body.report("unique", "name", "A model with that name and owner already exists");
    }
    body.finish()?;
    let public = visibility.as_deref() == Some("public");
    let mut model = new_model(&owner, &name, public, call.app.now());
    model.description = description;
    model.links = links;
    let view = model.view(&call.origin);
    catalog.models.insert(model.full_name(), model);
    Ok(json(StatusCode::CREATED, view))
}

pub(super) async fn read(call: Call) -> Reply {
    ensure_example(&call).await;
    let catalog = lock(&call.app.catalog);
    Ok(ok(find(&call, &catalog)?.view(&call.origin)))
}

pub(super) async fn update(call: Call) -> Reply {
    let mut catalog = lock(&call.app.catalog);
    let model = find_own(&call, &mut catalog)?;
    let mut body = BodyReader::new(&call)?;
    let description = body.text("description", false);
    let readme = body.text("readme", false);
    let github_url = body.web_url("github_url");
    let paper_url = body.web_url("paper_url");
    let weights_url = body.web_url("weights_url");
    let license_url = body.web_url("license_url");
    body.finish()?;
    let set = |member: &mut Option<String>, value: Option<String>| {
        if value.is_some() {
            *member = value;
        }
    };
    set(&mut model.description, description);
    set(&mut model.readme, readme);
    set(&mut model.links.github_url, github_url);
    set(&mut model.links.paper_url, paper_url);
    set(&mut model.links.weights_url, weights_url);
    set(&mut model.links.license_url, license_url);
    Ok(ok(model.view(&call.origin)))
}

/// Deletes a private model of the account that has no versions.
pub(super) async fn delete(call: Call) -> Reply {
    let mut catalog = lock(&call.app.catalog);
    let model = find_own(&call, &mut catalog)?;
    if model.public || !model.versions.is_empty() {
        let text = "Only private models without versions can be deleted.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let name = model.full_name();
    catalog.models.shift_remove(&name);
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn examples(call: Call) -> Reply {
    ensure_example(&call).await;
    let example = find(&call, &lock(&call.app.catalog))?.example.get().cloned();
    let view = |job: &Arc<Job>| job.view(&call.origin, Shape::Read);
    page(&call, example.into_iter().collect(), |job| job.spec.created_at, view, Order::NewestFirst, PAGE)
}

pub(super) async fn readme(call: Call) -> Reply {
    let readme = find(&call, &lock(&call.app.catalog))?.readme.clone();
    match readme {
        Some(text) => Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()),
        None => Ok(empty(StatusCode::NOT_FOUND)),
    }
}

pub(super) async fn versions(call: Call) -> Reply {
    let catalog = lock(&call.app.catalog);
    let model = find(&call, &catalog)?;
    if !model.has_addressable_versions() {
        return Err(Problem::not_found());
    }
    let versions = model.versions.iter().collect();
    page(
        &call,
        versions,
        |version: &&Version| version.created_at,
        |version| version.view(),
        Order::NewestFirst,
        PAGE,
    )
}

pub(super) async fn version(call: Call) -> Reply {
    let catalog = lock(&call.app.catalog);
    let version = find(&call, &catalog)?.version(call.parameter(2));
    Ok(ok(version.ok_or_else(Problem::not_found)?.view()))
}

/// Deletes a version of a private model of the account, in the background.
pub(super) async fn delete_version(call: Call) -> Reply {
    let id = call.parameter(2).to_owned();
    let model = {
        let mut catalog = lock(&call.app.catalog);
        let model = find_own(&call, &mut catalog)?;
        model.version(&id).ok_or_else(Problem::not_found)?;
        let deployed = lock(&call.app.deployments).values().any(|deployment| deployment.version == id);
        if model.public || deployed {
            let text = "Only versions of private models that have no deployment can be deleted.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
        }
        model.full_name()
    };
    let app = call.app.clone();
    tokio::spawn(async move {
        app.time.sleep(DELETION).await;
        if let Some(model) = lock(&app.catalog).models.get_mut(&model) {
            model.versions.retain(|version| version.id != id);
        }
    });
    Ok(empty(StatusCode::ACCEPTED))
}

/// Returns the model that the path names.
fn find<'a>(call: &Call, catalog: &'a Catalog) -> Result<&'a ModelEntry, Problem> {
    catalog.models.get(&call.name()).ok_or_else(|| Problem::unknown_model(&call.name()))
}

/// Returns the model if it belongs to the account.
fn find_own<'a>(call: &Call, catalog: &'a mut Catalog) -> Result<&'a mut ModelEntry, Problem> {
    let model = catalog.models.get_mut(&call.name()).ok_or_else(Problem::not_found)?;
    if model.owner == call.app.config.account {
        Ok(model)
    } else {
        let text = "You do not have permission to change this model.";
        Err(Problem::new(StatusCode::FORBIDDEN, text))
    }
}

/// Creates the model's example when the model is read for the first time. Its files are not built yet.
async fn ensure_example(call: &Call) {
    let (example, body, target) = {
        let catalog = lock(&call.app.catalog);
        let Some(model) = catalog.models.get(&call.name()) else { return };
        let (Some(input), Some(version), false) =
            (&model.example_input, model.versions.first(), model.example.initialized())
        else {
            return;
        };
        (model.example.clone(), CreateBody::from_input(input), target(model, version, model.official))
    };
    let options = StartOptions { kind: Kind::Example, cancel_after: None, retention: FOREVER };
    let (app, origin) = (call.app.clone(), call.origin.clone());
    // The task outlives the request of a client that leaves, so that no example is lost.
    let created = tokio::spawn(async move {
        let create = async || {
            let job = start(&app, &origin, body, target, options).await?;
            job.until(|job| job.status().is_terminal()).await;
            Ok::<_, Problem>(job)
        };
        let _ = example.get_or_try_init(create).await;
    });
    let _ = tokio::time::timeout(EXAMPLE_TIMEOUT, created).await;
}
