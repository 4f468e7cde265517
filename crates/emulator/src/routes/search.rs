//! Searches models, collections and pages.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::catalog::{Catalog, Collection, ModelEntry};
use crate::http::problem::Problem;
use crate::request::{Call, Reply, ok};
use crate::support::json::{Fields, Raw, array, null};
use crate::support::lock;

const MODELS_PAGE: usize = 25;
const DEFAULT_LIMIT: usize = 20;
const LARGEST_LIMIT: usize = 50;
const PAGES: [(&str, &str); 5] = [
    ("Get started with Python", "/docs/get-started/python"),
    ("Get started with Node.js", "/docs/get-started/nodejs"),
    ("Webhooks", "/docs/topics/webhooks"),
    ("Streaming output", "/docs/topics/predictions/streaming"),
    ("Deployments", "/docs/topics/deployments"),
];

/// `QUERY /models`. The body is text or a JSON string, depending on the client.
pub(super) async fn models(call: Call) -> Reply {
    if call.method.as_str() != "QUERY" {
        return Err(Problem::method_not_allowed(call.method.as_str()));
    }
    let text = String::from_utf8_lossy(&call.body).into_owned();
    if text.trim().is_empty() {
        return Err(Problem::bad_request("The request body must be the text to search for."));
    }
    let words = serde_json::from_str::<String>(&text).unwrap_or(text);
    let catalog = lock(&call.app.catalog);
    let found: Vec<_> = ranked(&catalog, &words).into_iter().take(MODELS_PAGE).collect();
    let results: Vec<_> = found.iter().map(|(model, _)| model.view(&call.origin)).collect();
    let body = Fields::new().put("next", &null()).put("previous", &null()).put("results", &array(&results));
    Ok(ok(body.finish()))
}

/// Adds `QUERY`, which the router does not know, to the methods of `/models`.
pub(super) async fn add_query(request: Request, next: Next) -> Response {
    let is_query = request.method().as_str() == "QUERY";
    let mut response = next.run(request).await;
    if is_query || response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST, QUERY"));
    }
    response
}

/// `GET /search`.
pub(super) async fn search(call: Call) -> Reply {
    let query = call.query("query").filter(|query| !query.trim().is_empty());
    let missing = || Problem::bad_request("Query parameter \"query\" is required").plain_json();
    let query = query.ok_or_else(missing)?;
    let limit = call.query("limit").map_or(Some(DEFAULT_LIMIT), |limit| limit.parse().ok());
    let limit = limit.filter(|limit| (1..=LARGEST_LIMIT).contains(limit));
    let invalid = || Problem::bad_request("Query parameter \"limit\" must be between 1 and 50").plain_json();
    let limit = limit.ok_or_else(invalid)?;

    let catalog = lock(&call.app.catalog);
    let found: Vec<_> = ranked(&catalog, query).into_iter().take(limit).collect();
    let models: Vec<_> = found.iter().map(|(model, score)| hit(&call, model, *score)).collect();
    let collections = catalog
        .collections
        .iter()
        .filter(|collection| score(query, &[collection.name, collection.slug, collection.description]) > 0.0);
    let collections: Vec<_> = collections
        .map(|collection| super::collections::head(collection).put("models", &collection.models).finish())
        .collect();
    let pages = PAGES.iter().filter(|(name, _)| score(query, &[name]) > 0.0);
    let pages: Vec<_> =
        pages.map(|(name, href)| Fields::new().put("name", name).put("href", href).finish()).collect();
    let body = Fields::new()
        .put("query", query)
        .put("models", &array(&models))
        .put("collections", &array(&collections))
        .put("pages", &array(&pages));
    Ok(ok(body.finish()))
}

/// Returns a search result.
fn hit(call: &Call, model: &ModelEntry, score: f64) -> Raw {
    let tags: Vec<&str> = model.name.split('-').collect();
    let metadata = Fields::new()
        .put("generated_description", &model.description)
        .put("tags", &tags)
        .put("score", &score)
        .finish();
    Fields::new().put("model", &model.view(&call.origin)).put("metadata", &metadata).finish()
}

/// Returns the public models that match, best match first.
fn ranked<'a>(catalog: &'a Catalog, words: &str) -> Vec<(&'a ModelEntry, f64)> {
    let public = catalog.models.values().filter(|model| model.public);
    let scored = public.map(|model| {
        let name = model.full_name();
        let mut texts = vec![&*model.owner, &*model.name, &*model.name];
        texts.extend(model.description.as_deref());
        let member = |collection: &&Collection| collection.models.contains(&name);
        for collection in catalog.collections.iter().filter(member) {
            texts.extend([collection.name, collection.description]);
        }
        (model, score(words, &texts))
    });
    let mut found: Vec<_> = scored.filter(|(_, score)| *score > 0.0).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}

/// Returns the share of pairs of a word and a text in which the word occurs.
fn score(words: &str, texts: &[&str]) -> f64 {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return 0.0;
    }
    let lower: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let hits = words.iter().map(|word| lower.iter().filter(|text| text.contains(word.as_str())).count());
    hits.sum::<usize>() as f64 / (words.len() * texts.len()) as f64
}
