//! Models on Cog servers. `tests/integration/test_cog.py` tests them with Cog itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::common::{Api, eventually, seconds, status_and_body, with};
use replicant_emulator::{Config, Emulator};

/// What a Cog server has received.
#[derive(Default)]
struct Received {
    attempts: AtomicU32,
    canceled: AtomicBool,
}

/// Starts a server with Cog's interface, whose input `text` selects what it does.
async fn cog() -> (String, Arc<Received>) {
    let received = Arc::new(Received::default());
    let router = Router::new()
        .route("/health-check", get(async || json!({"status": "READY"}).to_string()))
        .route("/openapi.json", get(async || schema().to_string()))
        .route("/predictions/{id}", put(predict))
        .route(
            "/predictions/{id}/cancel",
            post(async |State(received): State<Arc<Received>>| {
                received.canceled.store(true, Ordering::SeqCst)
            }),
        )
        .with_state(received.clone());
    (serve(router).await, received)
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn schema() -> Value {
    json!({"components": {"schemas": {
        "Input": {"type": "object", "required": ["text"], "properties": {
            "text": {"type": "string"},
            "files": {"type": "array", "items": {"type": "string", "format": "uri"}},
        }},
        "Output": {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"},
    }}})
}

async fn predict(State(received): State<Arc<Received>>, body: String) -> axum::response::Response {
    let attempt = received.attempts.fetch_add(1, Ordering::SeqCst);
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let webhook = request["webhook"].as_str().expect("a URL").to_owned();
    let update = async |update: Value| {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = http.post(&webhook).body(update.to_string()).send().await.expect("sent");
        assert_eq!(response.status(), 204);
    };
    let prediction = match request["input"]["text"].as_str().expect("text") {
        "slow" => std::future::pending().await,
        "busy" if attempt < 2 => {
            let refusal = json!({"error": "At capacity", "status": "failed"});
            return (StatusCode::CONFLICT, refusal.to_string()).into_response();
        }
        "garbage" => return "<html>".into_response(),
        "refused" => {
            let refusal = json!({"detail": "text is too long"});
            return (StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string()).into_response();
        }
        "fails" => {
            update(json!({"status": "processing", "logs": "", "output": null})).await;
            let all = json!({"status": "failed", "error": "it broke", "logs": "trying\n"});
            tokio::spawn(async move {
                let http = reqwest::Client::builder().no_proxy().build().expect("a client");
                let _ = http.post(webhook).body(all.to_string()).send().await;
            });
            json!({"status": "failed", "error": "it broke", "logs": ""})
        }
        text => {
            update(json!({"status": "processing", "logs": "one\n", "output": ["a"]})).await;
            update(json!({"status": "processing", "logs": "", "output": null})).await;
            let files = request["input"]["files"].as_array().cloned().unwrap_or_default();
            let output = [vec![json!("a")], files, vec![json!("data:text/plain;base64,aGk="), json!(text)]];
            json!({"status": "succeeded", "logs": "one\ntwo\n", "output": output.concat(),
                   "metrics": {"predict_time": 7.5, "tokens": 3}})
        }
    };
    prediction.to_string().into_response()
}

/// Starts an emulator in which `me/mine` runs on the server at `url`.
async fn connected(url: &str) -> Api {
    let config = Config { cog_models: vec![("me/mine".into(), url.to_owned())], ..Config::default() };
    tokio::task::spawn_blocking(|| with(config)).await.expect("started")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cog_server_runs_predictions_and_exchanges_files() {
    let (url, _) = cog().await;
    let api = connected(&url).await;
    let form = reqwest::multipart::Form::new().part("content", reqwest::multipart::Part::text("up"));
    let (_, file) =
        status_and_body(api.request("POST", "/files").multipart(form).send().await.expect("sent")).await;
    let input = json!({"text": "last", "files": [file["urls"]["get"]]});
    let done = api.finished(&api.run_version("me/mine", input).await).await;
    let output = &done["output"];
    assert_eq!((&output[0], &output[3], &output[4]), (&json!("a"), &json!("last"), &Value::Null));
    for (index, content) in [(1, "up"), (2, "hi")] {
        let url = output[index].as_str().unwrap_or_else(|| panic!("{done}"));
        assert!(url.starts_with(api.emulator.origin()), "the data URI became a file: {url}");
        assert_eq!(api.get(url).await.1, content);
    }
    let deleted = format!("{}/files/gone", api.emulator.base_url());
    let failed = api.run_version("me/mine", json!({"text": "last", "files": [deleted]})).await;
    let error = api.finished(&failed).await["error"].to_string();
    assert!(error.contains("there is no uploaded file gone"), "{error}");
    assert_eq!(done["logs"], "one\ntwo\n");
    assert_eq!(done["metrics"]["tokens"], 3.0);
    assert_ne!(done["metrics"]["predict_time"], 7.5);
    let stream = api.request("GET", done["urls"]["stream"].as_str().expect("a URL"));
    let events = stream.send().await.expect("sent").text().await.expect("text");
    let names: Vec<_> = events.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, ["logs", "output", "logs", "output", "output", "output", "done"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn failed_predictions_have_the_error_and_the_logs_of_the_server() {
    let (url, _) = cog().await;
    let api = connected(&url).await;
    let run = async |text: &str| api.finished(&api.run_version("me/mine", json!({"text": text})).await).await;
    let failed = run("fails").await;
    assert_eq!((&failed["error"], &failed["logs"]), (&json!("it broke"), &json!("trying\n")));
    let refused = run("refused").await;
    let problem = refused["error"].as_str().expect("a message");
    assert!(problem.ends_with("refused the prediction with 422 Unprocessable Entity: \"text is too long\""));
    let garbage = run("garbage").await;
    let problem = garbage["error"].as_str().expect("a message");
    assert!(problem.ends_with("responded with 200 OK and no prediction: \"<html>\""), "{problem}");
    let (status, _) = api.post("/models/me/mine/predictions", json!({"input": {}})).await;
    assert_eq!(status, 422, "its schema validates inputs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_prediction_waits_while_the_server_is_busy() {
    let (url, received) = cog().await;
    let api = connected(&url).await;
    let done = api.finished(&api.run_version("me/mine", json!({"text": "busy"})).await).await;
    assert_eq!((&done["status"], received.attempts.load(Ordering::SeqCst)), (&json!("succeeded"), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cancel_reaches_the_server() {
    let (url, received) = cog().await;
    let api = connected(&url).await;
    let (_, slow) = api.post("/models/me/mine/predictions", json!({"input": {"text": "slow"}})).await;
    eventually(async || received.attempts.load(Ordering::SeqCst) == 1, "the server received no prediction")
        .await;
    api.post(slow["urls"]["cancel"].as_str().expect("a URL"), Value::Null).await;
    let canceled = async || received.canceled.load(Ordering::SeqCst);
    eventually(canceled, "the server received no cancel request").await;
    assert_eq!(api.read(&slow).await["status"], "canceled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_dies_fails_the_prediction() {
    let router = Router::new()
        .route("/health-check", get(async || json!({"status": "READY"}).to_string()))
        .route("/openapi.json", get(async || schema().to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let api = connected(&url).await;
    server.abort();
    let _ = server.await;
    tokio::time::sleep(seconds(0.05)).await;
    let failed = api.finished(&api.run_version("me/mine", json!({"text": "a"})).await).await;
    let problem = failed["error"].as_str().expect("a message");
    assert!(problem.starts_with(&format!("the Cog server at {url} ")), "{problem}");
    assert_eq!(failed["status"], "failed");
}

/// Returns the error of a start with a Cog server that has these responses.
async fn refused(health: &'static str, schema: impl IntoResponse + Clone + Send + Sync + 'static) -> String {
    let router = Router::new()
        .route("/health-check", get(move || async move { health }))
        .route("/openapi.json", get(move || async move { schema }));
    let url = serve(router).await;
    let config = Config { cog_models: vec![("me/mine".into(), url)], ..Config::default() };
    let start = tokio::task::spawn_blocking(|| Emulator::start(config));
    start.await.expect("no panic").expect_err("not ready").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_is_not_ready_is_refused_with_the_reason() {
    let ready = r#"{"status": "READY"}"#;
    let cases = [
        (r#"{"status": "STARTING"}"#, "{}", "still setting up"),
        (
            r#"{"status": "SETUP_FAILED", "setup": {"logs": "no weights\n"}}"#,
            "{}",
            "SETUP_FAILED: no weights",
        ),
        ("<html>", "{}", "sent no health check: \"<html>\""),
        (ready, "<html>", "invalid /openapi.json"),
        (ready, r#"{"components": {"schemas": {}}}"#, "the schema has no Input"),
    ];
    for (health, schema, expected) in cases {
        let error = refused(health, schema).await;
        assert!(
            error.starts_with("model me/mine: the Cog server at ") && error.contains(expected),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_without_a_schema_is_refused_with_what_to_do() {
    // As Cog 0.23 responds without `cog build`.
    let missing = (StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"OpenAPI schema not available"}"#);
    let error = refused(r#"{"status": "READY"}"#, missing).await;
    assert!(error.contains("`cog build`") && error.contains("'cog<0.17'"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_test_connects_a_cog_server_to_a_running_emulator() {
    let (url, _) = cog().await;
    let api = crate::common::api();
    let models = format!("{}/_emulator/models", api.emulator.origin());
    let (status, _) = api.post(&models, json!({"name": "me/mine", "cog": format!("{url}/")})).await;
    assert_eq!(status, 201);
    let done = api.finished(&api.run_version("me/mine", json!({"text": "b"})).await).await;
    assert_eq!(done["output"][2], "b");
    let (status, problem) = api.post(&models, json!({"name": "me/mine", "cog": "http://127.0.0.1:1"})).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("does not respond")), "{problem}");
    for invalid in ["127.0.0.1:5000", "ftp://127.0.0.1"] {
        let (status, problem) = api.post(&models, json!({"name": "me/mine", "cog": invalid})).await;
        assert_eq!(status, 400);
        let text = problem["detail"].as_str().expect("a message");
        assert!(text.contains("`cog` must be the URL of a Cog server"), "{text}");
    }
}
