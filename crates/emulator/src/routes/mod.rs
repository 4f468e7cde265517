//! The endpoints, one file per resource.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use crate::http::problem::Problem;
use crate::request::{Call, Reply};
use crate::state::App;

mod account;
mod checks;
mod collections;
mod control;
mod create;
mod create_body;
mod defined;
mod deployments;
mod files;
mod hardware;
mod headers;
mod models;
mod openapi;
mod output_files;
mod predictions;
mod replay;
mod search;
mod start;
mod streams;
mod trainings;
mod webhooks;

const MODEL: &str = "/v1/models/{model_owner}/{model_name}";
const DEPLOYMENT: &str = "/v1/deployments/{deployment_owner}/{deployment_name}";

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/v1/account", get(account::get))
        .route("/v1/files", get(files::list).post(files::create))
        .route("/v1/files/{file_id}", get(files::read).delete(files::delete))
        .route("/v1/files/{file_id}/download", get(files::download))
        .route("/v1/collections", get(collections::list))
        .route("/v1/collections/{collection_slug}", get(collections::read))
        .route("/v1/deployments", get(deployments::list).post(deployments::create))
        .route(DEPLOYMENT, get(deployments::read).patch(deployments::update).delete(deployments::delete))
        .route(&format!("{DEPLOYMENT}/predictions"), post(create::by_deployment))
        .route("/v1/hardware", get(hardware::list))
        .route(
            "/v1/models",
            get(models::list).post(models::create).fallback(search::models).layer(from_fn(search::add_query)),
        )
        .route(MODEL, get(models::read).patch(models::update).delete(models::delete))
        .route(&format!("{MODEL}/examples"), get(models::examples))
        .route(&format!("{MODEL}/predictions"), post(create::by_model))
        .route(&format!("{MODEL}/readme"), get(models::readme))
        .route(&format!("{MODEL}/versions"), get(models::versions))
        .route(
            &format!("{MODEL}/versions/{{version_id}}"),
            get(models::version).delete(models::delete_version),
        )
        .route(&format!("{MODEL}/versions/{{version_id}}/trainings"), post(trainings::create))
        .route("/v1/search", get(search::search))
        .route("/v1/trainings", get(trainings::list))
        .route("/v1/trainings/{training_id}", get(predictions::read_training))
        .route("/v1/trainings/{training_id}/cancel", post(predictions::cancel_training))
        .route("/v1/predictions", get(predictions::list).post(create::by_version))
        .route("/v1/predictions/{prediction_id}", get(predictions::read))
        .route("/v1/predictions/{prediction_id}/cancel", post(predictions::cancel))
        .route("/v1/webhooks/default/secret", get(webhooks::secret))
        .route("/v1/streams/{key}", get(streams::open))
        .route("/files/{key}/{name}", get(output_files::read))
        .route(
            "/_emulator/faults",
            get(control::faults).post(control::add_faults).delete(control::clear_faults),
        )
        .route("/_emulator/requests", get(control::requests).delete(control::clear_requests))
        .route("/_emulator/state", get(control::state))
        .route("/_emulator/expire", post(control::expire))
        .route("/_emulator/predictions", get(control::predictions))
        .route("/_emulator/reset", post(control::reset))
        .route("/_emulator/checks", post(checks::check))
        .route("/_emulator/models", post(defined::define))
        .route("/_emulator/workers/{worker}", get(defined::connect))
        .route("/_emulator/runs/{run}/acknowledge", post(defined::acknowledge))
        .route("/_emulator/runs/{run}/events", post(defined::report))
        .route("/_emulator/runs/{run}/files", post(defined::save))
        .route("/_emulator/cog/{prediction}", post(defined::update_cog))
        .route("/_emulator/content", get(defined::content))
        .route("/_emulator/time", post(control::advance))
        .route("/openapi.json", get(openapi::document))
        .route("/_replay", post(replay::create))
        .route("/_replay/{run}", get(replay::report))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::disable())
}

async fn unknown_path(call: Call) -> Reply {
    Err(match call.path.starts_with("/v1/v1/") {
        true => Problem::doubled_version(&call.origin),
        false => Problem::not_found(),
    })
}

async fn wrong_method(call: Call) -> Reply {
    Err(Problem::method_not_allowed(call.method.as_str()))
}
