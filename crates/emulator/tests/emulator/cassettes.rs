//! Recording and replaying the API, here another emulator.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::common::{Api, LLAMA, SDXL, api, seconds, status_and_body, with};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};
use replicant_emulator::{Config, Definition, Emulator, Scripted};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const TOKEN: &str = "r8_0123456789abcdefghijklmnopqrstuvwxyzABC";

/// Returns a folder that does not exist.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cassettes").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn recorder(folder: &Path, upstreams: &[&str]) -> Api {
    let upstreams = upstreams.iter().map(|upstream| (*upstream).to_owned()).collect();
    with(Config { record: Some(folder.into()), upstreams, ..Config::default() })
}

fn player(folder: &Path) -> Api {
    with(Config { replay: Some(folder.into()), ..Config::default() })
}

/// Returns the texts of all files of a cassette, by name.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                    let text = std::fs::read(&path).expect("a file");
                    files.push((name, String::from_utf8_lossy(&text).into_owned()));
                }
            }
        }
    }
    files.sort();
    files
}

/// Uses the API as a client does, and returns what it got, without the origin.
async fn session(api: &Api) -> Vec<Value> {
    let mut got = Vec::new();
    let send = async |request: reqwest::RequestBuilder| {
        let response = request.bearer_auth(TOKEN).send().await.expect("sent");
        let kind = response.headers()[header::CONTENT_TYPE].to_str().expect("text").to_owned();
        let (status, body) = status_and_body(response).await;
        assert!(status < 300, "{body}");
        (kind, body)
    };
    let form = || Form::new().part("content", Part::bytes(&b"\xff\x00"[..]).file_name("a.bin"));
    let (_, upload) = send(api.request("POST", "/files").multipart(form().text("metadata", "{}"))).await;
    let input = json!({"value": upload["urls"]["get"], "note": "a & b", "big": 1e3});
    let create = api.request("POST", "/models/emulator/echo/predictions").json(&json!({ "input": input }));
    let (_, created) = send(create).await;
    got.extend([upload, created.clone()]);
    let url = created["urls"]["get"].as_str().expect("a URL");
    assert!(url.starts_with(api.emulator.origin()), "{url}");
    for _ in 0..200 {
        let (_, read) = send(api.request("GET", url)).await;
        let status = read["status"].clone();
        got.push(read);
        if status == "succeeded" {
            break;
        }
        tokio::time::sleep(seconds(0.01)).await;
    }
    got.dedup();
    let text = api.request("POST", LLAMA).json(&json!({"input": {"prompt": "a heron"}}));
    let (_, text) = send(text).await;
    let (kind, events) = send(api.request("GET", text["urls"]["stream"].as_str().expect("a URL"))).await;
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    assert!(events.as_str().is_some_and(|events| events.ends_with("event: done\ndata: {}\n\n")), "{events}");
    let image =
        json!({"version": SDXL, "input": {"prompt": "a heron", "seed": 1, "width": 64, "height": 64}});
    let image = api.request("POST", "/predictions").header("prefer", "wait").json(&image);
    let (_, image) = send(image).await;
    let (kind, picture) = send(api.request("GET", image["output"][0].as_str().expect("a URL"))).await;
    assert_eq!(kind, "image/png");
    got.extend([text, events.as_str().expect("text").replace(": hi\n\n", "").into(), image, picture]);
    let local = api.emulator.origin();
    got.into_iter()
        .map(|value| serde_json::from_str(&value.to_string().replace(local, "ORIGIN")).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn a_recorded_session_is_replayed_without_the_api() {
    let upstream = with(Config { token: Some(TOKEN.into()), ..Config::default() });
    let folder = folder("session");
    let recorded = session(&recorder(&folder, &[upstream.emulator.origin()])).await;
    upstream.emulator.stop();
    let replayed = session(&player(&folder)).await;
    assert_eq!(replayed, recorded);
    let files = files(&folder);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    for name in
        ["0001-post-v1-files.json", "0001-a.bin", "0002-post-v1-models-emulator-echo-predictions.json"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    for (name, text) in &files {
        assert!(!text.contains(TOKEN) && !text.contains("authorization"), "{name}: {text}");
        assert!(!text.contains("127.0.0.1"), "{name}: {text}");
    }
}

#[tokio::test]
async fn a_cassette_has_no_secrets() {
    let upstream = api();
    let folder = folder("secrets");
    let recorder = recorder(&folder, &[upstream.emulator.origin()]);
    let value = json!({
        "prompt": format!("my token is {TOKEN}"),
        "hf_token": "hf_abcdef",
        "image": "https://bucket.example/a.png?X-Amz-Signature=abcdef&size=2",
    });
    let create = async |api: &Api| {
        let body = json!({"input": {"value": value}, "webhook": "http://me:pw@127.0.0.1:1/h?secret=abcdef"});
        let request = api.request("POST", "/models/emulator/echo/predictions").json(&body);
        status_and_body(
            request.bearer_auth(TOKEN).header("cookie", "session=abcdef").send().await.expect("sent"),
        )
        .await
    };
    let (status, live) = create(&recorder).await;
    assert_eq!((status, &live["input"]["value"]), (201, &value), "the client gets the response itself");
    let requests = recorder.emulator.requests_json();
    assert!(
        requests.contains("\"authorization\":\"[removed]\"") && !requests.contains("Bearer"),
        "{requests}"
    );
    let (_, secret) = recorder.get("/webhooks/default/secret").await;
    assert_eq!(secret["key"], upstream.emulator.webhook_secret());
    for (name, text) in files(&folder) {
        for secret in [TOKEN, "abcdef", "me:pw", upstream.emulator.webhook_secret()] {
            assert!(!text.contains(secret), "{name} has {secret}: {text}");
        }
    }
    let player = player(&folder);
    assert_eq!(create(&player).await.0, 201, "what was removed is not compared");
    let (_, secret) = player.get("/webhooks/default/secret").await;
    assert_eq!(secret["key"], player.emulator.webhook_secret());
}

/// Returns a text, and the contents of its base64 `data:` URIs.
fn with_contents(text: &str) -> String {
    let mut all = text.to_owned();
    for rest in text.replace("BASE64", "base64").split(";base64,").skip(1) {
        let encoded = rest.split(['"', ')', '\\']).next().unwrap_or_default();
        let content = STANDARD.decode(encoded).expect("base64");
        all += &with_contents(&String::from_utf8_lossy(&content));
    }
    all
}

#[tokio::test]
async fn secrets_are_removed_wherever_they_are() {
    let upstream = api();
    let folder = folder("hidden-secrets");
    let recorder = recorder(&folder, &[upstream.emulator.origin()]);
    let value = json!({
        "secret_key": "abcdef", "private_key": "abcdef", "accessKey": "abcdef", "Authorization": "abcdef",
        "credentials": "abcdef", "openai_key": "sk-abcdef1", "password": 7_391_846,
        "secret": {"value": ["abcdef", {"n": 7_391_846}]},
        "text": "{\"config\": {\"api_key\": \"abcdef\"}}", "note": "use whsec_abcdef.",
        "url": "HTTPS://a.example/?Signature=abcdef", "socket": "wss://u:abcdef@a.example/",
    });
    let session = async |api: &Api, token: &str| {
        let binary = [b"\xff", token.as_bytes(), b"\xfe"].concat();
        for content in [format!("token = {token}").into_bytes(), binary] {
            let form = Form::new().part("content", Part::bytes(content).file_name(format!("{token}.bin")));
            let form = form.text("metadata", r#"{"api_key": "abcdef"}"#);
            let part = Part::text("a").mime_str(&format!("text/{token}")).expect("a type");
            let form = form.part(format!("metadata[{token}]"), part);
            let request = api.request("POST", "/files").multipart(form).bearer_auth(token);
            assert_eq!(request.send().await.expect("sent").status(), 201);
        }
        let chunks = [json!({"hf_token": "hf_abcdef", "x": "whsec_abcdef"}).to_string()];
        let text = api.run("stream", json!({ "chunks": chunks })).await;
        let events = api.request("GET", text["urls"]["stream"].as_str().expect("a URL"));
        let (_, events) = status_and_body(events.send().await.expect("sent")).await;
        api.run("echo", json!({ "value": value })).await;
        let inline = |content: &str| format!("data:text/plain;base64,{}", STANDARD.encode(content));
        let text = inline(&format!("TOKEN={token}\n"));
        let in_strings = |value: Value, times| (0..times).fold(value, |value, _| json!([value.to_string()]));
        let value = json!([
            text,
            inline(&json!({"api_key": "abcdef"}).to_string()),
            format!("![]({text})"),
            text.replace("base64", "BASE64"),
            in_strings(json!([text]), 3),
            (0..4).fold(text.clone(), |text, _| inline(&text)),
            {token: [{format!("{token}-{text}"): 1}]},
        ]);
        let request = api.request("POST", "/models/emulator/echo/predictions").bearer_auth(token);
        let request = request.json(&json!({"input": {"value": value}}));
        assert_eq!(request.send().await.expect("sent").status(), 201);
        events.as_str().expect("text").to_owned()
    };
    assert!(session(&recorder, TOKEN).await.contains("hf_abcdef"), "the client gets the response itself");
    upstream.emulator.stop();
    for (name, text) in files(&folder) {
        let all = format!("{name} {}", with_contents(&text));
        for secret in [TOKEN, "abcdef", "7391846"] {
            assert!(!all.contains(secret), "{name} has {secret}: {all}");
        }
    }
    let events = session(&player(&folder), "another-token").await;
    assert!(events.contains(r#"data: {"hf_token":"[removed]","x":"whsec_"#), "{events}");
}

#[tokio::test]
async fn tokens_of_language_models_are_recorded() {
    let upstream = api();
    let folder = folder("words");
    let output = json!([{"token": "he", "logprob": -1}, {"token": "<|eot_id|>", "logprob": -0.5}]);
    let run = async |api: &Api, end: &str| {
        let request = api.request("POST", "/models/emulator/echo/predictions").header("prefer", "wait");
        let request = request.json(&json!({"input": {"value": output, "eos_token": end}}));
        status_and_body(request.send().await.expect("sent")).await
    };
    run(&recorder(&folder, &[upstream.emulator.origin()]), "</s>").await;
    let player = player(&folder);
    assert_eq!(run(&player, "</s>").await.1["output"], output);
    let (status, problem) = run(&player, "<eos>").await;
    assert!(status == 400 && problem["detail"].as_str().expect("text").contains("eos_token"), "{problem}");
}

#[tokio::test]
async fn keys_that_are_no_secrets_are_compared() {
    let upstream = api();
    let folder = folder("keys");
    let run = async |api: &Api, key: &str| {
        let input = json!({"value": {"file_key": key, "token": "is_valid", "prob": 1.2e-05}});
        api.post("/models/emulator/echo/predictions", json!({ "input": input })).await
    };
    run(&recorder(&folder, &[upstream.emulator.origin()]), "snake_case1").await;
    let player = player(&folder);
    let (status, prediction) = run(&player, "snake_case1").await;
    let value = &prediction["input"]["value"];
    assert_eq!(
        (status, value),
        (201, &json!({"file_key": "snake_case1", "token": "is_valid", "prob": 1.2e-05}))
    );
    let (status, problem) = run(&player, "never_recorded").await;
    assert!(status == 400 && problem["detail"].as_str().expect("text").contains("file_key"), "{problem}");
}

#[tokio::test]
async fn fields_of_encoded_forms_and_lines_of_json_have_no_secrets() {
    let upstream =
        serve(|_| ([(header::CONTENT_TYPE, "application/x-ndjson")], "{\"api_key\":\"abcdef\"}\n{}\n"));
    let folder = folder("forms-and-lines");
    let recorder = recorder(&folder, &[&upstream.await]);
    let send = async |api: &Api, kind: &str, body: &'static str| {
        let request = api.request("POST", "/files").header(header::CONTENT_TYPE, kind).body(body);
        let response = request.send().await.expect("sent");
        (response.status().as_u16(), response.text().await.expect("text"))
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    let (_, live) = send(&recorder, FORM, "api_key=abcdef&a=b%20c").await;
    assert_eq!(live, "{\"api_key\":\"abcdef\"}\n{}\n", "the client gets the response itself");
    send(&recorder, FORM, r#"{"api_key": "abcdef"}"#).await;
    send(&recorder, "application/jsonl", "{\"password\": \"abcdef\"}\n{\"a\": 1}").await;
    for (name, text) in files(&folder) {
        assert!(!text.contains("abcdef"), "{name}: {text}");
    }
    let player = player(&folder);
    let replayed = send(&player, FORM, "api_key=other&a=b+c").await;
    assert_eq!(replayed, (200, "{\"api_key\":\"[removed]\"}\n{}\n".into()));
    assert_eq!(send(&player, FORM, "api_key=other&a=d").await.0, 400);
}

#[tokio::test]
async fn the_secret_of_webhooks_is_replaced_wherever_it_is() {
    let upstream = api();
    let folder = folder("webhook-secret");
    let run = async |api: &Api| {
        let input = json!({"value": {"webhook_secret": api.emulator.webhook_secret()}});
        api.run("echo", input).await["input"]["value"]["webhook_secret"].clone()
    };
    run(&recorder(&folder, &[upstream.emulator.origin()])).await;
    let player = player(&folder);
    assert_eq!(run(&player).await, player.emulator.webhook_secret());
}

#[tokio::test]
async fn signatures_of_azure_are_not_compared() {
    let upstream = api();
    let folder = folder("azure");
    let run = async |api: &Api, query: &str| {
        let url = format!("https://a.blob.core.windows.net/c/a.png?{query}");
        api.post("/models/emulator/echo/predictions", json!({"input": {"value": url}})).await.0
    };
    let signed = |day: u8| {
        format!(
            "v=2&sp=r&st=2026-01-{day}&se=2026-02-{day}&skt=2026-01-{day}&sv=2022-11-02&sr=b&sig=s{day}%3D"
        )
    };
    let recorder = recorder(&folder, &[upstream.emulator.origin()]);
    for query in [&*signed(10), "st=1"] {
        assert_eq!(run(&recorder, query).await, 201);
    }
    let player = player(&folder);
    for (query, status) in [(&*signed(11), 201), ("st=1", 201), ("st=2", 400)] {
        assert_eq!(run(&player, query).await, status, "{query}");
    }
}

#[tokio::test]
async fn a_request_that_was_not_recorded_names_the_closest_one() {
    let upstream = api();
    let folder = folder("closest");
    let recorder = recorder(&folder, &[upstream.emulator.origin()]);
    recorder.run("echo", json!({"value": 1, "text": "a"})).await;
    recorder.run("stream", json!({"chunks": ["a"]})).await;
    recorder.get("/predictions?cursor=a").await;
    let player = player(&folder);
    let path = "/models/emulator/echo/predictions";
    for (method, path, body, detail) in [
        (
            "POST",
            path,
            json!({"input": {"value": 2, "text": "a"}}),
            "has no request POST /v1/models/emulator/echo/predictions. The closest recorded request is \
             0001-post-v1-models-emulator-echo-predictions.json: expected json.input.value = 1, got 2.",
        ),
        (
            "POST",
            "/models/emulator/strem/predictions",
            json!({"input": {"chunks": ["a"]}}),
            "0002-post-v1-models-emulator-stream-predictions.json: expected path \
             /v1/models/emulator/stream/predictions, got /v1/models/emulator/strem/predictions.",
        ),
        ("GET", "/predictions?cursor=b", Value::Null, "expected query cursor=a, got cursor=b"),
        ("DELETE", "/predictions?cursor=a", Value::Null, "expected method GET, got DELETE"),
    ] {
        let mut request = player.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let (status, problem) = status_and_body(request.send().await.expect("sent")).await;
        assert_eq!(status, 400, "clients do not retry it: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(detail)), "{problem}");
    }
    let upload = async |api: &Api, name: &'static str, content: &'static [u8]| {
        let form = Form::new().part("content", Part::bytes(content).file_name(name)).text("metadata", "{}");
        status_and_body(api.request("POST", "/files").multipart(form).send().await.expect("sent")).await
    };
    assert_eq!(upload(&recorder, "blob_1", b"\xff").await.0, 201);
    let player = self::player(&folder);
    assert_eq!(upload(&player, "blob_2", b"\xff").await.0, 201, "npm `replicate` names files by the time");
    let (status, problem) = upload(&player, "blob_1", b"a").await;
    assert_eq!(status, 400);
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("expected form field content to be 1 bytes, got \"a\""), "{detail}");
    let (status, _) = player.post(path, json!({"input": {"text": "a", "value": 1.0}})).await;
    assert_eq!(status, 201, "members have no order, and 1.0 is 1");
}

#[tokio::test]
async fn the_closest_of_several_requests_has_the_most_similar_text() {
    let upstream = api();
    let folder = folder("similar");
    let recorder = recorder(&folder, &[upstream.emulator.origin()]);
    for number in 0..6 {
        recorder.run("echo", json!({"value": format!("prompt {number} of a heron")})).await;
    }
    for name in ["heron", "ibis"] {
        recorder.get(&format!("/models/acme/{name}")).await;
    }
    let player = player(&folder);
    let body = json!({"input": {"value": "prompt 5 of a heroine"}});
    let (_, problem) = player.post("/models/emulator/echo/predictions", body).await;
    assert!(problem["detail"].as_str().expect("text").contains(" request is 0006-"), "{problem}");
    let (_, problem) = player.get("/models/acme/ibus").await;
    assert!(problem["detail"].as_str().expect("text").contains(" request is 0008-"), "{problem}");
}

#[tokio::test]
async fn a_read_after_a_write_is_played_after_it() {
    let upstream = api();
    let folder = folder("writes");
    let read = async |api: &Api| api.get("/models/acme/new").await.0;
    let write = async |api: &Api| {
        let model = json!({"owner": "acme", "name": "new", "visibility": "private", "hardware": "cpu"});
        assert_eq!(api.post("/models", model).await.0, 201);
    };
    let session = async |api: &Api| {
        let mut got = vec![read(api).await, read(api).await, read(api).await];
        write(api).await;
        got.extend([read(api).await, read(api).await]);
        got
    };
    let recorded = session(&recorder(&folder, &[upstream.emulator.origin()])).await;
    assert_eq!(recorded, [404, 404, 404, 200, 200]);
    assert_eq!(files(&folder).len(), 3, "reads without news are only counted");
    assert_eq!(session(&player(&folder)).await, recorded);
    let player = player(&folder);
    assert_eq!(read(&player).await, 404);
    write(&player).await;
    assert_eq!(read(&player).await, 200, "fewer reads than recorded");
    let player = self::player(&folder);
    for status in [404, 404, 404, 200] {
        assert_eq!(read(&player).await, status, "a program that no longer writes does not wait forever");
    }
}

/// Starts a server that responds to all requests.
async fn serve<R: IntoResponse + 'static>(
    respond: impl Fn(Request) -> R + Clone + Send + Sync + 'static,
) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let router = axum::Router::new().fallback(async move |request: Request| respond(request));
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

#[tokio::test]
async fn compressed_bodies_are_recorded_as_what_they_contain() {
    let upstream = serve(|request| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(br#"{"username": "acme", "hf_token": "hf_abcdef"}"#).expect("written");
        let encoding = if request.uri().path() == "/v1/account" { "gzip" } else { "br" };
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, encoding)];
        (headers, gzip.finish().expect("written"))
    });
    let folder = folder("gzip");
    let recorder = recorder(&folder, &[&upstream.await]);
    let (_, account) = recorder.get("/account").await;
    assert_eq!(account, json!({"username": "acme", "hf_token": "hf_abcdef"}));
    assert_eq!(player(&folder).get("/account").await.1, json!({"username": "acme", "hf_token": "[removed]"}));
    let (status, problem) = recorder.get("/hardware").await;
    let detail = problem["detail"].as_str().expect("text");
    assert!(status == 502 && detail.contains("its content encoding is \"br\""), "{problem}");
}

#[tokio::test]
async fn content_codings_have_no_case_and_some_mean_none() {
    let upstream = serve(|request| {
        let coding = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let mut body = b"{\"a\": 1}".to_vec();
        if coding == "GZIP" {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&body).expect("written");
            body = gzip.finish().expect("written");
        }
        ([(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_ENCODING, coding)], body)
    });
    let recorder = recorder(&folder("codings"), &[&upstream.await]);
    for coding in ["GZIP", "none", "Identity"] {
        assert_eq!(recorder.get(&format!("/{coding}")).await, (200, json!({"a": 1})), "{coding}");
    }
}

#[tokio::test]
async fn events_without_coding_are_passed_on_as_they_arrive() {
    let upstream = serve(|_| {
        let event = stream::once(async { Ok::<_, std::convert::Infallible>("data: a\n\n") });
        let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CONTENT_ENCODING, "identity")];
        (headers, Body::from_stream(event.chain(stream::pending())))
    });
    let recorder = recorder(&folder("identity"), &[&upstream.await]);
    let mut events = recorder.request("GET", "/events").send().await.expect("a head");
    assert_eq!(events.chunk().await.expect("a stream").as_deref(), Some(&b"data: a\n\n"[..]));
}

#[tokio::test]
async fn repeated_requests_get_their_responses_in_order_and_the_last_one_repeats() {
    let upstream = api();
    let folder = folder("order");
    let recorder = recorder(&folder, &[upstream.emulator.origin()]);
    let first = recorder.run("echo", json!({"value": 1})).await["id"].clone();
    let second = recorder.run("echo", json!({"value": 1})).await["id"].clone();
    let player = player(&folder);
    for _ in 0..2 {
        for expected in [&first, &second, &second] {
            assert_eq!(player.run("echo", json!({"value": 1})).await["id"], *expected);
        }
        let reset = format!("{}/_emulator/reset", player.emulator.origin());
        assert_eq!(player.post(&reset, Value::Null).await.0, 204);
    }
}

#[tokio::test]
async fn files_of_other_origins_are_recorded_without_the_token() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let files_origin = serve(move |request| {
        log.lock().expect("not poisoned").push(request.headers().get(header::AUTHORIZATION).cloned());
        match request.uri().path() {
            "/a/out.txt" => {
                ([(header::LOCATION, "/b?signature=s")], axum::http::StatusCode::FOUND).into_response()
            }
            _ => ([(header::CONTENT_TYPE, "application/octet-stream")], &b"\xff\x01"[..]).into_response(),
        }
    })
    .await;
    let upstream = api();
    let output = format!("{files_origin}/a/out.txt?expiry=1&v=2");
    let script = Scripted { output: Some(output.as_str().into()), ..Scripted::default() };
    upstream.emulator.script(Definition::new("acme/file"), script).expect("a model");

    let folder = folder("origins");
    let get = async |api: &Api| {
        let request = api.request("POST", "/models/acme/file/predictions").header("prefer", "wait");
        let (_, prediction) =
            status_and_body(request.json(&json!({"input": {}})).send().await.expect("sent")).await;
        let url = prediction["output"].as_str().expect("a URL").to_owned();
        assert!(url.starts_with(api.emulator.origin()), "{url}");
        let response = api.request("GET", &url).bearer_auth(TOKEN).send().await.expect("sent");
        assert_eq!(response.status(), 200);
        response.bytes().await.expect("a body")
    };
    let recorder = recorder(&folder, &[upstream.emulator.origin(), &files_origin]);
    assert_eq!(get(&recorder).await, &b"\xff\x01"[..]);
    assert_eq!(*seen.lock().expect("not poisoned"), [None, None]);
    let stranger = format!("{}/~https~evil.example/a", recorder.emulator.origin());
    let (status, problem) = recorder.get(&stranger).await;
    assert_eq!(status, 403, "the recorder is no proxy to all of the network");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("--upstream https://evil.example")));
    upstream.emulator.stop();
    assert_eq!(get(&player(&folder)).await, &b"\xff\x01"[..]);
    let texts = files(&folder);
    assert!(
        texts.iter().all(|(_, text)| !text.contains("signature") && !text.contains("expiry")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn faults_and_received_requests_work_with_a_cassette() {
    let upstream = api();
    let folder = folder("faults");
    recorder(&folder, &[upstream.emulator.origin()]).run("echo", json!({"value": 1})).await;
    let player = player(&folder);
    let rule = json!({"match": {"operation": "predictions.create"}, "action": {"status": 429, "problem": true, "retry_after": 0.1}});
    player.fault(rule).await;
    let create = async || {
        let request = player.request("POST", "/models/emulator/echo/predictions");
        request.json(&json!({"input": {"value": 1}})).send().await.expect("sent")
    };
    let failed = create().await;
    assert_eq!(
        (failed.status().as_u16(), &failed.headers()[header::RETRY_AFTER]),
        (429, &"1".parse().expect("text"))
    );
    assert_eq!(create().await.status(), 201);
    assert_eq!(player.state().await["requests"], 2);

    for (method, path) in [("POST", "models"), ("GET", "predictions"), ("POST", "checks")] {
        let url = format!("{}/_emulator/{path}", player.emulator.origin());
        let (status, problem) = player.send(method, &url, json!({})).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().expect("text").contains("records or replays"), "{problem}");
    }
}

#[test]
fn a_cassette_that_cannot_be_used_is_refused() {
    let start = |config| Emulator::start(config).map(drop).expect_err("refused").to_string();
    let folder = folder("refused");
    let replay = || Config { replay: Some(folder.clone()), ..Config::default() };
    assert!(start(replay()).contains("cannot read the cassette"));
    std::fs::create_dir_all(&folder).expect("a folder");
    assert!(start(replay()).contains("has no exchanges; record some"));
    let request =
        json!({"method": "POST", "url": "https://api.replicate.com/v1/files", "file": "../../secret"});
    let exchange = json!({"request": request, "response": {"status": 200}});
    std::fs::write(folder.join("0001.json"), exchange.to_string()).expect("written");
    assert!(start(replay()).contains("0001.json: \"../../secret\" does not lie in the folder"));
    std::fs::write(folder.join("0001.json"), "{}").expect("written");
    assert!(start(replay()).contains("0001.json: missing field `request`"));
    let record = |upstream: &str| Config {
        record: Some(folder.clone()),
        upstreams: vec![upstream.into()],
        ..Config::default()
    };
    assert!(start(record("http://127.0.0.1:1")).contains("has exchanges already"));
    assert!(start(record("api.replicate.com")).contains("an upstream must be a URL such as"));
    assert!(
        start(Config { replay: Some(folder.clone()), ..record("http://x") }).contains("at the same time")
    );
}

#[tokio::test]
async fn an_upstream_that_does_not_respond_is_an_error() {
    let folder = folder("gone");
    let recorder = recorder(&folder, &["http://127.0.0.1:1/v1"]);
    let (status, problem) = recorder.get("/account").await;
    assert_eq!(status, 502);
    assert!(
        problem["detail"].as_str().is_some_and(|text| text.contains("http://127.0.0.1:1 did not respond"))
    );
    assert_eq!(files(&folder), []);
}

#[tokio::test]
async fn a_stream_that_breaks_breaks_for_the_client_too() {
    let upstream = api();
    let recorder = recorder(&folder("broken"), &[upstream.emulator.origin()]);
    let text = recorder.request("POST", LLAMA).json(&json!({"input": {"prompt": "a heron"}}));
    let (_, text) = status_and_body(text.send().await.expect("sent")).await;
    upstream.fault(json!({"match": {"path": "/v1/streams/*"}, "action": {"cut_body_at": 100}})).await;
    let events = recorder.request("GET", text["urls"]["stream"].as_str().expect("a URL")).send().await;
    let error = events.expect("a head").text().await.expect_err("the stream is cut");
    assert!(error.is_body() || error.is_decode(), "{error:?}");
}
