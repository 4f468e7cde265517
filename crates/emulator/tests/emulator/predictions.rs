//! Predictions: creates, holds, cancellation and deadlines.

use crate::common::{LLAMA, SDXL, SDXL_OLD, api, eventually, seconds, status_and_body, with};
use replicant_emulator::Config;
use serde_json::{Value, json};

#[tokio::test]
async fn a_prediction_goes_from_starting_to_succeeded() {
    let api = api();
    let created = api.run("echo", json!({"value": 1, "delay": 0.05, "cold_start": 0.05})).await;
    assert_eq!(created["status"], "starting");
    for member in ["output", "started_at", "completed_at", "metrics"] {
        assert!(created.get(member).is_none(), "{member} is missing from the response to the create");
    }
    assert_eq!((&created["logs"], &created["version"]), (&json!(""), &json!("hidden")));
    assert_eq!(created["id"].as_str().map(str::len), Some(26));
    let early = api.read(&created).await;
    assert_eq!((&early["output"], &early["completed_at"]), (&Value::Null, &Value::Null));
    let running = api.until(&created, &["processing"]).await;
    assert!(running["started_at"].is_string());
    let done = api.finished(&created).await;
    assert_eq!((&done["status"], &done["output"]), (&json!("succeeded"), &json!(1)));
    assert!(done["metrics"]["predict_time"].as_f64().is_some_and(|time| time >= 0.05));
    assert!(done["metrics"]["total_time"].as_f64().is_some_and(|time| time >= 0.1));
    assert!(done.get("webhook").is_none());
}

#[tokio::test]
async fn json_values_keep_their_text() {
    let api = api();
    let text = r#"{"z":12345678901234567890123,"a":1.0,"é":"\ud83d\ude00","n":[1e400,-0.0,null]}"#;
    let body = format!(r#"{{"input":{{"value":{text}}}}}"#);
    let request = api.request("POST", "/models/emulator/echo/predictions").header("prefer", "wait");
    let response = request.body(body).send().await.expect("sent").text().await.expect("text");
    assert!(response.contains(&format!(r#""output":{text},"#)), "{response}");
}

#[tokio::test]
async fn a_hold_ends_when_the_output_is_complete() {
    let api = api();
    let request = api.request("POST", LLAMA).header("prefer", "wait=5");
    let response =
        request.json(&json!({"input": {"prompt": "the sea", "max_tokens": 5}})).send().await.expect("sent");
    assert_eq!(response.headers()["preference-applied"], "wait=5");
    let location = response.headers()["location"].to_str().expect("text").to_owned();
    let (status, prediction) = status_and_body(response).await;
    assert_eq!((status, &prediction["status"]), (201, &json!("processing")));
    assert_eq!(prediction["output"].as_array().map(Vec::len), Some(5));
    assert_eq!(prediction["urls"]["get"], location.as_str());
    assert!(prediction.get("completed_at").is_none());

    // However soon the prediction succeeds after its output.
    let api = with(Config { time_scale: 1e-9, ..Config::default() });
    for value in 0..50 {
        let held = api.run_version("emulator/echo", json!({ "value": value })).await;
        assert_eq!((&held["status"], &held["output"]), (&json!("processing"), &json!(value)));
        assert_eq!(api.finished(&held).await["status"], "succeeded");
    }

    let api = with(Config { hold_until_finished: true, ..Config::default() });
    let held = api.run_version("emulator/echo", json!({"value": 2})).await;
    assert_eq!((&held["status"], &held["output"]), (&json!("succeeded"), &json!(2)));
    assert!(held["completed_at"].is_string());
}

#[tokio::test]
async fn a_hold_that_times_out_shows_the_status_starting() {
    let api = with(Config { time_scale: 0.05, ..Config::default() });
    let request = api.request("POST", "/models/emulator/endless/predictions").header("prefer", "wait=1");
    let (status, prediction) =
        status_and_body(request.json(&json!({"input": {}})).send().await.expect("sent")).await;
    assert_eq!((status, &prediction["status"]), (202, &json!("starting")));
    assert!(prediction.get("output").is_none());
    assert_eq!(api.read(&prediction).await["status"], "processing");
}

#[tokio::test]
async fn a_cancel_ends_a_running_prediction() {
    let api = api();
    let created = api.run("endless", json!({})).await;
    api.until(&created, &["processing"]).await;
    let url = created["urls"]["cancel"].as_str().expect("a URL");
    let (status, canceled) = api.post(url, Value::Null).await;
    assert_eq!((status, &canceled["status"]), (200, &json!("canceled")));
    assert!(canceled["completed_at"].is_string());

    let done = api.finished(&api.run("echo", json!({"value": 1})).await).await;
    let (status, after) = api.post(done["urls"]["cancel"].as_str().expect("a URL"), Value::Null).await;
    assert_eq!((status, after), (200, done), "a cancel has no effect on a finished prediction");
}

#[tokio::test]
async fn a_cancel_before_the_start_leaves_no_logs() {
    let api = api();
    let created = api.run("echo", json!({"cold_start": 60})).await;
    let url = created["urls"]["cancel"].as_str().expect("a URL");
    let (_, canceled) = api.post(url, Value::Null).await;
    assert_eq!((&canceled["status"], &canceled["logs"]), (&json!("canceled"), &Value::Null));
}

#[tokio::test]
async fn a_deadline_aborts_waiting_and_cancels_running_predictions() {
    let api = with(Config { time_scale: 0.02, ..Config::default() });
    let create = async |model: &str, input: Value| {
        let request = api.request("POST", &format!("/models/emulator/{model}/predictions"));
        let request = request.header("cancel-after", "5s").json(&json!({ "input": input }));
        status_and_body(request.send().await.expect("sent")).await.1
    };
    let waiting = create("echo", json!({"cold_start": 60})).await;
    let running = create("endless", json!({})).await;
    assert!(waiting["deadline"].is_string());
    let aborted = api.finished(&waiting).await;
    assert_eq!((&aborted["status"], &aborted["started_at"]), (&json!("aborted"), &Value::Null));
    assert_eq!(api.finished(&running).await["status"], "canceled");

    for bad in ["4", "soon", "25h"] {
        let request =
            api.request("POST", LLAMA).header("cancel-after", bad).json(&json!({"input": {"prompt": "a"}}));
        let (status, problem) = status_and_body(request.send().await.expect("sent")).await;
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(bad)));
    }
}

#[tokio::test]
async fn a_failed_prediction_keeps_logs_and_partial_output() {
    let api = api();
    let created = api.run("fails", json!({"message": "no memory", "partial": ["a"]})).await;
    let failed = api.finished(&created).await;
    assert_eq!((&failed["status"], &failed["error"]), (&json!("failed"), &json!("no memory")));
    assert_eq!(failed["output"], json!(["a"]));
    assert!(failed["logs"].as_str().is_some_and(|logs| logs.ends_with("RuntimeError: no memory\n")));
}

#[tokio::test]
async fn the_language_model_is_deterministic_for_a_seed() {
    let api = api();
    let write = async |prompt: &str, seed: i64| {
        let input = json!({"prompt": prompt, "seed": seed, "max_tokens": 20, "min_tokens": 20});
        api.run_version("meta/meta-llama-3-8b-instruct", input).await["output"].clone()
    };
    let first = write("the sea", 1).await;
    assert_eq!(first.as_array().map(Vec::len), Some(20));
    assert_eq!(first, write("the sea", 1).await);
    assert_ne!(first, write("the sea", 2).await);
    assert_ne!(first, write("a garden", 1).await);
}

#[tokio::test]
async fn a_version_can_be_an_id_a_reference_or_an_official_model() {
    let api = api();
    let input = json!({"prompt": "a", "width": 64, "height": 64});
    for version in [SDXL.to_owned(), format!("stability-ai/sdxl:{SDXL}"), SDXL_OLD.to_owned()] {
        let prediction = api.run_version(&version, input.clone()).await;
        assert_eq!(prediction["version"], SDXL, "for {version}");
    }
    for version in ["stability-ai/sdxl", &"0".repeat(64), &format!("a/b:{SDXL}"), ""] {
        let (status, problem) = api.post("/predictions", json!({"version": version, "input": {}})).await;
        assert_eq!(
            (status, &problem["title"]),
            (422, &json!("Invalid version or not permitted")),
            "{version}"
        );
    }
    let (status, _) = api.post("/models/stability-ai/sdxl/predictions", json!({"input": {}})).await;
    assert_eq!(status, 404, "only official models run without a version");
    let (status, prediction) =
        api.post("/deployments/acme/text/predictions", json!({"input": {"prompt": "a"}})).await;
    assert_eq!((status, &prediction["deployment"]), (201, &json!("text")));
}

#[tokio::test]
async fn data_are_removed_after_the_retention_time() {
    let api = with(Config { retention: seconds(600.0), ..Config::default() });
    let created = api.run("echo", json!({"value": 1})).await;
    let done = api.finished(&created).await;
    assert_eq!(done["data_removed"], false);
    api.emulator.advance(seconds(601.0));
    let removed = async || api.read(&created).await["data_removed"] == true;
    eventually(removed, "the data are not removed").await;
    let later = api.read(&created).await;
    assert_eq!((&later["data_removed"], &later["output"]), (&json!(true), &Value::Null));
    assert_eq!((&later["input"], &later["status"]), (&json!({}), &json!("succeeded")));
}

#[tokio::test]
async fn urls_use_the_host_that_the_client_used() {
    let api = api();
    let port = api.emulator.origin().rsplit(':').next().expect("a port").to_owned();
    let (_, account) = api.get("/account").await;
    assert_eq!(account["username"], "acme");
    let url = format!("http://localhost:{port}/v1/models/emulator/echo/predictions");
    let (_, created) = api.post(&url, json!({"input": {}})).await;
    let get = created["urls"]["get"].as_str().expect("a URL");
    assert!(get.starts_with(&format!("http://localhost:{port}/v1/predictions/")), "{get}");
    assert_eq!(api.get("/nothing").await.0, 404);
    assert_eq!(api.send("PUT", "/account", Value::Null).await.0, 405);
}

#[tokio::test]
async fn the_progress_model_logs_a_progress_bar() {
    let api = api();
    let created = api.run("progress", json!({"steps": 4, "step_seconds": 0.02})).await;
    api.until(&created, &["processing"]).await;
    let early = api.read(&created).await["logs"].as_str().expect("logs").lines().count();
    let done = api.finished(&created).await;
    let lines: Vec<_> = done["logs"].as_str().expect("logs").lines().collect();
    assert!(early < lines.len());
    assert_eq!(lines.len(), 5);
    assert!(lines[2].starts_with(" 50%|█████     | 2/4 [00:00<00:00, "), "{}", lines[2]);
    assert!(lines[4].starts_with("100%|██████████| 4/4 ["), "{}", lines[4]);
    assert_eq!(done["output"], 4);
}

#[tokio::test]
async fn a_hold_returns_a_failed_prediction_with_its_output() {
    let api = api();
    let failed = api.run_version("emulator/fails", json!({"message": "no", "partial": ["a"]})).await;
    assert_eq!(
        (&failed["status"], &failed["error"], &failed["output"]),
        (&json!("failed"), &json!("no"), &json!(["a"]))
    );
    assert!(
        failed["completed_at"].is_string() && failed["logs"].as_str().is_some_and(|logs| !logs.is_empty())
    );
}
