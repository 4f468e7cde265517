//! The page that shows what the emulator does: `/` lists predictions, `/_page/{id}` shows one.
//!
//! The server renders everything; a script replaces what has changed and is not necessary.

mod detail;
mod format;
mod frame;
mod list;
mod updates;
mod value;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::http::problem::Problem;
use crate::request::{Call, Reply};
use crate::state::App;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(list))
        .route("/_page/updates", get(list_updates))
        .route("/_page/style.css", get(style))
        .route("/_page/live.js", get(script))
        .route("/_page/uploads/{id}", get(upload))
        .route("/_page/{id}", get(detail))
        .route("/_page/{id}/updates", get(detail_updates))
        .route("/_page/{id}/deliveries/{number}", post(deliver_again))
}

async fn list(call: Call) -> Response {
    frame::document("Predictions", &list::main(&call.app)).into_response()
}

async fn list_updates(call: Call) -> Response {
    updates::stream(call.app, list::main)
}

async fn detail(call: Call) -> Response {
    let id = call.parameter(0);
    let status = if call.app.jobs.get(id).is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    (status, frame::document("Prediction", &detail::main(&call.app, id))).into_response()
}

async fn detail_updates(call: Call) -> Response {
    let id = call.parameter(0).to_owned();
    updates::stream(call.app, move |app| detail::main(app, &id))
}

async fn style() -> Response {
    frame::asset("text/css; charset=utf-8", include_str!("style.css"))
}

async fn script() -> Response {
    frame::asset("text/javascript; charset=utf-8", include_str!("live.js"))
}

/// Returns an upload, to show an input.
async fn upload(call: Call) -> Reply {
    let upload = call.app.files.get(call.parameter(0)).ok_or_else(Problem::file_not_found)?;
    Ok(([(header::CONTENT_TYPE, upload.content_type)], upload.bytes).into_response())
}

/// Sends a webhook once more, and returns to the page.
async fn deliver_again(call: Call) -> Reply {
    let scheme = call.origin.split(':').next().unwrap_or_default();
    if !comes_from_the_page(&call.headers, scheme) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "Only the page of the emulator itself may do this."));
    }
    let number = call.parameter(1).parse().map_err(|_| Problem::not_found())?;
    let job = call.parameter(0);
    if !call.app.webhooks.deliver_again(job, number).await {
        return Err(Problem::not_found());
    }
    Ok(Redirect::to(&format!("/_page/{job}#deliveries")).into_response())
}

/// Reports whether a request was sent by a page of this very origin. Browsers send `Origin` with every POST, also with that
/// of a form.
fn comes_from_the_page(headers: &HeaderMap, scheme: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    text(header::ORIGIN).is_some_and(|origin| origin == format!("{scheme}://{host}"))
}
