//! The page of the emulator: what it shows, and what it lets nobody do.

use std::sync::{Arc, Mutex};

use crate::common::{Api, SDXL, api, eventually, seconds, status_and_body, with};
use axum::extract::Request;
use axum::http::StatusCode;
use replicant_emulator::{Config, Definition, Scripted, sign};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const HOSTILE: &str = "</pre><script>alert(1)</script><img src=x onerror='alert(1)'>&amp;\r\n\"'";

impl Api {
    async fn page(&self, path: &str) -> (u16, String) {
        let response =
            self.request("GET", &format!("{}{path}", self.emulator.origin())).send().await.expect("sent");
        (response.status().as_u16(), response.text().await.expect("text"))
    }

    async fn page_of(&self, prediction: &Value) -> String {
        let id = prediction["id"].as_str().expect("an id");
        let (status, page) = self.page(&format!("/_page/{id}")).await;
        assert_eq!(status, 200, "{page}");
        page
    }
}

#[tokio::test]
async fn the_page_lists_predictions_as_they_run() {
    let api = api();
    let (status, empty) = api.page("/").await;
    assert!(status == 200 && empty.contains("There are none yet"), "{empty}");
    run_example(&api, &empty).await;
    let running = api.run("endless", json!({})).await;
    api.until(&running, &["processing"]).await;
    let ended = api.run("echo", json!({"value": 1})).await;
    api.finished(&ended).await;
    let (_, page) = api.page("/").await;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text} in {page}"));
    assert!(at("emulator/echo") < at("emulator/endless"), "the newest is first");
    assert!(
        at("<span class=\"status succeeded\">succeeded</span>") < at("<span class=\"status processing\">")
    );
    assert!(page.contains(&format!("href=\"/_page/{}\"", ended["id"].as_str().expect("an id"))), "{page}");
    assert_eq!(
        api.state().await["requests"].as_u64(),
        Some(3 + reads(&api).await),
        "the page is not recorded"
    );
}

/// Runs the model and the input that the empty page shows.
async fn run_example(api: &Api, page: &str) {
    let page = page.replace("&quot;", "\"");
    let call =
        page.split_once("replicant.run(").and_then(|(_, rest)| rest.split_once("))'")).expect("a call");
    let arguments: Value = serde_json::from_str(&format!("[{}]", call.0)).expect("also JSON");
    let path = format!("/models/{}/predictions", arguments[0].as_str().expect("a name"));
    let (status, prediction) = api.post(&path, json!({"input": arguments[1]})).await;
    assert_eq!(status, 201, "{prediction}");
    assert_eq!(api.finished(&prediction).await["output"], "Ada");
}

#[tokio::test]
async fn the_page_does_not_show_the_token() {
    let token = "r8_secret";
    let api = with(Config { token: Some(token.into()), ..Config::default() });
    let (_, page) = api.page("/").await;
    assert!(page.contains("REPLICATE_API_TOKEN=&lt;the token&gt;") && !page.contains(token), "{page}");
}

/// Returns how many requests have read predictions.
async fn reads(api: &Api) -> u64 {
    let (_, requests) = api.get(&format!("{}/_emulator/requests", api.emulator.origin())).await;
    requests.as_array().expect("a list").iter().filter(|request| request["method"] == "GET").count() as u64
}

#[tokio::test]
async fn a_prediction_has_a_page_with_everything_about_it() {
    let api = api();
    let form = Form::new()
        .part("content", Part::bytes(vec![1]).file_name("in.png").mime_str("image/png").expect("a type"));
    let (_, upload) =
        status_and_body(api.request("POST", "/files").multipart(form).send().await.expect("sent")).await;
    let input = json!({"prompt": "a heron", "seed": 1, "width": 64, "height": 64});
    let painted = api.run_version(SDXL, input).await;
    api.finished(&painted).await;
    let page = api.page_of(&painted).await;
    let path = painted["output"][0].as_str().expect("a URL").split_once("/files/").expect("a file").1;
    assert!(page.contains(&format!("<img src=\"/files/{path}\" alt=\"Output 1: ")), "{page}");
    assert!(page.contains("a heron") && page.contains("succeeded"), "{page}");

    let echoed = api.run("echo", json!({"value": {"image": upload["urls"]["get"]}})).await;
    let page = api.page_of(&echoed).await;
    let at = page.find("/_page/uploads/").expect("the input is shown");
    let source: String = page[at..].chars().take_while(|character| *character != '"').collect();
    assert_eq!(api.page(&source).await.0, 200);

    let streamed = api.run("stream", json!({"chunks": ["one ", "two"]})).await;
    api.finished(&streamed).await;
    let page = api.page_of(&streamed).await;
    assert!(page.contains(">one two</pre>") && page.contains("<td>output</td>"), "{page}");
    let failed = api.run("fails", json!({"message": "no memory"})).await;
    api.finished(&failed).await;
    assert!(api.page_of(&failed).await.contains("no memory"));
    let (status, page) = api.page("/_page/nothing").await;
    assert!(status == 404 && page.contains("No such prediction"), "{page}");
}

#[tokio::test]
async fn large_and_deep_objects_are_shown_as_json() {
    let api = api();
    let members = |count: usize| (0..count).map(|n| (format!("m{n}"), n.into())).collect();
    let wide = Value::Object(members(20_000));
    let many: Value = (0..10).map(|n| (format!("o{n}"), Value::Object(members(50)))).collect();
    let deep = (0..60).fold(json!("x"), |inner, _| json!({ "level": inner }));
    for (value, most, levels) in [(wide, 10, 3), (many, 210, 3), (deep, 10, 4), (json!({"a": 1}), 10, 2)] {
        let prediction = api.run("echo", json!({ "value": value })).await;
        api.finished(&prediction).await;
        let page = api.page_of(&prediction).await;
        let input = page.split_once("id=\"input\"").and_then(|(_, rest)| rest.split_once("</section>"));
        let input = input.expect("a section").0;
        assert!(input.matches("<dt>").count() <= most && input.len() < 300_000, "{}", input.len());
        assert!(input.matches("<dl>").count() <= most && input.contains("<pre"));
        let deepest = input.split("<dl>").fold((0_usize, 0), |(depth, most), part| {
            let depth = depth - part.matches("</dl>").count();
            (depth + 1, most.max(depth))
        });
        assert!(deepest.1 <= levels, "{deepest:?}");
    }
}

#[tokio::test]
async fn the_page_counts_the_files_that_it_does_not_show() {
    let api = api();
    for (count, note) in [(201, "1 more file is not shown."), (202, "2 more files are not shown.")] {
        let files = vec!["data:text/plain,a"; count];
        let page = api.page_of(&api.run("echo", json!({ "value": files })).await).await;
        assert!(page.contains(note), "{note}");
    }
}

#[tokio::test]
async fn every_prediction_is_news_in_the_list() {
    let api = api();
    let news = async || {
        let prediction = api.run("echo", json!({"value": 1})).await;
        api.finished(&prediction).await;
        let (_, page) = api.page("/").await;
        page.split("data-news=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("news").to_owned()
    };
    let (first, second) = (news().await, news().await);
    assert!(first.starts_with("emulator/echo succeeded") && first != second, "{first}, {second}");
}

#[tokio::test]
async fn what_models_and_clients_write_is_text() {
    let api = api();
    let audio = format!("data:audio/wav;x=\"{HOSTILE},AAAA");
    let script = Scripted {
        outputs: Some(vec![HOSTILE.into(), "javascript:alert(1)".into()]),
        fails: Some(HOSTILE.into()),
        logs: Some(HOSTILE.into()),
        ..Scripted::default()
    };
    api.emulator.script(Definition::new("acme/hostile"), script).expect("a model");
    let body = json!({"input": {HOSTILE: HOSTILE, "audio": audio, "url": "javascript:alert(1)", "link": format!("https://a.example/{HOSTILE}")}});
    let (status, prediction) = api.post("/models/acme/hostile/predictions", body).await;
    assert_eq!(status, 201, "{prediction}");
    api.finished(&prediction).await;
    for page in [api.page_of(&prediction).await, api.page("/").await.1] {
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "only the page's own: {page}");
        for hostile in ["<img src=x", "href=\"javascript:", "src=\"javascript:"] {
            assert!(!page.contains(hostile), "{hostile:?}: {page}");
        }
    }
    let unknown = format!("{}/_page/%3Cscript%3E", api.emulator.origin());
    let response = api.request("GET", &unknown).send().await.expect("sent");
    assert!(!response.text().await.expect("text").contains("<script>"));
}

#[tokio::test]
async fn nothing_but_the_page_runs_scripts_in_its_origin() {
    let api = api();
    let origin = api.emulator.origin();
    let form =
        Form::new().part("content", Part::text("<script></script>").mime_str("text/html").expect("a type"));
    let (_, upload) =
        status_and_body(api.request("POST", "/files").multipart(form).send().await.expect("sent")).await;
    let upload = format!("{origin}/_page/uploads/{}", upload["id"].as_str().expect("an id"));
    api.fault(json!({"match": {"path": "/v1/account"}, "action": {"status": 200, "text": "<script></script>", "headers": {"content-type": "text/html"}}})).await;
    let header = async |url: &str, name: &str| {
        let response = api.request("GET", url).send().await.expect("sent");
        response.headers().get(name).map_or("", |value| value.to_str().expect("text")).to_owned()
    };
    for url in [&*upload, "/account", "/models", &format!("{origin}/files/a/b.svg")] {
        assert!(
            header(url, "content-security-policy").await.starts_with("sandbox; default-src 'none'"),
            "{url}"
        );
    }
    assert_eq!(header(&upload, "x-content-type-options").await, "nosniff");
    for path in ["/", "/_page/a", "/_page/live.js"] {
        let policy = header(&format!("{origin}{path}"), "content-security-policy").await;
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[tokio::test]
async fn an_open_page_gets_every_change() {
    let api = api();
    let url = format!("{}/_page/updates", api.emulator.origin());
    let mut response = api.request("GET", &url).send().await.expect("sent");
    assert!(response.headers()["content-type"].to_str().expect("text").starts_with("text/event-stream"));
    let mut next = async || {
        let wait = tokio::time::timeout(seconds(10.0), response.chunk());
        String::from_utf8(wait.await.expect("in time").expect("read").expect("a chunk").to_vec())
            .expect("text")
    };
    let first = next().await;
    assert!(first.starts_with("data: <main") && first.ends_with("\n\n"), "{first}");
    let running = api.run("endless", json!({"a\rb": "a\rb"})).await;
    assert!(next().await.contains("emulator/endless"));
    api.post(&format!("/predictions/{}/cancel", running["id"].as_str().expect("an id")), Value::Null).await;
    loop {
        let update = next().await;
        assert!(!update.contains('\r'), "a carriage return ends a line of the stream: {update}");
        if update.contains("status canceled") {
            break;
        }
    }
}

#[tokio::test]
async fn a_webhook_is_delivered_again_only_from_the_page() {
    type Received = Vec<(String, String, String, String)>;
    let received: Arc<Mutex<Received>> = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let log = received.clone();
    let receive = async move |request: Request| {
        let (parts, body) = request.into_parts();
        let header = |name: &str| parts.headers[name].to_str().expect("text").to_owned();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let body = String::from_utf8(body.to_vec()).expect("text");
        let mut log = log.lock().expect("not poisoned");
        log.push((header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"), body));
        if log.len() == 1 { StatusCode::OK } else { StatusCode::IM_A_TEAPOT }
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(receive)).await });
    let api = api();
    let body = json!({"input": {"value": 1}, "webhook": url, "webhook_events_filter": ["completed"]});
    let (_, prediction) = api.post("/models/emulator/echo/predictions", body).await;
    let count = || received.lock().expect("not poisoned").len();
    eventually(async || api.page_of(&prediction).await.contains("accepted with 200"), "no delivery").await;
    let page = api.page_of(&prediction).await;
    let at = page.find("action=\"").expect("a form") + "action=\"".len();
    let action: String = page[at..].chars().take_while(|character| *character != '"').collect();
    let origin = api.emulator.origin();
    let post = async |from: Option<&str>, action: &str| {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        let mut request = client.post(format!("{origin}{action}"));
        if let Some(from) = from {
            request = request.header("origin", from);
        }
        request.send().await.expect("sent").status().as_u16()
    };
    for from in [None, Some("null"), Some("https://evil.example"), Some("http://localhost:3000")] {
        assert_eq!(post(from, &action).await, 403, "{from:?}");
    }
    assert_eq!(count(), 1);
    assert_eq!(post(Some(origin), &action).await, 303);
    assert_eq!(count(), 2, "the response waits for the attempt");
    assert_eq!(post(Some(origin), &format!("{action}9")).await, 404);
    assert_eq!(post(Some(origin), "/_page/other/deliveries/1").await, 404);
    let received = received.lock().expect("not poisoned").clone();
    let ((first_id, .., first_body), (id, timestamp, signature, body)) = (&received[0], &received[1]);
    assert_eq!((first_id, first_body), (id, body), "a receiver recognizes the repetition by the id");
    assert_eq!(*signature, sign(api.emulator.webhook_secret(), id, timestamp, body));
    let page = api.page_of(&prediction).await;
    assert!(
        page.contains("data-news=\"succeeded, webhook completed: attempt 2 refused with 418\""),
        "{page}"
    );
}
