//! The endpoints, a file to each resource.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(crate) mod account;
mod control;
mod create;
mod delivery;
mod files;
mod models;
mod predictions;
mod prefer;
mod replay;
mod streams;
mod webhooks;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/v1/account", get(account::get))
        .route("/v1/files", get(files::list).post(files::create))
        .route("/v1/files/{file_id}", get(files::read).delete(files::delete))
        .route("/v1/files/{file_id}/download", get(files::download))
        .route("/v1/models/{model_owner}/{model_name}", get(models::read))
        .route("/v1/models/{model_owner}/{model_name}/predictions", post(create::by_model))
        .route("/v1/models/{model_owner}/{model_name}/versions", get(models::versions))
        .route("/v1/models/{model_owner}/{model_name}/versions/{version_id}", get(models::version))
        .route("/v1/deployments/{deployment_owner}/{deployment_name}/predictions", post(create::by_deployment))
        .route("/v1/predictions", get(predictions::list).post(create::by_version))
        .route("/v1/predictions/{prediction_id}", get(predictions::read))
        .route("/v1/predictions/{prediction_id}/cancel", post(predictions::cancel))
        .route("/v1/webhooks/default/secret", get(webhooks::secret))
        .route("/v1/streams/{key}", get(streams::open))
        .route("/files/{key}/{name}", get(delivery::read))
        .route("/_emulator/faults", get(control::faults).post(control::add_faults).delete(control::clear_faults))
        .route("/_emulator/requests", get(control::requests).delete(control::clear_requests))
        .route("/_emulator/state", get(control::state))
        .route("/_emulator/expire", post(control::expire))
        .route("/_replay", post(replay::create))
        .route("/_replay/{run}", get(replay::report))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::disable())
}

async fn unknown_path(_: Call) -> Reply {
    Err(Problem::not_found())
}

async fn wrong_method(call: Call) -> Reply {
    Err(Problem::method_not_allowed(call.method.as_str()))
}
