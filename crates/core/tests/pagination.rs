//! Lists of several pages.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use futures_util::TryStreamExt;
use replicant::{ErrorKind, Options, json, operation};
use support::{play, settled};

#[tokio::test]
async fn a_pagination_loop_is_an_error() {
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
async fn the_text_null_is_not_a_link() {
    let page = r#"[{"expect": {"path": "/v1/predictions"}, "reply": {"json": {"next": "null", "previous": "", "results": []}}}]"#;
    let (_emulator, script, client) = play(page, Options::default());
    let page = client.predictions().list().await.unwrap();
    assert_eq!((page.next, page.previous), (None, None));
    settled(&script).await;
}

#[tokio::test]
async fn the_query_of_the_client_is_not_repeated_in_links_that_have_it() {
    let page = |query: serde_json::Value, next: Option<&str>| json!({"expect": {"path": "/v1/predictions", "query": query}, "reply": {"json": {"next": next, "results": [{}]}}});
    let pages = json!([
        page(json!({"team": "x"}), Some("{{base}}/predictions?cursor=a&team=x")),
        page(json!({"cursor": "a", "team": "x"}), Some("{{base}}/predictions?cursor=b")),
        page(json!({"cursor": "b", "team": "x"}), None),
    ]);
    let query = [("team".to_owned(), "x".to_owned())].into_iter().collect();
    let (_emulator, script, client) = play(&pages.to_string(), Options { query, ..Options::default() });
    let read: Vec<_> = client.predictions().list().pages().try_collect().await.unwrap();
    assert_eq!(read.len(), 3);
    settled(&script).await;
    // The query of a call is in its links, too.
    let options = json!({"query": {"team": "x"}});
    let (_emulator, script, client) = play(&pages.to_string(), Options::default());
    let read = operation::open(&client, "predictions.list", json!({"request_options": options}).into());
    assert_eq!(read.try_collect::<Vec<_>>().await.unwrap().len(), 3);
    settled(&script).await;
    let (_emulator, script, client) = play(&json!([pages[1]]).to_string(), Options::default());
    let next = format!("{}/predictions?cursor=a&team=x", script.base_url());
    let params = json!({"cursor": next, "request_options": options});
    operation::call(&client, "predictions.list", params.into(), None).await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn the_query_of_a_call_replaces_that_of_the_client() {
    let sent = json!([{"expect": {"query": {"cursor": ["old", "new"], "team": "y", "user": "b"}}, "reply": {"json": {}}}]);
    let query = [("team", "x"), ("user", "a"), ("cursor", "first")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let (_emulator, script, client) = play(&sent.to_string(), Options { query, ..Options::default() });
    let params = json!({
        "path": "/predictions?cursor=old",
        "params": {"team": "y"},
        "request_options": {"query": {"cursor": "new", "user": "b"}},
    });
    operation::call(&client, "request", params.into(), None).await.unwrap();
    settled(&script).await;
}
