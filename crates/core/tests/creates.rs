//! Requests that create predictions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use replicant::{Client, ErrorKind, Options, json};
use support::{play, settled};

#[tokio::test]
async fn a_create_is_retried_if_the_connection_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let options =
        Options { base_url: Some(format!("http://{address}")), clock_rate: Some(50.0), ..Options::default() };
    let client = Client::new(options).unwrap();
    let error = client.predictions().create("acme/text", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(!error.outcome_unknown());
    assert!(error.message().contains("127.0.0.1") && error.message().contains("6 attempts"), "{error}");
}

#[tokio::test]
async fn a_create_response_without_an_id_has_an_unknown_outcome() {
    for reply in [r#"{"status": 201, "json": {}}"#, r#"{"status": 202}"#, r#"{"text": "<html>"}"#] {
        let exchanges = format!(r#"[{{"expect": {{"method": "POST"}}, "reply": {reply}}}]"#);
        let (_emulator, script, client) = play(&exchanges, Options::default());
        let error = client.run("acme/text", json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{reply}: {error:?}");
        assert!(error.outcome_unknown(), "{reply}: {error:?}");
        settled(&script).await;
    }
}
