//! Pictures on request: an axum application that starts predictions and receives their webhooks.

use std::{
    collections::HashMap,
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
    output: Value,
    error: Value,
}

#[derive(Deserialize)]
struct Wish {
    prompt: String,
}

/// Returns the application.
///
/// - `public_url`: where the API reaches it, for its webhooks.
pub fn application(client: Client, public_url: &str) -> Router {
    let app = App { client, public_url: public_url.to_owned(), pictures: Arc::default() };
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
        .map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    let starting = Picture { status: "starting".into(), output: Value::Null, error: Value::Null };
    app.with_pictures(|pictures| {
        pictures.entry(prediction.id.clone()).or_insert(starting);
    });
    Ok(json_response(StatusCode::ACCEPTED, &json!({"id": prediction.id})))
}

// A webhook may arrive more than once. Here that changes nothing; otherwise, keep `event.id`, which is then the same.
async fn receive(State(app): State<App>, event: WebhookEvent) -> StatusCode {
    let WebhookObject::Prediction(prediction) = event.object else { return StatusCode::NO_CONTENT };
    let picture =
        Picture { status: prediction.status.to_string(), output: prediction.output, error: prediction.error };
    app.with_pictures(|pictures| pictures.insert(prediction.id, picture));
    StatusCode::NO_CONTENT
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.with_pictures(|pictures| pictures.get(&id).cloned()) {
        Some(picture) => json_response(StatusCode::OK, &picture),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Compiles the Rust code of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/webhooks.md")]
pub struct Guide;
