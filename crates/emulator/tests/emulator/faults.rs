//! Fault injection, and the emulator's own endpoints.

use std::time::Instant;

use crate::common::{api, eventually, seconds};
use replicant_emulator::{Action, Config, Emulator, Match, Rule};
use serde_json::{Value, json};

const CREATE: &str = "/models/emulator/echo/predictions";

#[tokio::test]
async fn a_rule_responds_instead_of_the_handler() {
    let api = api();
    let rule = json!({"match": {"method": "POST", "path": "/v1/models/*/predictions"}, "times": 2,
                      "action": {"status": 503, "json": {"detail": "busy"}, "headers": {"retry-after": "2"}}});
    let url = format!("{}/_emulator/faults", api.emulator.origin());
    assert_eq!(api.post(&url, rule.clone()).await, (201, json!([rule])));
    assert_eq!(api.get("/account").await.0, 200, "the rule does not apply to other requests");
    for _ in 0..2 {
        let response = api.request("POST", CREATE).json(&json!({"input": {}})).send().await.expect("sent");
        assert_eq!(
            (response.status().as_u16(), response.headers()["retry-after"].to_str().expect("text")),
            (503, "2")
        );
        assert_eq!(crate::common::status_and_body(response).await.1, json!({"detail": "busy"}));
    }
    assert_eq!(api.post(CREATE, json!({"input": {}})).await.0, 201);
    assert_eq!(api.state().await["predictions"].as_object().map(|all| all.len()), Some(1));
    for (action, expected) in [
        (json!({"stauts": 500}), "unknown field `stauts`"),
        (json!({"status": 42}), "`status` must be between 200 and 599, not 42"),
        (json!({"status": 1000}), "`status` must be between 200 and 599, not 1000"),
        (json!({"status": -1}), "`status` must be between 200 and 599, not -1"),
        (
            json!({"delay_ms": "1"}),
            "`delay_ms` must be a whole number from 0 to 18446744073709551615, not \"1\"",
        ),
        (
            json!({"cut_body_at": 1.5}),
            "`cut_body_at` must be a whole number from 0 to 18446744073709551615, not 1.5",
        ),
        (
            json!({"status": 500, "retry_after": "1"}),
            "`retry_after` must be between 0 and 31536000 seconds, not \"1\"",
        ),
        (json!({}), "`action` does nothing; add `status`, `delay_ms`,"),
        (json!({"status": null, "delay_ms": 0}), "`action` does nothing"),
        (json!({"delay_ms": 1, "json": {}}), "`json` is a part of a response; add its `status`"),
        (json!({"status": 500, "unprocessed": true}), "`unprocessed` needs `close_before_reply` or `reset`"),
    ] {
        let (status, problem) = api.post(&url, json!({ "action": action })).await;
        assert!(status == 400 && problem["detail"].as_str().expect("text").contains(expected), "{problem}");
    }
    let (_, problem) = api.post(&url, json!({"times": -1, "action": {"status": 500}})).await;
    assert_eq!(
        problem["detail"],
        "This is not a fault rule: `times` must be a whole number from 0 to 4294967295, not -1"
    );
    assert_eq!(api.post(&url, json!([{"times": 0, "action": {"status": 500}}])).await.0, 201);
    assert_eq!(
        (api.get("/account").await.0, api.get("/account").await.0),
        (500, 500),
        "0 applies to all requests"
    );
    assert_eq!(api.send("DELETE", &url, Value::Null).await.0, 204);
    assert_eq!(api.get("/account").await.0, 200);
}

#[tokio::test]
async fn a_rule_names_an_operation() {
    let api = api();
    api.fault(json!({"match": {"operation": "predictions.create"}, "times": 2, "action": {"status": 429}}))
        .await;
    let version = json!({"version": crate::common::SDXL, "input": {}});
    assert_eq!(api.get("/account").await.0, 200);
    assert_eq!(api.post("/predictions", version).await.0, 429);
    assert_eq!(api.post("/deployments/acme/text/predictions", json!({})).await.0, 429);
    assert_eq!(api.post(CREATE, json!({"input": {}})).await.0, 201);
    let rule = r#"{"match": {"operation": "predictions.crate"}, "action": {"status": 500}}"#;
    let error = api.emulator.add_faults(rule).expect_err("a mistake").to_string();
    assert!(
        error.contains("`predictions.crate` is not an operation") && error.contains("predictions.create")
    );
    for (name, value) in [("bad header", "1"), ("x-note", "two\nlines")] {
        let rule = json!({"action": {"headers": {name: value}}});
        let error = api.emulator.add_faults(&rule.to_string()).expect_err("a mistake").to_string();
        assert!(error.starts_with(&format!("`headers`: {name:?}: {value:?} is not a header")), "{error}");
    }
}

#[tokio::test]
async fn the_problem_of_a_large_body_is_that_of_its_operation() {
    let api = api();
    for (operation, path, expected) in [
        (
            "predictions.create",
            "/predictions",
            json!({"detail": "The request body is too large", "status": 413}),
        ),
        ("files.create", "/files", json!({"detail": "Files must be less than 100MB in size"})),
    ] {
        let action = json!({"status": 413, "problem": true});
        api.fault(json!({"match": {"operation": operation}, "action": action})).await;
        assert_eq!(api.post(path, json!({})).await, (413, expected));
    }
}

#[tokio::test]
async fn rules_of_rust_are_added_and_checked() {
    let api = api();
    api.emulator.fail_next("predictions.create", 402).expect("an operation");
    let (status, problem) = api.post(CREATE, json!({"input": {}})).await;
    assert!(status == 402 && problem["title"] == "Insufficient credit", "{problem}");
    assert_eq!(api.post(CREATE, json!({"input": {}})).await.0, 201);
    let r#match = Match { operation: Some("account.get".into()), ..Match::default() };
    let rule = Rule { r#match, times: 2, action: Action { status: Some(500), ..Action::default() } };
    api.emulator.add_fault(rule.clone()).expect("a rule");
    for expected in [500, 500, 200] {
        assert_eq!(api.get("/account").await.0, expected);
    }
    for (operation, status, expected) in [
        ("predictions.crate", 500, "`predictions.crate` is not an operation"),
        ("predictions.create", 42, "`status` must be between 200 and 599, not 42"),
    ] {
        let error: Box<dyn std::error::Error> =
            api.emulator.fail_next(operation, status).expect_err("a mistake").into();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let r#match = Match { operation: Some("acount.get".into()), ..Match::default() };
    let config = Config { faults: vec![Rule { r#match, ..rule }], ..Config::default() };
    let error = Emulator::start(config).expect_err("a mistake").to_string();
    assert!(error.starts_with("`acount.get` is not an operation"), "{error}");
}

#[tokio::test]
async fn a_rule_drops_responses_before_or_after_processing() {
    let api = api();
    let body = json!({"input": {}});
    for (action, created) in [
        (json!({"close_before_reply": true}), 1),
        (json!({"close_before_reply": true, "unprocessed": true}), 1),
        (json!({"reset": true}), 2),
    ] {
        api.fault(json!({"match": {"method": "POST"}, "action": action})).await;
        let result = api.request("POST", CREATE).json(&body).send().await;
        assert!(result.is_err(), "{action}");
        let (_, list) = api.get("/predictions").await;
        assert_eq!(list["results"].as_array().map(Vec::len), Some(created), "{action}");
    }
}

#[tokio::test]
async fn a_rule_cuts_and_stalls_bodies() {
    let api = api();
    let drawn = api.run_version(crate::common::SDXL, json!({"width": 64, "height": 64})).await;
    let url = drawn["output"][0].as_str().expect("a URL");
    let whole = api.request("GET", url).send().await.expect("sent").bytes().await.expect("bytes");
    for action in [json!({"cut_body_at": 100}), json!({"cut_body_at": 100, "reset": true})] {
        api.fault(json!({"match": {"path": "/files/*"}, "action": action})).await;
        let mut response = api.request("GET", url).send().await.expect("sent");
        assert_eq!(
            response.content_length(),
            Some(whole.len() as u64),
            "Content-Length is that of the whole body"
        );
        let first = response.chunk().await;
        if action.get("reset").is_none() {
            assert_eq!(first.expect("bytes").as_deref(), Some(&whole[..100]));
            assert!(response.chunk().await.is_err());
        } else {
            assert!(first.is_err() || response.chunk().await.is_err());
        }
    }
    api.fault(json!({"match": {"path": "/files/*"}, "action": {"stall_body_at": 100}})).await;
    let mut response = api.request("GET", url).send().await.expect("sent");
    assert_eq!(response.chunk().await.expect("bytes").map(|bytes| bytes.len()), Some(100));
    assert!(tokio::time::timeout(seconds(0.1), response.chunk()).await.is_err());
    let before = api.state().await["open_connections"].as_u64().expect("a number");
    drop(response);
    let closed = async || api.state().await["open_connections"].as_u64().expect("a number") < before;
    eventually(closed, "the closed connection is still counted").await;
}

#[tokio::test]
async fn a_rule_delays_responses() {
    let api = api();
    api.fault(json!({"action": {"delay_ms": 60}})).await;
    let began = Instant::now();
    assert_eq!(api.get("/account").await.0, 200);
    assert!(began.elapsed() >= seconds(0.06));
}

#[tokio::test]
async fn received_requests_and_state_can_be_inspected() {
    let api = api();
    let request = api.request("POST", CREATE).bearer_auth("t").json(&json!({"input": {"value": 1}}));
    request.send().await.expect("sent");
    let url = format!("{}/_emulator/requests", api.emulator.origin());
    let (_, requests) = api.get(&url).await;
    let received = &requests[0];
    assert_eq!((&received["method"], &received["path"]), (&json!("POST"), &json!(format!("/v1{CREATE}"))));
    assert_eq!(
        (&received["headers"]["authorization"], &received["json"]["input"]["value"]),
        (&json!("Bearer t"), &json!(1))
    );
    assert_eq!(requests.as_array().map(Vec::len), Some(1), "inspecting is not recorded");
    assert_eq!(api.send("DELETE", &url, Value::Null).await.0, 204);
    assert_eq!(api.get(&url).await.1, json!([]));
    let done = api.run("echo", json!({"value": 1})).await;
    api.finished(&done).await;
    let expire = format!("{}/_emulator/expire", api.emulator.origin());
    assert_eq!(api.post(&expire, Value::Null).await.0, 204);
    assert_eq!(api.read(&done).await["data_removed"], true);
}
