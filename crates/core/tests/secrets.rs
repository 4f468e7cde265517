//! The token and other secrets reach neither another origin nor an error.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use replicant::{Options, json, operation};
use support::{play, settled};

#[tokio::test]
async fn a_cross_origin_redirect_drops_secret_headers() {
    let exchanges = r#"[
        {"expect": {"method": "GET", "path": "/v1/a", "headers": {"authorization": "Bearer mine", "cookie": "c=1", "x-trace": "t"}},
         "reply": {"status": 302, "headers": {"location": "{{other}}/b"}}},
        {"expect": {"method": "GET", "origin": "other", "headers": {"authorization": null, "cookie": null, "x-trace": null, "accept": "text/plain"}}, "reply": {"text": "ok"}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let params = json!({"path": "/a", "headers": {"Authorization": "Bearer mine", "Cookie": "c=1", "X-Trace": "t", "Accept": "text/plain"}});
    operation::call(&client, "request", params.into(), None).await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn errors_redact_an_echoed_token() {
    for reply in [
        r#"{"status": 401, "headers": {"x-echo": "Bearer r8_secret"}, "json": {"detail": "no such token: r8_secret", "invalid_fields": ["r8_secret"]}}"#,
        r#"{"status": 200, "headers": {"x-echo": "r8_secret"}, "text": "<pre>authorization: Bearer r8_secret</pre>"}"#,
    ] {
        let exchanges = format!(r#"[{{"expect": {{}}, "reply": {reply}}}]"#);
        let (_emulator, script, client) = play(&exchanges, Options::default());
        let error = client.account().await.unwrap_err();
        let shown = format!("{error} {error:?} {:?} {:?}", error.to_value(), error.response());
        assert!(!shown.contains("r8_secret"), "{shown}");
        settled(&script).await;
    }
}

#[tokio::test]
async fn errors_redact_credentials_in_urls() {
    let (_emulator, _script, client) = play("[]", Options { max_retries: Some(0), ..Options::default() });
    let params = json!({"path": "http://user:hunter2@127.0.0.1:1/x?signature=abc"});
    let error = operation::call(&client, "request", params.into(), None).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.to_value());
    assert!(!shown.contains("hunter2") && !shown.contains("abc"), "{shown}");
}
