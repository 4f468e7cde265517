//! Models that tests define, and the programs that run them.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::cog::Prediction;
use crate::defined::{Event, Request};
use crate::files::complete;
use crate::http::problem::Problem;
use crate::model::Run;
use crate::request::{Call, Reply, empty, json};
use crate::state::App;
use crate::support::json::{Fields, reason};
use crate::support::lock;

/// Adds a model, or replaces the one with its name.
pub(super) async fn define(call: Call) -> Reply {
    call.app.emulates()?;
    let invalid =
        |error: String| Problem::bad_request(format!("This is not the definition of a model: {error}"));
    let request: Request = serde_json::from_slice(&call.body).map_err(|error| invalid(reason(&error)))?;
    let name = request.name.clone();
    match request.cog.clone() {
        Some(url) => call.app.connect_cog(&name, &url).await.map_err(invalid)?,
        None => {
            let (definition, schema, engine) = request.read(&call.app.hub).map_err(invalid)?;
            call.app.define(&definition, schema, engine).map_err(invalid)?;
        }
    }
    let catalog = lock(&call.app.catalog);
    let model = catalog.models.get(&name).ok_or_else(Problem::not_found)?;
    Ok(json(StatusCode::CREATED, model.view(&call.origin)))
}

/// The connection of a worker: it disconnects when the response ends.
struct Connection {
    app: App,
    worker: String,
    lines: mpsc::UnboundedReceiver<String>,
    opened: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.lines.close();
        self.app.hub.disconnect(&self.worker);
    }
}

/// Keeps a response open, on which runs and cancels arrive as lines of JSON.
pub(super) async fn connect(call: Call) -> Reply {
    let worker = call.parameter(0).to_owned();
    let lines = call.app.hub.connect(&worker, call.query("follow") == Some("true"));
    let connection = Connection { app: call.app, worker, lines, opened: false };
    let lines = stream::unfold(connection, |mut connection| async move {
        if !connection.opened {
            connection.opened = true;
            return Some((Ok::<_, std::io::Error>("{\"connected\": true}\n".to_owned()), connection));
        }
        let line = connection.lines.recv().await?;
        Some((Ok(line + "\n"), connection))
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// Receives the acknowledgment of a prediction that was created.
pub(super) async fn acknowledge(call: Call) -> Reply {
    call.app.hub.acknowledge(call.parameter(0));
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Receives the events of a run, an array. Responds with 410 if the run has ended, so that the worker can stop.
pub(super) async fn report(call: Call) -> Reply {
    let events: Vec<Event> = serde_json::from_slice(&call.body)
        .map_err(|error| Problem::bad_request(format!("These are not events of a run: {error}")))?;
    Ok(empty(match call.app.hub.report(call.parameter(0), events) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::GONE,
    }))
}

/// Saves an output file of a run, and returns its URL.
pub(super) async fn save(call: Call) -> Reply {
    let run = run(&call)?;
    let (name, kind) = complete(call.query("name"), call.header("content-type"), &call.body);
    let url = run.save(&name, kind, call.body.to_vec());
    Ok(json(StatusCode::CREATED, Fields::new().put("url", &url).finish()))
}

/// Returns the content of a file input, given by its URI.
pub(super) async fn content(call: Call) -> Reply {
    let uri = call.query("uri").ok_or_else(|| Problem::bad_request("Query parameter \"uri\" is required"))?;
    let content = call.app.files.read(uri).await;
    let content = content.map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error))?;
    let extension = call.app.files.extension(uri, &content);
    let mut response = ([(header::CONTENT_TYPE, "application/octet-stream")], content).into_response();
    if let Some(extension) = extension.and_then(|extension| HeaderValue::try_from(extension).ok()) {
        response.headers_mut().insert("x-emulator-extension", extension);
    }
    Ok(response)
}

/// Receives an update of a prediction that a Cog server runs.
pub(super) async fn update_cog(call: Call) -> Reply {
    let update: Prediction = serde_json::from_slice(&call.body)
        .map_err(|error| Problem::bad_request(format!("This is not a prediction of Cog: {error}")))?;
    Ok(empty(match call.app.cog.report(call.parameter(0), update) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::GONE,
    }))
}

fn run(call: &Call) -> Result<Run, Problem> {
    call.app.hub.run(call.parameter(0)).ok_or_else(|| Problem::new(StatusCode::GONE, "The run has ended"))
}
