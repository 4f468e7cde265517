//! Events and spans.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{Arc, Mutex},
};

use futures_util::{FutureExt, TryStreamExt};
use replicant::{
    Options, Value,
    background::Tasks,
    json, operation,
    telemetry::{Level, Sink, attach, attach_stream},
};
use support::{CANCEL, CREATED, DONE, abandon_after_request, play, quick, settled};

const BUSY: &str =
    r#"{"expect": {"method": "GET"}, "reply": {"status": 503, "headers": {"x-request-id": "q1"}}}"#;
const POLLED: &str = r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "succeeded"},
    "headers": {"x-request-id": "q2", "ratelimit-remaining": "599", "ratelimit-reset": "1"}}}"#;

/// Collects records.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<Value>>>);

impl Records {
    fn sink(&self, level: Level, spans: bool) -> Arc<Sink> {
        let records = self.0.clone();
        Sink::new(level, spans, Arc::new(move |record| records.lock().unwrap().push(record)))
    }

    /// Returns the events in one line each.
    fn texts(&self) -> Vec<String> {
        let records = self.0.lock().unwrap();
        records.iter().filter_map(|record| record["text"].as_str().map(str::to_owned)).collect()
    }

    /// Returns the first event with this name.
    fn event(&self, name: &str) -> Value {
        let records = self.0.lock().unwrap();
        let found = records.iter().find(|record| record["event"].as_str() == Some(name));
        found.unwrap_or_else(|| panic!("no event {name:?} in {records:?}"))["fields"].clone()
    }

    /// Returns the attributes of the span with this name, and the times at which it began and ended.
    fn span(&self, name: &str) -> (Value, i64, i64) {
        let records = self.0.lock().unwrap();
        let open = records.iter().find(|record| record["name"].as_str() == Some(name)).expect("a span");
        let mut attributes = open["attributes"].clone();
        let mut ended = None;
        for record in records.iter().filter(|record| record["id"] == open["id"]) {
            match record["span"].as_str() {
                Some("set") => {
                    for (name, value) in record["attributes"].as_object().unwrap() {
                        attributes[name.as_str()] = value.clone();
                    }
                }
                Some("close") => ended = record["time"].as_i64(),
                _ => {}
            }
        }
        (attributes, open["time"].as_i64().unwrap(), ended.expect("the end of the span"))
    }
}

#[tokio::test]
async fn a_request_and_its_retry_are_logged_with_their_request_ids() {
    let (_emulator, script, client) = play(&format!("[{BUSY}, {POLLED}]"), quick());
    let records = Records::default();
    let call = operation::call(&client, "predictions.get", json!({"id": "p1"}).into(), None);
    let reply = attach(records.sink(Level::Debug, false), call).await.unwrap();
    settled(&script).await;
    assert_eq!(reply.request_id(), Some("q2"));
    assert_eq!(reply.rate_limit().unwrap().remaining, Some(599));
    let names: Vec<String> = records
        .texts()
        .iter()
        .map(|text| text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        names,
        [
            "sending request",
            "received response",
            "retrying request",
            "sending request",
            "received response",
            "request succeeded",
        ]
    );
    let retry = records.event("retrying request");
    assert_eq!(retry["status"], Value::from(503_u32));
    assert_eq!(retry["request_id"].as_str(), Some("q1"));
    assert_eq!(retry["error"].as_str(), Some("server_error"));
    assert!(retry["wait_ms"].as_i64().is_some());
    let end = records.event("request succeeded");
    for (name, value) in [
        ("method", "GET".into()),
        ("path", "/v1/predictions/p1".into()),
        ("status", Value::from(200_u32)),
        ("attempt", Value::from(2_u32)),
        ("request_id", "q2".into()),
        ("prediction_id", "p1".into()),
    ] {
        assert!(end[name].to_string().ends_with(&value.to_string()), "{name}: {end}");
    }
    assert!(end["duration_ms"].as_i64().is_some());
}

#[tokio::test]
async fn bodies_are_logged_only_on_request_and_without_secrets() {
    for log_bodies in [false, true] {
        let options = Options { log_bodies: Some(log_bodies), ..quick() };
        let (_emulator, _script, client) = play(&format!("[{CREATED}]"), options);
        let records = Records::default();
        let params = json!({"model": "acme/text", "input": {"prompt": "a heron", "hf_token": "private", "echo": "r8_secret"}});
        let call = operation::call(&client, "predictions.create", params.into(), None);
        attach(records.sink(Level::Debug, true), call).await.unwrap();
        let all = format!("{:?}", records.0.lock().unwrap());
        assert_eq!(all.contains("a heron"), log_bodies, "{all}");
        assert!(!all.contains("private") && !all.contains("secret"), "{all}");
    }
}

#[tokio::test]
async fn a_run_and_its_cancel_in_the_background_are_logged() {
    let (_emulator, script, client) = play(&format!("[{CREATED}, {CANCEL}]"), Options::default());
    let records = Records::default();
    let params = json!({"ref": "acme/text", "input": {}, "wait": false, "interval": 60});
    let call = attach(records.sink(Level::Info, true), operation::call(&client, "run", params.into(), None));
    abandon_after_request(call, &script).await;
    settled(&script).await;
    assert_eq!(records.event("created prediction")["prediction_id"].as_str(), Some("p1"));
    assert_eq!(records.event("canceling prediction")["prediction_id"].as_str(), Some("p1"));
    let (run, ..) = records.span("generate_content acme/text");
    assert_eq!(run["error.type"].as_str(), Some("abandoned"));
}

#[tokio::test]
async fn a_cancel_that_cannot_be_sent_is_logged() {
    let created = CREATED.replace("p1", "..");
    let (_emulator, script, client) = play(&format!("[{created}]"), Options::default());
    let records = Records::default();
    let params = json!({"ref": "acme/text", "input": {}, "wait": false, "interval": 3600});
    let call = attach(records.sink(Level::Info, false), operation::call(&client, "run", params.into(), None));
    abandon_after_request(call, &script).await;
    settled(&script).await;
    let failed = records.event("cancel failed");
    assert_eq!(failed["prediction_id"].as_str(), Some(".."));
    assert_eq!(failed["error"].as_str(), Some("invalid_argument"));
}

#[test]
fn a_cancel_whose_runtime_has_ended_is_logged() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_emulator, _script, client) = play(&format!("[{CREATED}]"), Options::default());
    let (records, tasks) = (Records::default(), Tasks::default());
    let mut run = client.with_tasks(tasks.clone()).run("acme/text", json!({})).into_future();
    runtime.block_on(async {
        assert!((&mut run).now_or_never().is_none());
        // Its create has ended.
        tasks.done().await;
    });
    drop(runtime);
    let dropped = Box::pin(async move { drop(run) });
    attach(records.sink(Level::Info, false), dropped).now_or_never().unwrap();
    let failed = records.event("cancel failed");
    assert_eq!(failed["prediction_id"].as_str(), Some("p1"));
    assert_eq!(failed["error"].as_str(), Some("runtime_ended"));
}

#[tokio::test]
async fn spans_follow_the_conventions_of_opentelemetry() {
    let done = DONE.replace(
        r#""output": "x""#,
        r#""output": "x", "model": "acme/text", "metrics": {"output_token_count": 7}"#,
    );
    let options = Options { trace_content: Some(true), ..quick() };
    let (_emulator, script, client) = play(&format!("[{CREATED}, {BUSY}, {done}]"), options);
    let records = Records::default();
    let params = json!({"ref": "acme/text:5c7d", "input": {"prompt": "a heron"}, "wait": false});
    attach(records.sink(Level::Off, true), operation::call(&client, "run", params.into(), None))
        .await
        .unwrap();
    settled(&script).await;
    assert!(records.texts().is_empty());
    let (run, began, ended) = records.span("generate_content acme/text");
    assert!(began < ended);
    assert_eq!(run["gen_ai.operation.name"].as_str(), Some("generate_content"));
    assert_eq!(run["gen_ai.request.model"].as_str(), Some("acme/text"));
    assert_eq!(run["gen_ai.response.id"].as_str(), Some("p1"));
    assert_eq!(run["gen_ai.usage.output_tokens"].as_i64(), Some(7));
    assert!(run["gen_ai.input.messages"].as_str().unwrap().contains("a heron"));
    assert!(run["gen_ai.output.messages"].as_str().unwrap().contains("\"x\""));
    let (create, from, to) = records.span("POST");
    assert!(began <= from && to <= ended);
    assert_eq!(create["http.request.method"].as_str(), Some("POST"));
    assert_eq!(create["http.response.status_code"].as_i64(), Some(201));
    let (poll, ..) = records.span("GET");
    assert_eq!(poll["error.type"].as_str(), Some("503"));
    let all = records.0.lock().unwrap();
    let resent =
        all.iter().any(|record| record["attributes"]["http.request.resend_count"].as_i64() == Some(1));
    assert!(resent, "{all:?}");
    let parents =
        all.iter().filter(|record| record["span"].as_str() == Some("open") && record["parent"].is_null());
    assert_eq!(parents.count(), 1, "{all:?}");
}

#[tokio::test]
async fn spans_do_not_contain_a_token_that_a_model_echoes() {
    for output in [r#""my r8_secret token""#, r#"{"echo": "my r8_secret token"}"#] {
        let done = DONE.replace(r#""output": "x""#, &format!(r#""output": {output}"#));
        let options = Options { trace_content: Some(true), ..quick() };
        let (_emulator, _script, client) = play(&format!("[{CREATED}, {done}]"), options);
        let records = Records::default();
        let params = json!({"ref": "acme/text:5c7d", "input": {"prompt": "a heron"}, "wait": false});
        attach(records.sink(Level::Debug, true), operation::call(&client, "run", params.into(), None))
            .await
            .unwrap();
        let (run, ..) = records.span("generate_content acme/text");
        let output = run["gen_ai.output.messages"].as_str().unwrap();
        assert!(output.contains("my [redacted] token"), "{output}");
    }
}

#[tokio::test]
async fn a_create_is_logged_and_traced_like_a_run() {
    for (params, model) in [
        (json!({"model": "acme/text", "input": {"prompt": "a heron"}}), "acme/text"),
        (json!({"version": "5c7d", "input": {"prompt": "a heron"}}), "5c7d"),
        (json!({"deployment": "acme/fast", "input": {"prompt": "a heron"}}), "deployments/acme/fast"),
    ] {
        let created =
            CREATED.replace(r#""status": "starting""#, r#""status": "starting", "model": "acme/text""#);
        let options = Options { trace_content: Some(true), ..quick() };
        let (_emulator, script, client) = play(&format!("[{created}]"), options);
        let records = Records::default();
        let call = operation::call(&client, "predictions.create", params.into(), None);
        attach(records.sink(Level::Info, true), call).await.unwrap();
        settled(&script).await;
        let event = records.event("created prediction");
        assert_eq!(event["prediction_id"].as_str(), Some("p1"));
        assert_eq!(event["prediction_status"].as_str(), Some("starting"));
        assert_eq!(event["model"].as_str(), Some("acme/text"));
        let (create, began, ended) = records.span(&format!("generate_content {model}"));
        assert_eq!(create["gen_ai.operation.name"].as_str(), Some("generate_content"));
        assert_eq!(create["gen_ai.provider.name"].as_str(), Some("replicate"));
        assert_eq!(create["gen_ai.request.model"].as_str(), Some(model));
        assert_eq!(create["gen_ai.response.id"].as_str(), Some("p1"));
        assert_eq!(create["replicate.prediction.status"].as_str(), Some("starting"));
        assert!(create["gen_ai.input.messages"].as_str().unwrap().contains("a heron"));
        assert!(create["error.type"].is_null() && create["gen_ai.output.messages"].is_null(), "{create}");
        let (_, from, to) = records.span("POST");
        assert!(began <= from && to <= ended);
    }
}

#[tokio::test]
async fn a_create_that_fails_or_is_abandoned_ends_its_span() {
    let refused = r#"{"expect": {"method": "POST"}, "reply": {"status": 422, "json": {"detail": "no"}}}"#;
    let (_emulator, _script, client) = play(&format!("[{refused}]"), quick());
    let params = json!({"model": "acme/text", "input": {}});
    let records = Records::default();
    let call = operation::call(&client, "predictions.create", params.clone().into(), None);
    attach(records.sink(Level::Info, true), call).await.unwrap_err();
    let (create, ..) = records.span("generate_content acme/text");
    assert_eq!(create["error.type"].as_str(), Some("unprocessable"));
    assert!(records.texts().iter().all(|text| !text.starts_with("created")), "{:?}", records.texts());
    let records = Records::default();
    let call = operation::call(&client, "predictions.create", params.into(), None);
    let mut call = attach(records.sink(Level::Off, true), call);
    assert!(futures_util::poll!(&mut call).is_pending());
    drop(call);
    let (create, ..) = records.span("generate_content acme/text");
    assert_eq!(create["error.type"].as_str(), Some("abandoned"));
}

#[tokio::test]
async fn prompts_are_not_traced_and_spans_can_be_turned_off() {
    for tracing in [true, false] {
        let options = Options { tracing: Some(tracing), ..quick() };
        let (_emulator, _script, client) = play(&format!("[{CREATED}, {DONE}]"), options);
        let records = Records::default();
        let params = json!({"ref": "acme/text", "input": {"prompt": "a heron"}, "wait": false});
        attach(records.sink(Level::Debug, true), operation::call(&client, "run", params.into(), None))
            .await
            .unwrap();
        let all = format!("{:?}", records.0.lock().unwrap());
        assert!(!all.contains("a heron") && !all.contains("gen_ai.output"), "{all}");
        assert_eq!(all.contains("http.request.method"), tracing, "{all}");
    }
}

#[tokio::test]
async fn a_stream_is_traced_to_its_end_and_its_reconnection_is_logged() {
    let stream = |body: &str, headers: &str| {
        format!(
            r#"{{"expect": {{"method": "GET", "path": "/v1/s"{headers}}}, "reply": {{"headers": {{"content-type": "text/event-stream"}}, "text": {body:?}}}}}"#
        )
    };
    let created = CREATED
        .replace(r#""status": "starting""#, r#""status": "starting", "urls": {"stream": "{{base}}/s"}"#);
    let first = stream("id: 1\nevent: output\ndata: a\n\n", "");
    let second = stream(
        "id: 2\nevent: output\ndata: b\n\nevent: done\ndata: {}\n\n",
        r#", "headers": {"last-event-id": "1"}"#,
    );
    let (_emulator, script, client) = play(&format!("[{created}, {first}, {second}]"), quick());
    let records = Records::default();
    let params = json!({"ref": "acme/text", "input": {}});
    let items = operation::open(&client, "stream", params.into());
    let items: Vec<_> = attach_stream(records.sink(Level::Info, true), items).try_collect().await.unwrap();
    settled(&script).await;
    assert_eq!(items.len(), 4, "the prediction and three events");
    let reconnection = records.event("reconnecting stream");
    assert_eq!(reconnection["prediction_id"].as_str(), Some("p1"));
    assert_eq!(reconnection["last_event_id"].as_str(), Some("1"));
    let (run, began, ended) = records.span("generate_content acme/text");
    assert_eq!(run["gen_ai.response.id"].as_str(), Some("p1"));
    assert!(run["error.type"].is_null());
    let (read, from, to) = records.span("GET");
    assert!(began <= from && to <= ended, "{read}");
}

#[tokio::test]
async fn an_output_that_is_read_while_it_is_written_is_traced() {
    let schema = |shape: &str| json!({"openapi_schema": {"components": {"schemas": {"Output": {"type": shape, "x-cog-array-type": "iterator", "items": {"type": "string"}}}}}});
    for (shape, spans) in [("array", 2), ("string", 1)] {
        let version = json!({"expect": {"path": "/v1/models/acme/text/versions/5c7d"}, "reply": {"json": schema(shape)}});
        let prediction = |status: &str, output: Value| json!({"id": "p1", "status": status, "model": "acme/text", "input": {"prompt": "a heron"}, "output": serde_json::to_value(output).unwrap(), "metrics": {"output_token_count": 7}});
        let created = json!({"expect": {"method": "POST"}, "reply": {"status": 201, "json": prediction("starting", Value::Null)}});
        let done = json!({"expect": {"path": "/v1/predictions/p1"}, "reply": {"json": prediction("succeeded", json!(["a", "b"]).into())}});
        let options = Options { trace_content: Some(true), ..quick() };
        let (_emulator, script, client) = play(&json!([version, created, done]).to_string(), options);
        let records = Records::default();
        let params =
            json!({"ref": "acme/text:5c7d", "input": {"prompt": "a heron"}, "live": true, "wait": false});
        let call = operation::call(&client, "run", params.into(), None);
        let started = attach(records.sink(Level::Off, true), call).await.unwrap().value;
        if spans == 2 {
            let (create, ..) = records.span("generate_content acme/text");
            assert_eq!(create["replicate.prediction.status"].as_str(), Some("starting"));
            assert!(create["error.type"].is_null(), "{create}");
            let items = operation::open(&client, "predictions.output_iterator", started);
            let items = attach_stream(records.sink(Level::Off, true), items);
            assert_eq!(items.try_collect::<Vec<_>>().await.unwrap().len(), 2);
        }
        settled(&script).await;
        let all = records.0.lock().unwrap().clone();
        let opened = || all.iter().filter(|record| record["span"].as_str() == Some("open"));
        let roots: Vec<_> = opened().filter(|record| record["parent"].is_null()).collect();
        assert_eq!(roots.len(), spans, "{all:?}");
        assert!(
            roots.iter().all(|root| root["name"].as_str() == Some("generate_content acme/text")),
            "{roots:?}"
        );
        let last = &roots[spans - 1]["id"];
        let read = opened().rfind(|record| record["name"].as_str() == Some("GET")).unwrap();
        assert_eq!(read["parent"], *last);
        let end = all.iter().filter(|record| record["id"] == *last && record["span"].as_str() == Some("set"));
        let end = format!("{:?}", end.collect::<Vec<_>>());
        assert!(end.contains("succeeded") && end.contains("output_tokens") && end.contains("ab"), "{end}");
        assert!(!end.contains("error.type"), "{end}");
    }
}
