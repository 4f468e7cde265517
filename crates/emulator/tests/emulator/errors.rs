//! Error responses: invalid bodies, tokens, rate limits and credit.

use crate::common::{LLAMA, api, status_and_body, with};
use replicant_emulator::{Config, RateLimits};
use serde_json::json;

#[tokio::test]
async fn invalid_bodies_are_rejected() {
    let api = api();
    let (status, problem) = api.post("/predictions", json!({"model": "a/b", "input": {}})).await;
    assert_eq!(status, 422);
    assert_eq!(
        problem,
        json!({
            "detail": "- version is required\n- Additional property model is not allowed\n",
            "status": 422,
            "title": "Input validation failed",
            "invalid_fields": [
                {"type": "required", "field": "", "description": "version is required"},
                {"type": "additional_property_not_allowed", "field": "",
                 "description": "Additional property model is not allowed"},
            ],
        })
    );
    let (_, problem) = api.post(LLAMA, json!({"input": {"max_tokens": 0, "top_k": "many"}})).await;
    let fields: Vec<_> =
        problem["invalid_fields"].as_array().expect("fields").iter().map(|f| &f["field"]).collect();
    assert_eq!(fields, ["input", "input.max_tokens", "input.top_k"]);
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.starts_with("- input: prompt is required\n- input.max_tokens: "), "{detail}");
    let (status, problem) = api
        .post(
            "/models/black-forest-labs/flux-schnell/predictions",
            json!({"input": {"prompt": "a", "aspect_ratio": "2:1"}}),
        )
        .await;
    assert_eq!((status, &problem["invalid_fields"][0]["type"]), (422, &json!("enum")));
    let response = api.request("POST", LLAMA).body("{").send().await.expect("sent");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.status(), 400);
    for filter in [json!(["later"]), json!("start")] {
        let (status, _) =
            api.post(LLAMA, json!({"input": {"prompt": "a"}, "webhook_events_filter": filter})).await;
        assert_eq!(status, 422);
    }
}

#[tokio::test]
async fn a_token_is_required_if_configured() {
    let api = with(Config { token: Some("r8_secret".into()), ..Config::default() });
    let (status, problem) = api.get("/account").await;
    assert_eq!(status, 401);
    assert_eq!(
        problem,
        json!({"title": "Unauthenticated", "detail": "You did not pass a valid authentication token", "status": 401})
    );
    for (header, expected) in [("Bearer r8_secret", 200), ("Token r8_secret", 200), ("Bearer r8_other", 401)]
    {
        let response =
            api.request("GET", "/account").header("authorization", header).send().await.expect("sent");
        assert_eq!(response.status(), expected, "{header}");
    }
}

#[tokio::test]
async fn rate_limits_and_credit_are_enforced() {
    let limits = RateLimits { creates_per_minute: 6, creates_burst: Some(1), ..RateLimits::default() };
    let api = with(Config { rate_limits: Some(limits), ..Config::default() });
    api.run("echo", json!({})).await;
    let request = api.request("POST", "/models/emulator/echo/predictions").json(&json!({"input": {}}));
    let response = request.send().await.expect("sent");
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((9..=10).contains(&wait), "{wait}");
    let (_, problem) = status_and_body(response).await;
    assert_eq!(problem["retry_after"], wait);
    let detail = format!("Request was throttled. Your rate limit resets in ~{wait}s.");
    assert_eq!(problem["detail"], detail);

    let limits = RateLimits { others_per_minute: 6, others_burst: Some(2), ..RateLimits::default() };
    let api = with(Config { rate_limits: Some(limits), ..Config::default() });
    for _ in 0..5 {
        api.run("echo", json!({})).await;
    }
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(api.get("/account").await.0);
    }
    assert_eq!(statuses, [200, 200, 429], "creates and other requests have separate limits");

    let api = with(Config { credit: Some(1), ..Config::default() });
    for (model, body, status) in [
        ("echo", json!({"input": 3}), 422),
        ("echo", json!({}), 422),
        ("stream", json!({"input": {"chunks": 3}}), 422),
        ("nope", json!({"input": {}}), 404),
    ] {
        let refused = api.post(&format!("/models/emulator/{model}/predictions"), body).await;
        assert_eq!(refused.0, status, "it costs nothing: {}", refused.1);
    }
    api.run("echo", json!({})).await;
    let (status, problem) = api.post("/models/emulator/echo/predictions", json!({"input": {}})).await;
    assert_eq!((status, &problem["title"]), (402, &json!("Insufficient credit")));
}
