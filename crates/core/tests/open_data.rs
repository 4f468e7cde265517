//! Answers with more, less or other than was expected are readable all the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use futures_util::TryStreamExt;
use replicant::{Client, ErrorKind, Options, Status, json, operation};
use support::{play, settled};

/// A client of a server that answers everything with `json`.
fn answering(json: &serde_json::Value) -> (replicant_emulator::Emulator, Client) {
    let exchanges = json!([{"expect": {}, "reply": {"json": json}, "times": "any"}]);
    let (emulator, _, client) = play(&exchanges.to_string(), Options::default());
    (emulator, client)
}

#[tokio::test]
async fn null_is_as_good_as_nothing() {
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
        let (_emulator, client) = answering(&json);
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
    let (_emulator, client) = answering(&json!({"results": null}));
    assert!(client.predictions().list().await.unwrap().results.is_empty());
    let nested = json!({"current_release": {"number": null, "configuration": {"min_instances": null, "hardware": null}}});
    let (_emulator, client) = answering(&nested);
    client.deployments().get("acme", "text").await.unwrap();
}

#[tokio::test]
async fn null_for_the_whole_is_no_answer() {
    for json in [json!(null), json!([]), json!("x"), json!({"id": 7})] {
        let (_emulator, client) = answering(&json);
        let error = client.predictions().get("p1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{json}");
    }
    let (_emulator, client) = answering(&json!({"results": [null]}));
    assert_eq!(client.predictions().list().await.unwrap_err().kind(), ErrorKind::InvalidResponse);
}

#[tokio::test]
async fn null_is_no_parameter() {
    let (_emulator, client) = answering(&json!({}));
    let error =
        operation::call(&client, "predictions.get", json!({"id": null}).into(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("`id` must be an id or an object with an `id`, not null"), "{error}");
}

#[tokio::test]
async fn a_state_that_is_new_is_kept() {
    let (_emulator, client) = answering(&json!({"id": "p1", "status": "paused"}));
    let status = client.predictions().get("p1").await.unwrap().status;
    assert_eq!(status, Status::Other("paused".into()));
    assert!(!status.is_terminal());
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end() {
    let page = |path: &str, next: &str| {
        let query = path.split_once("cursor=").map_or(json!({}), |(_, cursor)| json!({"cursor": cursor}));
        json!({"expect": {"path": "/v1/predictions", "query": query}, "reply": {"json": {"next": next, "results": [{"id": path}]}}})
    };
    let to = |cursor: &str| format!("{{{{base}}}}/predictions?cursor={cursor}");
    for (pages, items) in [
        (vec![page("/", &to("a")), page("?cursor=a", &to("a"))], 2),
        (vec![page("/", &to("a")), page("?cursor=a", &to("b")), page("?cursor=b", &to("a"))], 3),
        (vec![page("/", "{{base}}/predictions")], 1),
    ] {
        let (_emulator, script, client) = play(&json!(pages).to_string(), Options::default());
        let mut list = client.predictions().list().items();
        for _ in 0..items {
            assert!(list.try_next().await.unwrap().is_some());
        }
        let error = list.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert!(
            error.message().contains("pagination loop") && error.message().contains("/v1/predictions"),
            "{error}"
        );
        settled(&script).await;
    }
}

#[tokio::test]
async fn every_builder_gives_status_and_headers() {
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
