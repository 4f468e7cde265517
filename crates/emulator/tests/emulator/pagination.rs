//! Pagination of lists.

use crate::common::with;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use replicant_emulator::Config;
use serde_json::{Value, json};

#[tokio::test]
async fn lists_have_pages_and_time_filters() {
    let api = with(Config { page_size: Some(2), ..Config::default() });
    let mut ids = Vec::new();
    let mut times = Vec::new();
    for _ in 0..5 {
        let created = api.run("echo", json!({})).await;
        ids.insert(0, created["id"].clone());
        times.push(created["created_at"].as_str().expect("text").to_owned());
    }
    let mut seen = Vec::new();
    let (mut next, mut last_page) = (json!("/predictions"), Value::Null);
    while let Some(url) = next.as_str() {
        let (status, page) = api.get(url).await;
        assert_eq!(status, 200);
        assert!(page["results"][0].get("logs").is_none());
        seen.extend(page["results"].as_array().expect("results").iter().map(|item| item["id"].clone()));
        next = page["next"].clone();
        last_page = page;
    }
    assert_eq!(seen, ids);
    let (_, before) = api.get(last_page["previous"].as_str().expect("a URL")).await;
    assert_eq!(before["results"][0]["id"], ids[2]);

    let (_, page) =
        api.get(&format!("/predictions?created_after={}&created_before={}", times[1], times[3])).await;
    let found: Vec<_> = page["results"].as_array().expect("results").iter().map(|item| &item["id"]).collect();
    assert_eq!(found, [&ids[2], &ids[3]], "created_after is inclusive, created_before exclusive");
    for time in ["never", "2024-01-01T00:00:00%2Ba%C3%A91"] {
        assert_eq!(api.get(&format!("/predictions?created_after={time}")).await.0, 400);
    }
    assert_eq!(api.get("/predictions?source=web").await.1["results"], json!([]));
    let malformed = STANDARD.encode("p=2024-01-01T00:00:00%2Ba%C3%A91");
    for cursor in ["nonsense", &malformed] {
        assert_eq!(api.get(&format!("/predictions?cursor={cursor}")).await.0, 400);
    }
}
