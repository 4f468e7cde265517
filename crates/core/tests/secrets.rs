//! The token and other secrets reach neither another origin nor an error.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{TryStreamExt, future::join_all};
use replicant::{
    BoxFuture, Client, Error, ErrorKind, Options, Result, Value,
    hooks::{Hooks, RetryEvent},
    json, operation,
    transport::{HttpRequest, HttpResponse, Transport},
};
use replicant_emulator::{Config, Emulator};
use support::{CANCEL, fast, play, quick, settled};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::Field,
    span::{Attributes, Id, Record},
};

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

#[test]
fn calls_can_be_shown_without_their_headers() {
    let client = Client::new(Options::default()).unwrap();
    let (name, header) = ("authorization", "Bearer hunter2");
    let transport = replicant::native::HttpTransport::new(Default::default()).unwrap();
    let proxy = Some("http://me:hunter2@proxy.example".into());
    let proxied = replicant::native::HttpOptions { proxy, ..Default::default() };
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {transport:?} {proxied:?}",
        client.predictions().get("p1").header(name, header),
        client.predictions().list().header(name, header),
        client.predictions().create("acme/text", json!({})).header(name, header),
        client.trainings().create("acme", "text", "5c7d", "acme/mine", json!({})).header(name, header),
        client.files().create(replicant::File::bytes("x")).header(name, header),
        client.submit("acme/text", json!({})).header(name, header),
        client.handle("p1").result().header(name, header),
        client.handle("p1").events().header(name, header),
        client.save_all("https://x.example/a.png", "out").header(name, header),
        (replicant::background::Tasks::default(), replicant::transport::HttpBody::Bytes("hunter2".into())),
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn calls_can_be_shown_without_their_inputs_and_the_urls_of_their_webhooks() {
    let client = Client::new(Options::default()).unwrap();
    let (url, input) =
        ("https://me:hunter2@hooks.example/?secret=hunter2", || json!({"hf_token": "hunter2"}));
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        client.run("acme/text", input()).webhook(url),
        client.stream("acme/text", input()).webhook(url),
        client.submit("acme/text", input()).webhook(url),
        client.predictions().create("acme/text", input()).webhook(url),
        client.trainings().create("acme", "text", "5c7d", "acme/mine", input()).webhook(url),
        client.map("acme/text", futures_util::stream::iter([input()])).webhook(url),
    );
    assert!(shown.contains("acme/mine") && !shown.contains("hunter2"), "{shown}");
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
async fn errors_redact_a_token_that_a_model_echoes() {
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "starting", "logs": "r8_secret",
        "urls": {"stream": "{{origin}}/s"}}}}"#;
    let poll = |reply: &str| {
        format!(
            r#"{{"expect": {{"method": "GET", "path": "/v1/predictions/p1"}}, "reply": {reply}, "times": "any"}}"#
        )
    };
    let seen = |status: &str| {
        poll(&format!(
            r#"{{"json": {{"id": "p1", "status": "{status}", "error": "r8_secret", "output": null, "data_removed": true, "logs": ["r8_secret"], "input": {{"a": "r8_secret"}}}}}}"#
        ))
    };
    let events = |sse: &str| {
        format!(
            r#"{{"expect": {{"path": "/s"}}, "reply": {{"sse": "event: output\\ndata: r8_secret\\n\\n{sse}"}}, "times": "any"}}"#
        )
    };
    let gone = poll(r#"{"status": 404, "json": {}}"#);
    let minute = Duration::from_secs(60);
    for (what, exchanges) in [
        ("run", [seen("failed"), String::new()]),
        ("run", [seen("processing"), String::new()]),
        ("run", [gone.clone(), String::new()]),
        ("wait", [seen("processing"), String::new()]),
        ("result", [seen("succeeded"), String::new()]),
        ("stream", [events(""), seen("processing")]),
        ("stream", [events("event: error\\ndata: r8_secret\\n\\n"), seen("failed")]),
        ("stream", [events("data: "), gone]),
    ] {
        let exchanges: Vec<_> = exchanges.into_iter().filter(|exchange| !exchange.is_empty()).collect();
        let create = if ["wait", "result"].contains(&what) { Vec::new() } else { vec![created.to_owned()] };
        let cancel = CANCEL.replacen('{', r#"{"times": "any", "#, 1);
        let exchanges = [create, exchanges, vec![cancel]].concat().join(", ");
        let (_emulator, _script, client) = play(&format!("[{exchanges}]"), quick());
        let error = match what {
            "run" => client.run("acme/text", json!({})).timeout(minute).await.unwrap_err(),
            "wait" => client.predictions().wait("p1").timeout(minute).await.unwrap_err(),
            "result" => client.handle("p1").result().await.unwrap_err(),
            _ => {
                let events = client.stream("acme/text", json!({})).await.unwrap();
                events.try_collect::<Vec<_>>().await.unwrap_err()
            }
        };
        let shown = format!("{error} {error:?} {:?} {:?}", error.to_value(), error.prediction());
        assert!(error.prediction().is_some() && shown.contains("***"), "{shown}");
        assert_eq!(error.partial().is_some(), what == "stream", "{shown}");
        assert!(!shown.contains("r8_secret"), "{what}: {shown}");
        replicant::background::drain(Duration::from_secs(20)).await;
    }
}

/// Keeps the messages of retries.
struct Retries(Arc<Mutex<Vec<String>>>);

impl Hooks for Retries {
    fn on_retry(&self, retry: RetryEvent) -> BoxFuture<'static, Result<()>> {
        self.0.lock().unwrap().push(retry.message);
        Box::pin(async { Ok(()) })
    }
}

/// Fails with an error that quotes the request.
struct Quoting;

impl Transport for Quoting {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let error = Error::new(ErrorKind::Connection, format!("cannot send {:?}", request.headers));
        Box::pin(async move { Err(error) })
    }
}

#[tokio::test]
async fn hooks_and_logs_of_a_retry_redact_an_echoed_token() {
    let echo = r#"[{"expect": {}, "reply": {"status": 503, "json": {"detail": "no: Bearer r8_secret"}}, "times": 2}]"#;
    for transport in [None, Some(Arc::new(Quoting) as Arc<dyn Transport>)] {
        let (messages, logs) = (Arc::default(), Logs::of(Level::DEBUG));
        let hooks = Some(Arc::new(Retries(Arc::clone(&messages))) as Arc<dyn Hooks>);
        let options = Options { hooks, transport, max_retries: Some(1), ..quick() };
        let (_emulator, _script, client) = play(echo, options);
        let guard = tracing::subscriber::set_default(logs.clone());
        client.account().await.unwrap_err();
        drop(guard);
        let (messages, texts) = (messages.lock().unwrap().join("\n"), logs.texts().join("\n"));
        assert!(messages.contains("Bearer ***"), "{messages}");
        assert!(texts.contains("retrying request") && !(messages + &texts).contains("r8_secret"), "{texts}");
    }
}

#[test]
fn a_blank_token_is_not_replaced_by_that_of_the_environment() {
    // In a process of its own, because the variables of this one are those of all tests.
    if std::env::var("REPLICATE_API_TOKEN").as_deref() != Ok("r8_variable") {
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        process
            .args(["--exact", "a_blank_token_is_not_replaced_by_that_of_the_environment"])
            .env("REPLICATE_API_TOKEN", "r8_variable");
        assert!(process.status().unwrap().success());
        return;
    }
    for (token, has_token) in [(None, true), (Some(""), false), (Some(" \n"), false)] {
        let client = Client::new(Options { token: token.map(Into::into), ..Options::default() }).unwrap();
        assert_eq!(client.describe()["has_token"], Value::Bool(has_token), "{token:?}");
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

#[test]
fn a_token_over_plain_http_causes_a_warning_or_is_refused() {
    let client = |base_url: &str, proxy: Option<&str>, token: Option<&str>, require_https: bool| {
        Client::new(Options {
            base_url: Some(base_url.into()),
            proxy: proxy.map(Into::into),
            token: token.map(Into::into),
            require_https: Some(require_https),
            ..Options::default()
        })
    };
    let proxy = Some("http://proxy.example:3128");
    for (base_url, proxy, reader) in [
        ("http://api.internal:8080", None, "api.internal"),
        ("http://api.internal:8080", proxy, "api.internal"),
        ("http://127.0.0.1:3000", proxy, "the proxy proxy.example"),
    ] {
        let warned = client(base_url, proxy, Some("r8_secret"), false).unwrap();
        let [warning] = warned.warnings() else { panic!("{:?}", warned.warnings()) };
        let start = format!("The API token is sent unencrypted to {reader}: ");
        assert!(warning.starts_with(&start) && !warning.contains("r8_secret"), "{warning}");
        let error = client(base_url, proxy, Some("r8_secret"), true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().starts_with("`base_url` must begin with https://"), "{error}");
        assert!(client(base_url, proxy, Some(""), false).unwrap().warnings().is_empty());
    }
    for (base_url, proxy) in [("http://localhost:3000", None), ("https://api.replicate.com", proxy)] {
        assert!(client(base_url, proxy, Some("r8_secret"), true).unwrap().warnings().is_empty());
    }
}

/// Keeps the text of logs.
#[derive(Clone)]
struct Logs {
    level: Level,
    texts: Arc<Mutex<Vec<String>>>,
}

impl Logs {
    fn of(level: Level) -> Self {
        Self { level, texts: Arc::default() }
    }

    fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }
}

impl Subscriber for Logs {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level && metadata.target() == "replicant"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut |field: &Field, value: &dyn std::fmt::Debug| {
            text.push_str(&format!("{}={value:?} ", field.name()));
        });
        self.texts.lock().unwrap().push(text);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_token_that_is_sent_unencrypted_is_reported_once_per_client_with_the_host() {
    let warnings = Logs::of(Level::WARN);
    tracing::subscriber::with_default(warnings.clone(), || {
        let client = |base_url: &str, proxy: Option<&str>| {
            let options = Options {
                token: Some("r8_secret".into()),
                base_url: Some(base_url.to_owned()),
                proxy: proxy.map(str::to_owned),
                ..Options::default()
            };
            Client::new(options).unwrap()
        };
        let first = client("http://api.internal:8080", None);
        // These are the same client.
        drop((first.clone(), first.predictions()));
        client("http://api.internal:8080", None);
        client("http://127.0.0.1:1", Some("http://proxy.example:3128"));
        client("http://localhost:1", None);
        client("https://api.internal", None);
    });
    let warnings = warnings.texts();
    let read_by = ["to api.internal:", "to api.internal:", "to the proxy proxy.example:"];
    assert_eq!(warnings.len(), read_by.len(), "{warnings:?}");
    for (warning, host) in warnings.iter().zip(read_by) {
        assert!(warning.contains(host) && !warning.contains("r8_secret"), "{warning}");
    }
}

#[tokio::test]
async fn logs_quote_no_list_that_fails() {
    // The clocks of the client and of the emulator run this much faster than real time.
    const RATE: f64 = 20.0;
    for action in
        [r#"{"status": 404, "json": {"detail": "hunter2"}}"#, r#"{"status": 200, "text": "hunter2"}"#]
    {
        let emulator = Emulator::start(Config { time_scale: 1.0 / RATE, ..Config::default() }).unwrap();
        let rule =
            format!(r#"{{"match": {{"operation": "predictions.list"}}, "times": 0, "action": {action}}}"#);
        emulator.add_faults(&rule).unwrap();
        let options =
            Options { base_url: Some(emulator.base_url()), token: Some("r8_secret".into()), ..fast(RATE) };
        let client = Client::new(options).unwrap();
        let logs = Logs::of(Level::DEBUG);
        let guard = tracing::subscriber::set_default(logs.clone());
        // So many that they share lists.
        let run = || client.run("emulator/echo", json!({"value": 1, "delay": 200})).wait(0).into_future();
        assert!(join_all((0..64).map(|_| run())).await.iter().all(Result::is_ok));
        drop(guard);
        let text = logs.texts().join("\n");
        assert!(text.contains("a list of predictions failed"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_token_is_overwritten_when_the_client_is_dropped() {
    // Kept in reverse, so that only the client has it in this order.
    let reversed: Vec<u8> = (0..40).map(|_| fastrand::alphanumeric() as u8).collect();
    let token = || {
        let mut token = String::with_capacity(40);
        reversed.iter().rev().for_each(|byte| token.push(char::from(*byte)));
        token
    };
    let mut options = Value::object();
    options["token"] = token().into();
    let clients = [
        Client::new(Options { token: Some(token().into()), ..Options::default() }).unwrap(),
        Client::new(Options::from_value(options).unwrap()).unwrap(),
    ];
    // An allocator may use the beginning of freed memory, so only the end of the token is searched.
    assert!(copies_in_memory(&reversed[..20]) >= 2);
    drop(clients);
    assert_eq!(copies_in_memory(&reversed[..20]), 0);
}

/// Counts the places in the memory of this process that hold the reverse of `reversed`.
#[cfg(target_os = "linux")]
fn copies_in_memory(reversed: &[u8]) -> usize {
    use std::os::unix::fs::FileExt;

    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut copies = 0;
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        // In pieces that overlap, through a small buffer: it lies in the memory that is read.
        for at in (start..end).step_by(4096) {
            let mut piece = [0; 4096 + 64];
            let length = piece.len().min((end - at) as usize);
            if memory.read_exact_at(&mut piece[..length], at).is_err() {
                continue;
            }
            let found = |from: &usize| piece[*from..].iter().take(reversed.len()).eq(reversed.iter().rev());
            let begins = (0..4096.min(length)).filter(|from| piece[*from] == reversed[reversed.len() - 1]);
            copies += begins.filter(found).count();
            std::hint::black_box(&mut piece).fill(0);
        }
    }
    copies
}
