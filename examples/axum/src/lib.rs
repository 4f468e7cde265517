//! Pictures on request: an axum application that starts predictions and receives their webhooks.
//! README.md says how to start it.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{FromRef, Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use replicant::{
    Client, Value, json,
    resources::webhooks::{WebhookEvent, WebhookObject},
};
use serde::{Deserialize, Serialize};

/// The model that makes the pictures.
pub const MODEL: &str = "black-forest-labs/flux-schnell";

/// What the handlers share.
#[derive(Clone)]
struct App {
    client: Client,
    /// Where the API reaches this application.
    public_url: String,
    /// Where the pictures are saved.
    folder: PathBuf,
    /// Pictures by the id of their prediction. In production this is a database.
    pictures: Arc<Mutex<HashMap<String, Picture>>>,
}

// The extractor of webhooks takes the client from here.
impl FromRef<App> for Client {
    fn from_ref(app: &App) -> Self {
        app.client.clone()
    }
}

/// A picture, or why there is none.
#[derive(Clone, Serialize)]
struct Picture {
    status: String,
    files: Vec<PathBuf>,
    error: Value,
}

#[derive(Deserialize)]
struct Wish {
    prompt: String,
}

/// Returns the application.
///
/// - `public_url`: the URL at which the API reaches it, for its webhooks.
/// - `folder`: where it saves the pictures.
pub fn application(client: Client, public_url: &str, folder: impl Into<PathBuf>) -> Router {
    let public_url = public_url.trim_end_matches('/').to_owned();
    let app = App { client, public_url, folder: folder.into(), pictures: Arc::default() };
    Router::new()
        .route("/pictures", post(create))
        .route("/pictures/{id}", get(show))
        .route("/webhook", post(receive))
        .with_state(app)
}

impl App {
    fn with_pictures<T>(&self, change: impl FnOnce(&mut HashMap<String, Picture>) -> T) -> T {
        change(&mut self.pictures.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns a response whose body is JSON. With the feature `json` of axum, this is `axum::Json`.
fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => (status, [(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn bad_gateway(error: replicant::Error) -> (StatusCode, String) {
    (StatusCode::BAD_GATEWAY, error.to_string())
}

async fn create(State(app): State<App>, body: Bytes) -> Result<Response, (StatusCode, String)> {
    let wish: Wish =
        serde_json::from_slice(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let prediction = app
        .client
        .predictions()
        .create(MODEL, json!({"prompt": wish.prompt}))
        .webhook(format!("{}/webhook", app.public_url))
        .webhook_events_filter(["completed"])
        .await
        .map_err(bad_gateway)?;
    let starting = Picture { status: "starting".into(), files: Vec::new(), error: Value::Null };
    app.with_pictures(|pictures| {
        pictures.entry(prediction.id.clone()).or_insert(starting);
    });
    Ok(json_response(StatusCode::ACCEPTED, &json!({"id": prediction.id})))
}

// The same webhook may arrive more than once. Here, each delivery saves the files again, under other names. If your handler
// must not run twice, store `event.id`, which is the same in all deliveries of a webhook, and skip ids that are stored.
async fn receive(State(app): State<App>, event: WebhookEvent) -> Result<StatusCode, (StatusCode, String)> {
    let WebhookObject::Prediction(prediction) = event.object else { return Ok(StatusCode::NO_CONTENT) };
    // The API deletes output files after an hour. If they cannot be saved, it delivers the webhook again.
    let files = app.client.save_all(prediction.output, &app.folder).await.map_err(bad_gateway)?;
    let picture = Picture { status: prediction.status.to_string(), files, error: prediction.error };
    app.with_pictures(|pictures| pictures.insert(prediction.id, picture));
    Ok(StatusCode::NO_CONTENT)
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.with_pictures(|pictures| pictures.get(&id).cloned()) {
        Some(picture) => json_response(StatusCode::OK, &picture),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Tests the Rust code of the guides.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
#[doc = include_str!("../../../docs/webhooks.md")]
pub struct Guides;
