//! Webhook verification, with the vectors that every language plays.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use replicant::{Client, ErrorKind, Options, operation, resources::webhooks::WebhookObject};
use support::{eventually, fast, play, settled, shared};
use tokio::net::TcpListener;

#[test]
fn webhooks_verify_like_the_shared_vectors() {
    for vector in shared("webhooks.json").as_array().unwrap() {
        let name = &vector["name"];
        let verified = operation::compute("webhooks.verify", vector["webhook"].clone());
        match (vector.get("code"), verified) {
            (None, verified) => {
                assert_eq!(verified.unwrap().into_value().unwrap(), vector["event"], "{name}");
            }
            (Some(code), verified) => {
                let error = verified.unwrap_err();
                assert_eq!(code, &error.code(), "{name}");
                let message = vector["message"].as_str().unwrap_or_default();
                assert!(error.message().starts_with(message), "{name}: {error}");
            }
        }
    }
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// An exchange in which the API returns a secret.
fn secret(key: &str) -> String {
    format!(
        r#"{{"expect": {{"method": "GET", "path": "/v1/webhooks/default/secret"}}, "reply": {{"json": {{"key": "{key}"}}}}}}"#
    )
}

/// The headers of a webhook, signed with `key`.
fn signed(key: &str, body: &str) -> [(&'static str, String); 3] {
    let timestamp = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
    let signature = replicant_emulator::sign(key, "msg_1", &timestamp, body);
    [("webhook-id", "msg_1".into()), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
}

#[tokio::test]
async fn concurrent_webhooks_share_one_request_for_the_secret() {
    let (_emulator, script, client) = play(&format!("[{}]", secret(SECRET)), Options::default());
    let body = r#"{"id": "p1", "status": "succeeded", "output": [1.50]}"#;
    let webhooks: Vec<_> =
        (0..8).map(|_| client.webhooks().unwrap(signed(SECRET, body), body).into_future()).collect();
    for event in join_all(webhooks).await {
        let event = event.unwrap();
        assert_eq!((event.id.as_str(), &event.prediction().unwrap().id), ("msg_1", &"p1".to_owned()));
    }
    settled(&script).await;
}

#[tokio::test]
async fn forged_webhooks_cause_few_requests() {
    let (_emulator, script, client) = play(&format!("[{}]", secret(SECRET)), Options::default());
    for _ in 0..20 {
        let error = client.webhooks().unwrap(signed("whsec_Zm9yZ2Vk", "{}"), "{}").await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::WebhookSignature, Some(401)));
    }
    settled(&script).await;
}

#[tokio::test]
async fn concurrent_webhooks_share_the_failure_to_fetch_the_secret() {
    let denied = r#"{"expect": {"method": "GET"}, "reply": {"status": 401}}"#;
    // 5 s of this clock are 1 s.
    let options = Options { clock_rate: Some(5.0), ..Options::default() };
    let (_emulator, script, client) = play(&format!("[{denied}, {}]", secret(SECRET)), options);
    let unwrap =
        || client.webhooks().unwrap(signed(SECRET, r#"{"id": "p1"}"#), r#"{"id": "p1"}"#).into_future();
    for event in join_all((0..8).map(|_| unwrap())).await {
        assert_eq!(event.unwrap_err().kind(), ErrorKind::Authentication);
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    unwrap().await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn the_secret_is_fetched_again_at_most_once_a_minute() {
    // 60 s of this clock are 600 ms.
    let options = fast(100.0);
    let exchanges = format!("[{}, {}]", secret("whsec_b2xk"), secret(SECRET));
    let (_emulator, script, client) = play(&exchanges, options);
    let unwrap = |key: &str| client.webhooks().unwrap(signed(key, r#"{"id": "p1"}"#), r#"{"id": "p1"}"#);
    unwrap("whsec_b2xk").await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    unwrap(SECRET).await.unwrap();
    unwrap(SECRET).await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_fetched_again_is_asked_for_at_most_once_a_minute() {
    // 60 s of this clock are 3 s.
    let options = Options { max_retries: Some(0), ..fast(20.0) };
    let failure = r#"{"expect": {"method": "GET"}, "reply": {"status": 500}}"#;
    let (_emulator, script, client) = play(&format!("[{}, {failure}]", secret("whsec_b2xk")), options);
    let unwrap = |key: &str| client.webhooks().unwrap(signed(key, r#"{"id": "p1"}"#), r#"{"id": "p1"}"#);
    unwrap("whsec_b2xk").await.unwrap();
    tokio::time::sleep(Duration::from_millis(3100)).await;
    for _ in 0..2 {
        assert_eq!(unwrap(SECRET).await.unwrap_err().kind(), ErrorKind::WebhookSignature);
    }
    settled(&script).await;
}

#[tokio::test]
async fn an_event_is_a_prediction_or_a_training() {
    let emulator = replicant_emulator::Emulator::start(replicant_emulator::Config::default()).unwrap();
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap();
    for (kind, url) in
        [("predictions", "https://x/v1/predictions/p1"), ("trainings", "https://x/v1/trainings/p1")]
    {
        let body = replicant::json!({"id": "p1", "urls": {"get": url}}).to_string();
        let event = client.webhooks().unwrap(signed(emulator.webhook_secret(), &body), body).await.unwrap();
        assert_eq!(matches!(event.object, WebhookObject::Training(_)), kind == "trainings");
    }
}

/// Sends the head of a request with a large body, and returns the response of an axum server.
#[cfg(feature = "axum")]
async fn respond_to_head(headers: &[(&str, String)]) -> String {
    use axum::{Router, routing::post};
    use replicant::resources::webhooks::WebhookEvent;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let client = Client::new(Options { token: Some("r8_token".into()), ..Options::default() }).unwrap();
    let app = Router::new().route("/", post(async |_: WebhookEvent| "received")).with_state(client);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut response = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(20), socket.read(&mut response));
    let length = read.await.expect("a response before the body").unwrap();
    server.abort();
    String::from_utf8_lossy(&response[..length]).into_owned()
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_reads_no_body_without_current_signature_headers_or_of_70_mb() {
    let length = |length: &str| ("content-length", length.to_owned());
    let response = respond_to_head(&[length("1000000")]).await;
    assert!(response.starts_with("HTTP/1.1 400") && response.contains("Missing webhook id"), "{response}");

    let old = ["msg_1", "1", "v1,x"];
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let old: Vec<_> = std::iter::zip(names, old.map(str::to_owned)).chain([length("1000000")]).collect();
    let response = respond_to_head(&old).await;
    assert!(response.starts_with("HTTP/1.1 401") && response.contains("tolerance"), "{response}");

    let large: Vec<_> = signed(SECRET, "").into_iter().chain([length("70000000")]).collect();
    let response = respond_to_head(&large).await;
    assert!(response.starts_with("HTTP/1.1 413") && response.contains("larger than 67108864"), "{response}");
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_reads_at_most_64_mib_of_a_body_of_unknown_length() {
    use axum::{body::Body, extract::FromRequest, http::Request, response::IntoResponse};
    use futures_util::stream;
    use replicant::{extract::WebhookRejection, resources::webhooks::WebhookEvent};

    async fn reject(body: Body) -> WebhookRejection {
        let client = Client::new(Options { token: Some("r8_token".into()), ..Options::default() }).unwrap();
        let mut request = Request::new(body);
        for (name, value) in signed(SECRET, "") {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        WebhookEvent::from_request(request, &client).await.unwrap_err()
    }

    let mebibyte = || Ok::<_, std::io::Error>(vec![b' '; 1 << 20]);
    let rejection = reject(Body::from_stream(stream::repeat_with(mebibyte))).await;
    assert_eq!(rejection.error().message(), "the body of the webhook is larger than 67108864 bytes");
    assert_eq!(rejection.into_response().status(), 413);

    let cut = stream::iter([mebibyte(), Err(std::io::ErrorKind::ConnectionReset.into())]);
    let rejection = reject(Body::from_stream(cut)).await;
    assert!(rejection.error().message().contains("could not be read"), "{rejection:?}");
    assert_eq!(rejection.into_response().status(), 400);
}

#[tokio::test]
async fn a_secret_that_cannot_be_fetched_is_not_the_fault_of_the_webhook() {
    let denied =
        r#"[{"expect": {"method": "GET"}, "reply": {"status": 401, "json": {"detail": "no token"}}}]"#;
    let (_emulator, script, client) = play(denied, Options::default());
    let error = client.webhooks().unwrap(signed(SECRET, "{}"), "{}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    settled(&script).await;
}

/// Starts a server that never responds. Returns its client and the number of its connections.
async fn silent(options: Options) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = Some(format!("http://{}/v1", listener.local_addr().unwrap()));
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    tokio::spawn(async move {
        let mut sockets = Vec::new();
        loop {
            sockets.push(listener.accept().await.unwrap());
            counter.fetch_add(1, SeqCst);
        }
    });
    (Client::new(Options { base_url, ..options }).unwrap(), connections)
}

#[tokio::test]
async fn concurrent_webhooks_share_a_timeout_of_the_api() {
    let options =
        Options { timeout: Some(Duration::from_secs(2)), max_retries: Some(0), ..Options::default() };
    let (client, connections) = silent(options).await;
    let unwrap = || client.webhooks().unwrap(signed(SECRET, "{}"), "{}").into_future();
    let webhooks = join_all((0..8).map(|_| unwrap()));
    for event in tokio::time::timeout(Duration::from_secs(20), webhooks).await.unwrap() {
        assert_eq!(event.unwrap_err().kind(), ErrorKind::Timeout);
    }
    assert_eq!(connections.load(SeqCst), 1);
}

#[tokio::test]
async fn a_timeout_of_one_webhook_fails_no_other() {
    let (client, connections) = silent(Options::default()).await;
    let unwrap = || client.webhooks().unwrap(signed(SECRET, "{}"), "{}");
    for number in 1..=2 {
        let error = unwrap().request_timeout(Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        let connected = async {
            while connections.load(SeqCst) < number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), connected).await.unwrap();
    }
}

#[tokio::test]
async fn the_timeout_of_a_webhook_includes_the_wait_for_another() {
    let (client, connections) = silent(Options::default()).await;
    let unwrap = || client.webhooks().unwrap(signed(SECRET, "{}"), "{}");
    let second = unwrap().request_timeout(Duration::from_secs(1)).into_future();
    let error = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::select! {
            biased;
            event = unwrap().into_future() => event,
            event = second => event,
        }
    });
    let error = error.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.message().contains("another webhook"), "{error}");
    eventually("a connection", || connections.load(SeqCst) > 0).await;
    assert_eq!(connections.load(SeqCst), 1);
}
