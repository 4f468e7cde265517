//! Error messages and fields.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeSet,
    error::Error as _,
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use replicant::{Client, Error, ErrorKind, Options, Value, json, operation};
use replicant_emulator::{Config, Emulator};
use support::{
    http2::{self, Http2, end, endless_head, head, tls_file},
    play, quick, settled, shared, temporary_folder,
};

fn client_of(emulator: &Emulator) -> Client {
    Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() }).unwrap()
}

async fn error_of(client: &Client, operation: &str, params: serde_json::Value) -> Error {
    operation::call(client, operation, params.into(), None).await.unwrap_err()
}

#[tokio::test]
async fn an_unknown_option_is_reported_with_a_suggestion() {
    let client = Client::new(Options::default()).unwrap();
    for (given, advice) in [
        ("inputs", "did you mean `input`?"),
        ("webhook_event_filter", "did you mean `webhook_events_filter`?"),
        ("webhookEventsFilter", "did you mean `webhook_events_filter`?"),
        ("prompt", "options of the model belong in `input`"),
    ] {
        for (operation, params) in [
            ("run", json!({"ref": "acme/text", given: {}})),
            ("predictions.create", json!({"model": "acme/text", given: {}})),
            ("models.predictions.create", json!({"owner": "acme/text", given: {}})),
        ] {
            let error = error_of(&client, operation, params).await;
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert_eq!(error.message(), format!("{operation}: unknown option `{given}`; {advice}"));
        }
    }
    let of_request = "`timeout`, `max_retries`, `headers` and `query`";
    for (operation, given, advice) in [
        ("predictions.get", "maxRetry", "did you mean `max_retries`?".to_owned()),
        ("account.get", "timeot", "did you mean `timeout`?".to_owned()),
        ("account.get", "flavour", format!("expected one of {of_request}")),
        ("predictions.cancel", "max_retries", "pass it in `request_options`".to_owned()),
        ("predictions.cancel", "maxRetries", "pass it in `request_options`".to_owned()),
        ("predictions.create", "on_abandon", "it is an option of `run`, `stream` and `map`".to_owned()),
        ("predictions.wait", "on_abandon", "it is an option of `run`, `stream` and `map`".to_owned()),
        ("submit", "save_to", "it is an option of `map`".to_owned()),
        (
            "trainings.create",
            "wait",
            "it is an option of `run`, `stream`, `map` and creates of predictions".to_owned(),
        ),
    ] {
        let error = error_of(&client, operation, json!({given: 1})).await;
        assert_eq!(error.message(), format!("{operation}: unknown option `{given}`; {advice}"));
    }
    let error = Options::from_value(json!({"api_key": "r8_secret"}).into()).unwrap_err();
    assert_eq!(error.message(), "options: unknown option `api_key`; did you mean `token`?");
    let error = error_of(&client, "run", json!({"ref": "acme/text", "wait": "soon"})).await;
    assert!(error.message().starts_with("run: `wait` must be true, false, a number of seconds"), "{error}");
}

#[tokio::test]
async fn every_operation_rejects_unknown_parameters() {
    let client = Client::new(Options::default()).unwrap();
    let params = || -> Value { json!({"request_options": {}, "zzz": 1, "id": "a", "owner": "a/b"}).into() };
    for name in operation::OPERATIONS {
        let error = operation::call(&client, name, params(), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error}");
        assert!(!error.message().contains("must be"), "{name}: {error}");
    }
    for name in operation::STREAMS {
        let error = operation::open(&client, name, params()).next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error}");
    }
}

#[tokio::test]
async fn argument_errors_have_the_argument_as_a_field() {
    let client = Client::new(Options::default()).unwrap();
    for (operation, params, argument) in [
        ("run", json!({"ref": "acme/text", "wiat": 5}), "wiat"),
        ("run", json!({"ref": "acme/text", "timeout": -1}), "timeout"),
        ("run", json!({"ref": "acme/text", "request_options": {"headers": {"x": 5}}}), "headers.x"),
        ("predictions.create", json!({"version": "5c7d", "webhook": "ftp://x"}), "webhook"),
        ("predictions.wait", json!({"id": "p1", "since": {}}), "since"),
        ("predictions.wait", json!({"id": "p1", "use_file_output": true}), "use_file_output"),
        ("predictions.result", json!({"id": "p1", "raise": false}), "raise"),
        ("predictions.result", json!({"id": "p1", "since": {}}), "since"),
        ("predictions.get", json!({"id": ""}), "id"),
        ("predictions.get", json!({}), "id"),
        ("deployments.update", json!({"owner": "a/b", "min_instance": 1}), "min_instance"),
    ] {
        let error = error_of(&client, operation, params).await;
        assert_eq!(error.argument(), Some(argument), "{error}");
        assert!(error.message().contains(&format!("`{argument}`")), "{error}");
    }
    for argument in ["raise", "raise_failed"] {
        let params = json!({"id": "p1", argument: true}).into();
        let error = operation::open(&client, "predictions.watch", params).next().await.unwrap().unwrap_err();
        assert_eq!(error.argument(), Some(argument), "{error}");
    }
}

#[test]
fn text_of_the_user_is_an_invalid_argument() {
    let parse = |text: &[u8]| -> replicant::Result<Value> { Ok(Value::from_json(text)?) };
    let error = parse(b"{").unwrap_err();
    assert_eq!((error.kind(), error.source().is_some()), (ErrorKind::InvalidArgument, true), "{error}");
    let write = |value: Value| -> replicant::Result<Vec<u8>> { Ok(value.to_json()?) };
    let error = write(Value::Bytes("x".into())).unwrap_err();
    assert_eq!((error.kind(), error.source().is_some()), (ErrorKind::InvalidArgument, true), "{error}");
}

#[tokio::test]
async fn a_response_without_json_is_an_invalid_response() {
    let reply = r#"[{"expect": {}, "reply": {"text": "<html>"}, "times": "any"}]"#;
    let (_emulator, _script, client) = play(reply, Options { max_retries: Some(0), ..Options::default() });
    let error = client.predictions().get("p1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
    let params = || json!({"id": "p1"}).into();
    let error = operation::call(&client, "predictions.get", params(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
    let error = operation::call_as_text(&client, "predictions.get", params(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
}

#[tokio::test]
async fn a_prediction_is_accepted_as_an_id_but_not_as_a_model() {
    let prediction = json!({"id": "p1", "status": "starting", "urls": {}});
    let exchanges = r#"[{"expect": {"path": "/v1/predictions/p1"}, "reply": {"json": {"id": "p1"}}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    operation::call(&client, "predictions.get", json!({"id": prediction}).into(), None).await.unwrap();
    assert!(script.problems().is_empty(), "{:?}", script.problems());
    let error = error_of(&client, "run", json!({"ref": prediction})).await;
    assert_eq!(
        error.message(),
        "run: `ref` must name a model, and this is a prediction; did you mean `predictions.wait(prediction)`?"
    );
    let version = json!({"id": "p1", "status": "starting", "version": "5c7d"});
    for (operation, params) in
        [("run", json!({"ref": version})), ("predictions.create", json!({"version": version}))]
    {
        let error = error_of(&client, operation, params).await;
        assert!(error.message().contains("must name a model, and this is a prediction"), "{error}");
    }
    let error = error_of(&client, "predictions.get", json!({"id": 5})).await;
    assert_eq!(
        error.message(),
        "predictions.get: `id` must be an id or an object with an `id`, not a number"
    );
}

#[tokio::test]
async fn parameters_that_only_bindings_pass_are_not_suggested() {
    let client = Client::new(Options::default()).unwrap();
    let error = error_of(&client, "run", json!({"ref": "acme/text", "lives": true})).await;
    assert_eq!(error.message(), "run: unknown option `lives`; options of the model belong in `input`");
    let params = json!({"ref": "acme/text", "totals": 5}).into();
    let error = operation::open(&client, "map", params).next().await.unwrap().unwrap_err();
    assert!(error.message().contains("`totals`; expected one of `ref`, `concurrency`"), "{error}");
}

#[test]
fn invalid_client_options_are_explained() {
    let error_of =
        |options: Value| Options::from_value(options).and_then(Client::new).unwrap_err().to_string();
    for token in ["r8_a b", "r8_a\nb", "\"r8_a b\""] {
        let message = error_of(json!({"token": token}).into());
        assert!(message.starts_with("the API token contains invalid characters"), "{message}");
        assert!(!message.contains("r8_"), "{message}");
    }
    assert_eq!(
        error_of(json!({"timeout": -1}).into()),
        "options: `timeout` must be a non-negative, finite number of seconds"
    );
}

#[tokio::test]
async fn messages_state_the_cause_the_request_and_a_remedy() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = client_of(&emulator);
    let error = client.models().get("acme", "none").await.unwrap_err();
    let expected = format!("GET {}/models/acme/none failed with status 404 Not Found.", emulator.base_url());
    assert!(error.message().ends_with(&expected) && !error.message().starts_with("GET"), "{error}");
    let fields = error.to_value();
    assert_eq!(fields["status_text"], "Not Found");
    let error = client.run("acme/none", json!({})).await.unwrap_err();
    let hint = error.to_value()["hint"].to_string();
    assert!(hint.starts_with("Only official models run without a version"), "{hint}");
    assert!(error.message().ends_with(&hint), "{error}");
}

#[tokio::test]
async fn a_rejected_local_path_is_explained() {
    let folder = temporary_folder();
    let name = folder.path().join("heron.png").to_string_lossy().into_owned();
    std::fs::write(&name, "pixels").unwrap();
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = client_of(&emulator);
    let model = client.models().get("nightmareai", "real-esrgan").await.unwrap();
    let reference = format!("nightmareai/real-esrgan:{}", model.latest_version.unwrap().id);
    let run = |image: &str| client.run(&reference, json!({"image": image}));
    let error = run(&name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unprocessable, "{error:?}");
    let hint = format!("to upload the file {name:?} as `input.image`, pass `Path({name:?})` in Python");
    assert!(error.message().contains(&hint), "{error}");
    let error = run("no such file").await.unwrap_err();
    assert!(!error.message().contains("Path("), "{error}");
    // The field without its prefix begins with that word.
    let refused = r#"[{"expect": {}, "reply": {"status": 422, "json": {"detail": "- input_image: Does not match format 'uri'"}}}]"#;
    let (_emulator, _script, client) = play(refused, Options::default());
    let error = client.run("acme/text", json!({"input_image": name})).await.unwrap_err();
    assert!(error.message().contains("as `input.input_image`"), "{error}");
}

async fn error_through(proxy: String) -> Error {
    let base_url = Some("https://api.example/v1".to_owned());
    let options = Options { proxy: Some(proxy), base_url, max_retries: Some(0), ..Options::default() };
    Client::new(options).unwrap().account().await.unwrap_err()
}

#[tokio::test]
async fn a_url_that_is_too_long_is_not_sent() {
    let id = "a".repeat(70_000);
    let created = json!({"status": 201, "json": {"id": id, "status": "starting"}});
    let exchanges = json!([{"expect": {"method": "POST"}, "reply": created}]);
    let (_emulator, script, client) = play(&exchanges.to_string(), quick());
    for error in [
        client.predictions().get(&id).await.unwrap_err(),
        client.run("acme/text", json!({})).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
        assert_eq!(error.message(), "the URL of the request to 127.0.0.1 is too long.");
    }
    settled(&script).await;
}

#[tokio::test]
async fn a_proxy_failure_names_the_proxy_without_its_password() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = error_through(format!("http://user:secret@{closed}")).await;
    assert_eq!(error.kind(), ErrorKind::Connection);
    let message = error.message();
    assert!(message.starts_with(&format!("cannot connect to the proxy http://{closed}: ")), "{message}");
    assert!(message.contains("`proxy`") && message.contains("HTTPS_PROXY"), "{message}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let _ = connection.read(&mut [0; 1024]).unwrap();
        connection.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let error = error_through(format!("http://{proxy}")).await;
    server.join().unwrap();
    let expected = format!(
        "the proxy http://{proxy} did not connect to api.example: it did not respond with status 200."
    );
    assert!(error.message().starts_with(&expected), "{error}");

    let error = error_through(format!("socks5h://{closed}")).await;
    let expected = format!("cannot connect to the proxy socks5h://{closed}: ");
    assert!(error.message().starts_with(&expected), "{error}");
}

/// Sends a request through a proxy that sends `response` and closes the connection, and returns the error and the number of
/// connections.
async fn error_of_proxy(scheme: &'static str, base_url: &str, response: &'static [u8]) -> (Error, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("{scheme}://user:secret@{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = accepted.clone();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map(Result::unwrap) {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = connection.read(&mut [0; 1024]).unwrap();
            connection.write_all(response).unwrap();
            if scheme == "socks5" {
                let _ = connection.read(&mut [0; 1024]).unwrap();
                connection.write_all(b"\x01\x01").unwrap();
            }
        }
    });
    let options =
        Options { proxy: Some(proxy), base_url: Some(base_url.to_owned()), max_retries: Some(1), ..quick() };
    let error = Client::new(options).unwrap().account().await.unwrap_err();
    let text = format!("{error:?}");
    assert!(!text.contains("secret"), "{text}");
    (error, accepted.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_proxy_that_requires_other_credentials_is_named_and_not_asked_again() {
    const REQUIRED: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    for (scheme, base_url, response) in [
        ("http", "http://api.example/v1", REQUIRED),
        ("http", "https://api.example/v1", REQUIRED),
        ("socks5", "http://127.0.0.1:1/v1", b"\x05\x02"),
    ] {
        let (error, connections) = error_of_proxy(scheme, base_url, response).await;
        assert_eq!(error.kind(), ErrorKind::Connection, "{base_url}: {error:?}");
        let message = error.message();
        assert!(message.starts_with(&format!("the proxy {scheme}://127.0.0.1:")), "{message}");
        assert!(message.contains("credentials in the `proxy` option"), "{message}");
        assert_eq!(connections, 1, "{message}");
    }
    // No proxy reads this request, so the status is that of the server.
    let (_emulator, _script, client) =
        play(r#"[{"expect": {}, "reply": {"status": 407}}]"#, Options::default());
    assert_eq!(client.account().await.unwrap_err().status(), Some(407));
}

#[tokio::test]
async fn a_proxy_that_breaks_the_connection_is_named() {
    for response in [&b""[..], b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let (error, connections) = error_of_proxy("http", "http://api.example/v1", response).await;
        let message = error.message();
        assert!(message.starts_with("the connection to the proxy http://127.0.0.1:"), "{message}");
        assert_eq!(connections, 2, "{message}");
    }
}

#[tokio::test]
async fn a_tunnel_that_is_not_made_in_time_names_the_host_and_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let options = Options {
        proxy: Some(proxy.clone()),
        base_url: Some("https://api.example/v1".to_owned()),
        connect_timeout: Some(Duration::from_secs(2)),
        max_retries: Some(0),
        ..Options::default()
    };
    let error = Client::new(options).unwrap().account().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    let expected = format!("cannot connect to api.example through the proxy {proxy}: ");
    assert!(error.message().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn too_many_headers_over_http1_are_an_error_that_says_so() {
    let response = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(150)).leak();
    let (error, connections) = error_of_proxy("http", "http://api.example/v1", response.as_bytes()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error:?}");
    assert_eq!(error.message(), "the headers of the response from api.example are too many or too long.");
    assert_eq!(connections, 1, "nothing is retried");
}

#[tokio::test]
async fn headers_over_http2_have_the_limit_of_those_over_http1() {
    let account = r#"{"type": "user", "username": "acme"}"#;
    let (accepted, refused) = ("y".repeat(300_000), "y".repeat(450_000));
    let server = Http2::start(
        http2::tls("server", None),
        vec![[head(&[("x", &accepted)]), vec![end(account)]].concat()],
    );
    let client = Client::new(server.options()).unwrap();
    assert_eq!(client.account().await.unwrap().username, "acme");

    let (endless, many) = (refused.repeat(9), vec![("x", &refused[..50]); 20_000]);
    for reply in [head(&[("x", &refused)]), head(&[("x", &endless)]), head(&many), endless_head()] {
        let server = Http2::start(http2::tls("server", None), vec![reply]);
        let client = Client::new(server.options()).unwrap();
        let read = client.account().await.unwrap_err();
        let created = client.predictions().create("acme/text", json!({})).await.unwrap_err();
        for (error, unknown) in [(read, false), (created, true)] {
            assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error:?}");
            let message = error.message();
            assert!(message.contains("the headers of the response from 127.0.0.1 are too many"), "{message}");
            assert_eq!(error.outcome_unknown(), unknown, "{message}");
        }
        assert_eq!(server.requests(), 2, "nothing is retried");
    }
}

#[tokio::test]
async fn a_rejected_certificate_is_explained() {
    let error_of = async |server: &Http2, options: Options| {
        let options = Options { base_url: Some(server.url()), ..options };
        Client::new(options).unwrap().account().await.unwrap_err().message().to_owned()
    };
    let server = Http2::start(http2::tls("self-signed", None), vec![Vec::new()]);
    let message = error_of(&server, Options::default()).await;
    // The verifier of Windows does not mind that it is one.
    let problem = if cfg!(windows) { "has an unknown issuer" } else { "is a CA certificate" };
    assert!(message.contains(problem), "{message}");
    assert!(message.contains("pass its certificate as `ca_bundle`"), "{message}");

    let server = Http2::start(http2::tls("server", Some("self-signed.pem")), vec![Vec::new()]);
    let message = error_of(&server, server.options()).await;
    assert!(message.contains("pass yours as `client_cert`"), "{message}");
    let client_cert = Some(tls_file("client-and-key.pem"));
    let message = error_of(&server, Options { client_cert, ..server.options() }).await;
    assert!(message.contains("rejected the certificate that was passed as `client_cert`"), "{message}");
}

#[tokio::test]
async fn endless_and_deeply_nested_responses_are_errors() {
    let deep = format!(r#"{{"text": "{}"}}"#, "[".repeat(100_000));
    let huge = r#"{"status": 400, "repeat": {"byte": 120, "length": 50000000}}"#.to_owned();
    let declared =
        r#"{"status": 422, "text": "{\"detail\": \"no\"}", "content_length": 99999999}"#.to_owned();
    for reply in [deep, huge, declared] {
        let exchanges = format!(r#"[{{"expect": {{}}, "reply": {reply}}}]"#);
        let (_emulator, _script, client) = play(&exchanges, Options::default());
        let started = Instant::now();
        let error = client.account().await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(10));
        assert!(error.response().unwrap().body.len() <= 64 * 1024 + 3, "{}", error.kind().code());
        assert!(error.message().len() < 2000);
    }
}

#[test]
fn error_codes_match_the_shared_list() {
    let listed: BTreeSet<String> =
        shared("errors.json").as_array().unwrap().iter().map(|entry| entry["code"].to_string()).collect();
    let known: BTreeSet<String> = ErrorKind::ALL.iter().map(|kind| kind.code().to_owned()).collect();
    assert_eq!(listed, known);
}
