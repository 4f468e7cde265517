//! Hooks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{Arc, Mutex},
    time::Duration,
};

use replicant::{
    BoxFuture, Error, ErrorKind, Options, Result, Value,
    hooks::{HeaderChanges, Hooks, RequestEvent, ResponseEvent, RetryEvent},
    json, operation,
    transport::{HttpRequest, HttpResponse, Transport},
};
use support::{CANCEL, CREATED, play, quick, settled};

const BUSY: &str =
    r#"{"expect": {"method": "GET"}, "reply": {"status": 503, "headers": {"x-request-id": "q1"}}}"#;
const POLLED: &str = r#"{"expect": {"method": "GET"}, "reply": {"json": {"id": "p1", "status": "succeeded"},
    "headers": {"x-request-id": "q2"}}}"#;

type Seen = Arc<Mutex<Vec<String>>>;

/// Records its calls, and sets headers.
struct Recording(Seen);

impl Hooks for Recording {
    fn on_request(&self, request: RequestEvent) -> BoxFuture<'static, Result<HeaderChanges>> {
        assert!(request.headers.iter().all(|(name, _)| name != "authorization"));
        self.0.lock().unwrap().push(format!("request {}", request.attempt));
        let set = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let changes = vec![
            set("X-Tenant", "acme"),
            set("x-copy", "r8_secret"),
            set("cookie", "a=b"),
            ("user-agent".to_owned(), None),
        ];
        Box::pin(async { Ok(changes) })
    }

    fn on_response(&self, response: ResponseEvent) -> BoxFuture<'static, Result<()>> {
        self.0.lock().unwrap().push(format!("response {} {:?}", response.status, response.request_id()));
        Box::pin(async { Ok(()) })
    }

    fn on_retry(&self, retry: RetryEvent) -> BoxFuture<'static, Result<()>> {
        self.0.lock().unwrap().push(format!("retry {} {}", retry.code, retry.attempt));
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn hooks_see_every_attempt_and_edit_its_headers() {
    let expect = r#"{"method": "GET", "headers": {"x-tenant": "acme", "user-agent": null, "authorization": "Bearer r8_secret"}}"#;
    let exchanges = [BUSY, POLLED].map(|exchange| exchange.replace(r#"{"method": "GET"}"#, expect));
    let seen = Seen::default();
    let options = Options { hooks: Some(Arc::new(Recording(seen.clone()))), ..quick() };
    let (_emulator, script, client) = play(&format!("[{}]", exchanges.join(", ")), options);
    operation::call(&client, "predictions.get", json!({"id": "p1"}).into(), None).await.unwrap();
    settled(&script).await;
    let seen = seen.lock().unwrap();
    let expected = [
        "request 1",
        "response 503 Some(\"q1\")",
        "retry server_error 1",
        "request 2",
        "response 200 Some(\"q2\")",
    ];
    assert_eq!(*seen, expected);
}

#[tokio::test]
async fn a_hook_cannot_send_credentials_to_another_origin() {
    let file = r#"{"expect": {"method": "GET", "origin": "other", "headers": {"x-tenant": "acme", "x-copy": null,
        "cookie": null, "authorization": null}}, "reply": {"text": "hello"}}"#;
    let options = Options { hooks: Some(Arc::new(Recording(Seen::default()))), ..quick() };
    let (_emulator, script, client) = play(&format!("[{file}, {}]", file.replace("other", "main")), options);
    // A model may name an endpoint of the API as its output.
    for url in [format!("{}/f.txt", script.other_origin()), format!("{}/account", script.base_url())] {
        let bytes = operation::call(&client, "output.bytes", json!({"url": url}).into(), None).await.unwrap();
        assert_eq!(bytes.value, Value::Bytes("hello".into()));
    }
    settled(&script).await;
}

struct Failing;

impl Hooks for Failing {
    fn on_request(&self, _: RequestEvent) -> BoxFuture<'static, Result<HeaderChanges>> {
        Box::pin(async { Err(Error::new(ErrorKind::Internal, "no credentials")) })
    }
}

#[tokio::test]
async fn an_error_of_a_hook_ends_the_call_before_anything_is_sent() {
    let options = Options { hooks: Some(Arc::new(Failing)), ..quick() };
    let (_emulator, script, client) = play("[]", options);
    let error = client.predictions().get("p1").await.unwrap_err();
    assert!(error.message().starts_with("no credentials"), "{error}");
    settled(&script).await;
}

/// A hook that takes some time.
struct Slow(&'static str, Duration);

impl Slow {
    fn run<T: Default + 'static>(&self, name: &str) -> BoxFuture<'static, Result<T>> {
        let time = if self.0 == name { self.1 } else { Duration::ZERO };
        Box::pin(async move {
            tokio::time::sleep(time).await;
            Ok(T::default())
        })
    }
}

impl Hooks for Slow {
    fn on_request(&self, _: RequestEvent) -> BoxFuture<'static, Result<HeaderChanges>> {
        self.run("on_request")
    }

    fn on_response(&self, _: ResponseEvent) -> BoxFuture<'static, Result<()>> {
        self.run("on_response")
    }

    fn on_retry(&self, _: RetryEvent) -> BoxFuture<'static, Result<()>> {
        self.run("on_retry")
    }
}

#[tokio::test]
async fn a_timeout_limits_hooks() {
    for (name, exchanges) in [
        ("on_request", "[]".to_owned()),
        ("on_response", format!("[{POLLED}]")),
        ("on_retry", format!("[{BUSY}]")),
    ] {
        let hooks = Arc::new(Slow(name, Duration::from_secs(3600)));
        let options =
            Options { hooks: Some(hooks), timeout: Some(Duration::from_secs(1)), ..Options::default() };
        let (_emulator, script, client) = play(&exchanges, options);
        let error = client.predictions().get("p1").await.unwrap_err();
        if name == "on_retry" {
            assert_eq!(error.status(), Some(503), "the failure that it was called for: {error}");
        } else {
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert!(error.message().contains(&format!("`{name}`")), "{error}");
        }
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_run_that_is_abandoned_during_its_hook_sends_nothing() {
    let hooks = Arc::new(Slow("on_request", Duration::from_millis(500)));
    let (_emulator, script, client) = play("[]", Options { hooks: Some(hooks), ..Options::default() });
    let run = client.run("acme/slow", json!({})).timeout(Duration::from_millis(100));
    assert_eq!(run.await.unwrap_err().kind(), ErrorKind::Deadline);
    let dropped =
        tokio::time::timeout(Duration::from_millis(100), client.run("acme/slow", json!({})).into_future());
    assert!(dropped.await.is_err());
    settled(&script).await;
}

const REFUSED: &str =
    r#"[{"expect": {"method": "POST"}, "reply": {"status": 422, "json": {"detail": "no prompt"}}}]"#;

/// Panics in a hook for a create, before the future or in it, or in the transport.
struct Panicking(&'static str);

impl Hooks for Panicking {
    fn on_request(&self, request: RequestEvent) -> BoxFuture<'static, Result<HeaderChanges>> {
        let panics = self.0 == "on_request" && request.method == "POST";
        Box::pin(async move {
            assert!(!panics, "no credentials");
            Ok(HeaderChanges::new())
        })
    }

    fn on_response(&self, response: ResponseEvent) -> BoxFuture<'static, Result<()>> {
        assert!(self.0 != "on_response" || !matches!(response.status, 201 | 422), "not valid");
        Box::pin(async { Ok(()) })
    }
}

impl Transport for Panicking {
    fn send(&self, _: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        panic!("no route")
    }
}

#[tokio::test]
async fn a_run_reports_the_panic_of_a_hook_and_cancels_its_prediction() {
    for (name, exchanges, text) in [
        ("on_request", "[]".to_owned(), "`on_request` panicked: no credentials"),
        ("on_response", format!("[{CREATED}, {CANCEL}]"), "`on_response` panicked: not valid"),
        ("on_response", REFUSED.to_owned(), "`on_response` panicked: not valid"),
    ] {
        let options = Options { hooks: Some(Arc::new(Panicking(name))), ..Options::default() };
        let (_emulator, script, client) = play(&exchanges, options);
        let error = client.run("acme/text", json!({})).await.unwrap_err();
        assert!(error.message().starts_with(text), "{error}");
        assert!(!error.outcome_unknown(), "{error}");
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_run_whose_transport_panics_may_have_created_a_prediction() {
    let (_emulator, _script, client) = play("[]", Options::default());
    let client = client.with_transport(Arc::new(Panicking("send")));
    let error = client.run("acme/text", json!({})).await.unwrap_err();
    assert!(error.message().contains("panicked: no route. The request may have been processed"), "{error}");
    assert!(error.outcome_unknown());
}

#[tokio::test]
async fn a_create_whose_response_a_hook_keeps_for_too_long_may_exist() {
    let hooks = Arc::new(Slow("on_response", Duration::from_secs(3600)));
    let options = Options { hooks: Some(hooks), timeout: Some(Duration::from_secs(1)), ..Options::default() };
    let (_emulator, script, client) = play(&format!("[{CREATED}]"), options);
    let error = client.predictions().create("acme/text", json!({})).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    settled(&script).await;
}
