//! Responses of the resources, and raw requests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use futures_util::TryStreamExt;
use replicant::{Client, ErrorKind, Options, Status, json, operation};
use support::{play, settled};

/// Starts a server that responds to every request with `json`.
fn server(json: &serde_json::Value) -> (replicant_emulator::Emulator, Client) {
    let exchanges = json!([{"expect": {}, "reply": {"json": json}, "times": "any"}]);
    let (emulator, _, client) = play(&exchanges.to_string(), Options::default());
    (emulator, client)
}

#[tokio::test]
async fn null_members_decode_as_missing() {
    let names = [
        "id",
        "owner",
        "name",
        "status",
        "urls",
        "logs",
        "input",
        "output",
        "metrics",
        "models",
        "slug",
        "description",
        "checksums",
        "size",
        "type",
        "username",
        "key",
        "sku",
        "query",
        "collections",
        "pages",
        "current_release",
        "latest_version",
        "run_count",
        "visibility",
    ];
    let nulls = json!(names.map(|name| (name, ())).into_iter().collect::<std::collections::BTreeMap<_, _>>());
    for json in [nulls, json!({})] {
        let (_emulator, client) = server(&json);
        let prediction = client.predictions().get("p1").await.unwrap();
        assert_eq!((prediction.status, prediction.urls.len()), (Status::Starting, 0));
        client.trainings().get("t1").await.unwrap();
        client.models().get("acme", "up").await.unwrap();
        client.models().versions().get("acme", "up", "5c7d").await.unwrap();
        client.deployments().get("acme", "text").await.unwrap();
        client.files().get("f1").await.unwrap();
        assert_eq!(client.collections().get("c").await.unwrap().models, []);
        client.account().await.unwrap();
        client.webhooks().secret().await.unwrap();
        client.search("x", None).await.unwrap();
    }
    let (_emulator, client) = server(&json!({"results": null}));
    assert!(client.predictions().list().await.unwrap().results.is_empty());
    let nested = json!({"current_release": {"number": null, "configuration": {"min_instances": null, "hardware": null}}});
    let (_emulator, client) = server(&nested);
    client.deployments().get("acme", "text").await.unwrap();
}

#[tokio::test]
async fn an_invalid_body_is_an_error() {
    for json in [json!(null), json!([]), json!("x"), json!({"id": 7})] {
        let (_emulator, client) = server(&json);
        let error = client.predictions().get("p1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{json}");
    }
    let (_emulator, client) = server(&json!({"results": [null]}));
    assert_eq!(client.predictions().list().await.unwrap_err().kind(), ErrorKind::InvalidResponse);
}

#[tokio::test]
async fn a_null_parameter_is_an_error() {
    let (_emulator, client) = server(&json!({}));
    let error =
        operation::call(&client, "predictions.get", json!({"id": null}).into(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("`id` must be an id or an object with an `id`, not null"), "{error}");
}

#[tokio::test]
async fn an_unknown_status_is_preserved() {
    let (_emulator, client) = server(&json!({"id": "p1", "status": "paused"}));
    let status = client.predictions().get("p1").await.unwrap().status;
    assert_eq!(status, Status::Other("paused".into()));
    assert!(!status.is_terminal());
}

#[tokio::test]
async fn with_response_returns_status_and_headers() {
    let created = json!([{
        "expect": {"method": "POST"}, "times": 3,
        "reply": {"status": 201, "headers": {"x-request-id": "r1"}, "json": {"id": "p1", "status": "starting"}}
    }, {
        "expect": {"method": "GET"}, "reply": {"headers": {"x-request-id": "r1"}, "json": {"results": []}}
    }]);
    let (_emulator, script, client) = play(&created.to_string(), Options::default());
    let has_id =
        |headers: &[(String, String)]| headers.iter().any(|(name, id)| name == "x-request-id" && id == "r1");
    let reply = client.predictions().create("acme/text", json!({})).with_response().await.unwrap();
    assert!(reply.status == 201 && reply.value.id == "p1" && has_id(&reply.headers));
    let training = client.trainings().create("acme", "text", "5c7d", "acme/mine", json!({}));
    assert!(has_id(&training.with_response().await.unwrap().headers));
    let file = client.files().create(replicant::File::bytes("x"));
    assert!(has_id(&file.with_response().await.unwrap().headers));
    assert!(has_id(&client.predictions().list().with_response().await.unwrap().headers));
    settled(&script).await;
}

#[tokio::test]
async fn lists_and_trainings_have_the_parameters_of_the_api() {
    let exchanges = r#"[
        {"expect": {"path": "/v1/predictions", "query": {"created_after": "2025-01-01", "created_before": "2025-02-01", "source": "web"}},
         "reply": {"json": {"results": []}}},
        {"expect": {"method": "POST", "json": {"destination": "acme/mine", "input": {}, "webhook": "https://a.example/", "webhook_events_filter": ["completed"]}},
         "reply": {"status": 201, "json": {"id": "t1", "status": "starting"}}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let filter = replicant::resources::predictions::PredictionFilter {
        created_after: Some("2025-01-01".into()),
        created_before: Some("2025-02-01".into()),
        source: Some("web".into()),
    };
    client.predictions().list_filtered(filter).await.unwrap();
    let training = client.trainings().create("acme", "text", "5c7d", "acme/mine", json!({}));
    training.webhook("https://a.example/").webhook_events_filter(["completed"]).await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn a_path_can_have_a_url_in_its_query() {
    let exchanges = r#"[
        {"expect": {"path": "/v1/search", "query": {"query": "https://a.example/x"}}, "reply": {"json": {}}},
        {"expect": {"path": "/v1/predictions", "query": {"source": "web", "from": "https://a.example"}}, "reply": {"json": {"results": []}}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let params = json!({"path": "/search?query=https://a.example/x"});
    operation::call(&client, "request", params.into(), None).await.unwrap();
    let params = json!({"path": "/predictions?source=web&from=https://a.example"});
    operation::open(&client, "paginate", params.into()).try_collect::<Vec<_>>().await.unwrap();
    settled(&script).await;
}
