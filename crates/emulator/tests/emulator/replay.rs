//! The replay server.

use std::time::Instant;

use crate::common::{Api, api, eventually, seconds, status_and_body};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn start(api: &Api, exchanges: Value) -> (String, String) {
    let url = format!("{}/_replay", api.emulator.origin());
    let (status, run) = api.post(&url, json!({"name": "a case", "exchanges": exchanges})).await;
    assert_eq!(status, 201, "{run}");
    let text = |member: &str| run[member].as_str().expect("text").to_owned();
    (text("base_url"), text("origin"))
}

async fn report(api: &Api, origin: &str) -> Value {
    api.get(origin).await.1
}

#[tokio::test]
async fn exchanges_are_played_in_order_on_one_connection() {
    let api = api();
    let (base, origin) = start(
        &api,
        json!([
            {"expect": {"method": "POST", "path": "/v1/predictions", "headers": {"prefer": "wait", "x-none": null},
                        "json": {"version": "v", "input": {"a": 1, "b": "{{any}}"}}, "body_contains": ["\"v\""]},
             "reply": {"status": 201, "headers": {"retry-after": "1"}, "json": {"urls": {"get": "{{base}}/predictions/p"}}}},
            {"expect": {"method": "GET", "path": "/v1/predictions/p%2Fq", "query": {"a": "b c"}}, "reply": {"text": "hi"}, "times": 2},
            {"expect": {"path": "/v1/never"}, "reply": {}, "times": "any"},
            {"expect": {"method": "DELETE", "path": "/v1/files/f"}, "reply": {"status": 204}},
        ]),
    )
    .await;
    let body = json!({"version": "v", "input": {"b": [1], "a": 1}});
    let request = api.request("POST", &format!("{base}/predictions")).header("prefer", "wait").json(&body);
    let response = request.send().await.expect("sent");
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(
        status_and_body(response).await,
        (201, json!({"urls": {"get": format!("{base}/predictions/p")}}))
    );
    for _ in 0..2 {
        assert_eq!(api.get(&format!("{base}/predictions/p%2Fq?a=b+c")).await, (200, json!("hi")));
    }
    assert_eq!(report(&api, &origin).await["remaining"], 1);
    assert_eq!(api.send("DELETE", &format!("{base}/files/f"), Value::Null).await.0, 204);
    let report = report(&api, &origin).await;
    assert_eq!((&report["ok"], &report["problems"]), (&json!(true), &json!([])));
    assert_eq!(report["requests"][1]["target"], "/v1/predictions/p%2Fq?a=b+c");
    assert_eq!(report["requests"][3]["exchange"], 4);
}

#[tokio::test]
async fn an_unexpected_request_gets_the_differences() {
    let api = api();
    let (base, origin) = start(
        &api,
        json!([{"expect": {"method": "GET", "path": "/v1/a", "headers": {"prefer": "wait", "authorization": null}}, "reply": {}}]),
    )
    .await;
    let request = api.request("POST", &format!("{base}/b")).bearer_auth("t");
    let (status, problem) = status_and_body(request.send().await.expect("sent")).await;
    assert_eq!(status, 599);
    let detail = "exchange 1 (GET /v1/a): expected method \"GET\", got \"POST\"; expected path \"/v1/a\", got \"/v1/b\"; \
                  expected no header authorization, got \"Bearer t\"; expected header prefer: wait, got none";
    assert_eq!(problem["detail"], detail);
    let report = report(&api, &origin).await;
    assert_eq!(
        (&report["ok"], &report["remaining"], &report["problems"]),
        (&json!(false), &json!(1), &json!([detail]))
    );
    let run = api.emulator.replay(r#"{"exchanges": []}"#).expect("a run");
    assert_eq!(api.get(&format!("{}/x", run.base_url())).await.0, 599);
    assert_eq!(run.problems(), ["unexpected request after the last exchange: GET /v1/x"]);
}

#[tokio::test]
async fn unordered_exchanges_occur_in_any_order() {
    let api = api();
    let one = |name: &str| {
        json!({"unordered": true, "expect": {"path": "/v1/files", "multipart": {"content": {"filename": name, "content_type": "text/plain",
               "text": name}}}, "reply": {"text": name}})
    };
    let last = json!({"expect": {"path": "/v1/last"}, "reply": {}});
    let (base, origin) = start(&api, json!([one("a"), one("b"), one("c"), last])).await;
    let upload = async |name: &'static str| {
        let part =
            reqwest::multipart::Part::text(name).file_name(name).mime_str("text/plain").expect("a type");
        let form = reqwest::multipart::Form::new().part("content", part);
        status_and_body(
            api.request("POST", &format!("{base}/files")).multipart(form).send().await.expect("sent"),
        )
        .await
    };
    assert_eq!(api.get(&format!("{base}/last")).await.0, 599, "not before the group is complete");
    let all = futures_util::future::join3(upload("c"), upload("a"), upload("b")).await;
    assert_eq!((all.0.1, all.1.1, all.2.1), (json!("c"), json!("a"), json!("b")));
    assert_eq!(api.get(&format!("{base}/last")).await.0, 200);
    assert_eq!(report(&api, &origin).await["remaining"], 0);
}

#[tokio::test]
async fn replies_are_cut_reset_and_stalled_as_scripted() {
    let api = api();
    let reply = |fault: &str, value: Value| {
        let mut reply = json!({"text": "0123456789"});
        reply[fault] = value;
        json!({"expect": {}, "reply": reply})
    };
    let (base, origin) = start(
        &api,
        json!([
            reply("cut_at", json!(4)),
            reply("reset_at", json!(4)),
            reply("close", json!("before_head")),
            reply("close", json!("reset_before_head")),
            reply("head_cut_at", json!(20)),
            reply("content_length", json!(99)),
            reply("content_length", json!(false)),
            reply("stall_at", json!(4))
        ]),
    )
    .await;
    // What arrived, and the innermost error that ended it.
    let read = async || {
        let response = match api.request("GET", &base).send().await {
            Ok(response) => response,
            Err(error) => return (String::new(), Some(innermost(&error))),
        };
        let mut text = String::new();
        let mut body = response.bytes_stream();
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => text.push_str(std::str::from_utf8(&piece).expect("text")),
                Err(error) => return (text, Some(innermost(&error))),
            }
        }
        (text, None)
    };
    let (text, error) = read().await;
    assert_eq!(text, "0123");
    assert!(error.as_deref().is_some_and(|error| !error.contains("reset")), "closed, not reset: {error:?}");
    let (_, error) = read().await;
    assert!(error.as_deref().is_some_and(|error| error.contains("reset")), "{error:?}");
    let (_, error) = read().await;
    assert!(error.as_deref().is_some_and(|error| !error.contains("reset")), "closed, not reset: {error:?}");
    let (_, error) = read().await;
    assert!(error.as_deref().is_some_and(|error| error.contains("reset")), "{error:?}");
    let (text, error) = read().await;
    assert!(text.is_empty() && error.is_some_and(|error| !error.contains("reset")), "closed within the head");
    let (text, error) = read().await;
    assert!(text == "0123456789" && error.is_some(), "Content-Length is 99");
    assert_eq!(read().await, ("0123456789".into(), None), "chunked");
    let stalled = tokio::time::timeout(seconds(0.1), read()).await;
    assert!(stalled.is_err());
    let closed = async || report(&api, &origin).await["requests"][7]["closed_by_client"] == true;
    eventually(closed, "the report does not show that the client closed the connection").await;
    let report = report(&api, &origin).await;
    assert_eq!((&report["ok"], &report["requests"][0]["closed_by_client"]), (&json!(true), &json!(false)));
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[tokio::test]
async fn replies_are_split_delayed_and_repeated_as_scripted() {
    let api = api();
    let (base, origin) = start(
        &api,
        json!([
            {"expect": {}, "reply": {"sse": "data: {{origin}}\n\n", "chunks": [1, 3], "chunk_delay_ms": 30, "delay_ms": 40}},
            {"expect": {"not_before_ms": 50}, "reply": {"repeat": {"byte": 120, "length": 1_000_000}}},
            {"expect": {"not_before_ms": 5000}, "reply": {}},
        ]),
    )
    .await;
    let began = Instant::now();
    let response = api.request("GET", &base).send().await.expect("sent");
    assert!(began.elapsed() >= seconds(0.04));
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let pieces: Vec<_> = response.bytes_stream().map(|piece| piece.expect("bytes").len()).collect().await;
    assert_eq!((pieces.len(), pieces[0], pieces[1]), (3, 1, 2), "{pieces:?}");
    assert!(began.elapsed() >= seconds(0.1));
    tokio::time::sleep(seconds(0.06)).await;
    let whole = api.request("GET", &base).send().await.expect("sent").bytes().await.expect("bytes");
    assert!(whole.len() == 1_000_000 && whole.iter().all(|byte| *byte == b'x'));
    assert_eq!(api.get(&base).await.0, 599, "too soon");
    assert!(
        report(&api, &origin).await["problems"][0]
            .as_str()
            .is_some_and(|problem| problem.contains("5000 ms"))
    );
}

#[tokio::test]
async fn the_second_listener_is_another_origin() {
    let api = api();
    let (base, origin) = start(
        &api,
        json!([
            {"expect": {"path": "/v1/a", "origin": "main"}, "reply": {"status": 302, "headers": {"location": "{{other}}/b"}}},
            {"expect": {"path": "/b", "origin": "other", "headers": {"authorization": null}}, "reply": {"text": "there"}},
        ]),
    )
    .await;
    let response = api.request("GET", &format!("{base}/a")).bearer_auth("t").send().await.expect("sent");
    assert!(response.url().as_str().starts_with(api.emulator.other_origin()));
    assert_eq!(status_and_body(response).await.1, "there");
    assert_eq!(report(&api, &origin).await["ok"], true);
}

#[tokio::test]
async fn foreign_hosts_and_pages_may_not_use_the_replay_server() {
    let api = api();
    let page = json!({"exchanges": [{"expect": {}, "reply": {"text": "secret"}, "times": "any"}]});
    for server in [api.emulator.replay_origin(), api.emulator.other_origin()] {
        let script = api.emulator.replay(&page.to_string()).expect("a script");
        let name = script.origin().rsplit('/').next().expect("a name");
        let url = format!("{server}/_replay");
        for (header, value, refused) in [
            ("host", "evil.example", true),
            ("origin", "https://evil.example", true),
            ("origin", "null", true),
            ("origin", server, true),
            ("origin", "http://localhost:3000", false),
        ] {
            let start = api.request("POST", &url).body(page.to_string());
            for (request, accepted) in [
                (start, 201),
                (api.request("GET", &format!("{url}/{name}")), 200),
                (api.request("GET", &format!("{url}/{name}/files/a")), 200),
            ] {
                let status = request.header(header, value).send().await.expect("sent").status().as_u16();
                assert_eq!(status, if refused { 403 } else { accepted }, "{header}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_that_a_script_plays_may_not_use_the_api() {
    let api = api();
    let state = format!("{}/_emulator/state", api.emulator.origin());
    for server in [api.emulator.replay_origin(), api.emulator.other_origin()] {
        for origin in [server.to_owned(), server.replace("127.0.0.1", "localhost")] {
            let response = api.request("GET", &state).header("origin", origin).send().await.expect("sent");
            assert_eq!(response.status(), 403);
        }
    }
}

#[tokio::test]
async fn scripts_are_bounded_and_forgotten_by_a_reset() {
    let api = api();
    let script = || api.emulator.replay(r#"{"exchanges": []}"#).expect("a script").origin().to_owned();
    let first = script();
    let second = script();
    (0..999).for_each(|_| drop(script()));
    assert_eq!((api.get(&first).await.0, api.get(&second).await.0), (404, 200));
    assert_eq!(api.state().await["dropped"]["scripts"], 1);
    api.emulator.reset();
    assert_eq!((api.get(&second).await.0, &api.state().await["dropped"]["scripts"]), (404, &json!(0)));
}

#[tokio::test]
async fn the_requests_and_problems_of_a_script_are_bounded() {
    let api = api();
    let expect = json!({"text": "b", "headers": {"x-long": null, "x-other": "b"}, "query": {"a": "b"},
                        "multipart": {"a": {"filename": "b"}}});
    let case = json!({"exchanges": [{"expect": expect, "reply": {}}]});
    let script = api.emulator.replay(&case.to_string()).expect("a script");
    let (long, short) = ("a".repeat(300_000), "a".repeat(20_000));
    let name =
        |name: &str| format!("Content-Disposition: form-data; name={name:?}; filename={long:?}\r\n\r\n");
    let body = format!("--b\r\n{}\r\n--b\r\n{}\r\n--b--\r\n", name("a"), name(&long));
    for _ in 0..60 {
        let request = api.request("POST", &format!("{}?a={short}&{short}={short}", script.origin()));
        let request = request.header("x-long", &long).header("x-other", &long).body(body.clone());
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        assert_eq!(request.send().await.expect("sent").status(), 599);
    }
    let report: Value = serde_json::from_str(&script.report_json()).expect("JSON");
    let requests = report["requests"].as_array().expect("requests");
    let kept: usize = requests.iter().map(|request| request.to_string().len()).sum();
    assert!(kept <= 65 << 20, "{kept}");
    assert_eq!(report["dropped"], 60 - requests.len());
    for problem in report["problems"].as_array().expect("problems") {
        let problem = problem.as_str().expect("text");
        for what in
            ["body", "header x-long", "header x-other", "query a", "query aaa", "field aaa", "filename"]
        {
            assert!(problem.contains(what), "{what}: {problem}");
        }
        assert!(problem.len() < 5000, "{}", problem.len());
    }
}

#[tokio::test]
async fn a_body_of_an_excessive_length_is_refused() {
    let api = api();
    let port = api.emulator.replay_origin().rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    for rest in [
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "Content-Length: 18446744073709551615\r\n\r\n",
        "Content-Length: 160000001\r\n\r\n",
    ] {
        let mut stream =
            tokio::net::TcpStream::connect(("127.0.0.1", port.expect("a port"))).await.expect("a connection");
        let request = format!("POST /_replay HTTP/1.1\r\nHost: localhost\r\n{rest}");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let read = tokio::time::timeout(seconds(20.0), stream.read_u8()).await.expect("an end");
        assert!(read.is_err(), "the connection is closed");
    }
    let (status, _) = api.post(&format!("{}/_replay", api.emulator.replay_origin()), json!({})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn invalid_cases_are_rejected() {
    let api = api();
    let error =
        |text: &str| api.emulator.replay(text).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(
        error(r#"{"exchanges": [{"expect": {"metod": "GET"}, "reply": {}}]}"#)
            .starts_with("Exchange 1: unknown field `metod`")
    );
    assert!(
        error(r#"{"exchanges": [{"expect": {}, "reply": {"json": 1, "text": "a"}}]}"#)
            .contains("not several")
    );
    assert!(error("{}").contains("missing field `exchanges`"));
    let (status, problem) = api.post(&format!("{}/_replay", api.emulator.replay_origin()), json!({})).await;
    assert!(status == 400 && problem["detail"].as_str().is_some_and(|detail| detail.contains("exchanges")));
    assert_eq!(api.get(&format!("{}/_replay/r99", api.emulator.replay_origin())).await.0, 404);
}
