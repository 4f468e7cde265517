//! Memory and time are bounded: kept jobs and requests, webhooks of slow receivers, lists and examples.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Api, api, seconds, status_and_body, with};
use replicant_emulator::Config;
use serde_json::{Value, json};

#[tokio::test]
async fn the_oldest_finished_predictions_are_dropped_with_their_files() {
    let api = with(Config { keep_jobs: 3, ..Config::default() });
    let running = api.run("endless", json!({})).await;
    let input = json!({"width": 16, "height": 16});
    let drawn = api.run_version(crate::common::SDXL, input).await;
    let file = drawn["output"][0].as_str().expect("a URL");
    api.finished(&drawn).await;
    assert_eq!(api.get(file).await.0, 200);
    for _ in 0..4 {
        let created = api.run("echo", json!({})).await;
        api.finished(&created).await;
    }
    let listed = api.get("/predictions").await.1;
    assert_eq!(listed["results"].as_array().map(Vec::len), Some(3));
    assert_eq!(api.read(&running).await["status"], "processing", "a running prediction is kept");
    assert_eq!(api.get(drawn["urls"]["get"].as_str().expect("a URL")).await.0, 404);
    assert_eq!(api.get(drawn["urls"]["stream"].as_str().expect("a URL")).await.0, 404);
    assert_eq!(api.get(file).await.0, 404);
    let state = api.state().await;
    assert_eq!((&state["dropped"]["jobs"], &state["output_files"]), (&json!(3), &json!(0)));
}

#[tokio::test]
async fn old_predictions_requests_and_files_are_dropped() {
    let api = with(Config { keep_for: Duration::from_secs(7200), ..Config::default() });
    let done = api.run("echo", json!({})).await;
    api.finished(&done).await;
    let form = reqwest::multipart::Form::new().part("content", reqwest::multipart::Part::text("hello"));
    api.request("POST", "/files").multipart(form).send().await.expect("sent");
    let advance = async |hours: f64| {
        let url = format!("{}/_emulator/time", api.emulator.origin());
        assert_eq!(api.post(&url, json!({"advance": hours * 3600.0})).await.0, 204);
        tokio::time::sleep(seconds(0.1)).await;
    };
    advance(1.1).await;
    assert_eq!(api.read(&done).await["data_removed"], true);
    advance(1.1).await;
    assert_eq!(api.get(done["urls"]["get"].as_str().expect("a URL")).await.0, 404);
    advance(24.0).await;
    let state = api.state().await;
    assert_eq!((&state["files"], &state["dropped"]["jobs"]), (&json!(0), &json!(1)));
    assert!(state["dropped"]["requests"].as_u64().is_some_and(|dropped| dropped >= 3), "{state}");
}

#[tokio::test]
async fn dropped_requests_are_counted() {
    let api = with(Config { keep_requests: 2, ..Config::default() });
    for _ in 0..5 {
        api.get("/account").await;
    }
    let form = reqwest::multipart::Part::bytes(vec![0; 2_000_000]);
    let form = reqwest::multipart::Form::new().part("content", form);
    api.request("POST", "/files").multipart(form).send().await.expect("sent");
    let url = format!("{}/_emulator/requests", api.emulator.origin());
    let response = api.request("GET", &url).send().await.expect("sent");
    assert_eq!(response.headers()["x-emulator-dropped"], "4");
    let requests = crate::common::status_and_body(response).await.1;
    assert_eq!(requests.as_array().map(Vec::len), Some(2));
    assert_eq!((&requests[1]["number"], &requests[1]["body_dropped"]), (&json!(6), &json!(true)));
}

#[tokio::test]
async fn the_heads_of_requests_are_bounded_too() {
    let api = api();
    let long = "a".repeat(300_000);
    for _ in 0..250 {
        let request = api.request("GET", "/account").header("x-long", &long);
        assert_eq!(request.send().await.expect("sent").status(), 200);
    }
    let dropped = api.state().await["dropped"]["requests"].as_u64().expect("a number");
    assert!((20..40).contains(&dropped), "{dropped}");
}

#[tokio::test]
async fn a_reset_forgets_what_clients_have_created() {
    let api = with(Config { credit: Some(1), ..Config::default() });
    api.run("echo", json!({})).await;
    let body = json!({"owner": "acme", "name": "new", "visibility": "private", "hardware": "cpu"});
    assert_eq!(api.post("/models", body).await.0, 201);
    api.fault(json!({"times": 0, "action": {"status": 500}})).await;
    let url = format!("{}/_emulator", api.emulator.origin());
    assert_eq!(api.get(&format!("{url}/predictions")).await.1.as_array().map(Vec::len), Some(1));
    assert_eq!(api.post(&format!("{url}/reset"), Value::Null).await.0, 204);
    assert_eq!(api.get(&format!("{url}/requests")).await.1, json!([]));
    assert_eq!(api.get(&format!("{url}/predictions")).await.1, json!([]));
    assert_eq!(api.get("/models/acme/new").await.0, 404);
    api.run("echo", json!({})).await;
}

#[tokio::test]
async fn advancing_the_clock_ends_sleeps() {
    let api = api();
    let created = api.run("echo", json!({"cold_start": 600, "delay": 600})).await;
    let advance = format!("{}/_emulator/time", api.emulator.origin());
    assert_eq!(api.read(&created).await["status"], "starting");
    assert_eq!(api.post(&advance, json!({"advance": 601})).await.0, 204);
    api.until(&created, &["processing"]).await;
    assert_eq!(api.post(&advance, json!({"advance": 300})).await.0, 204);
    tokio::time::sleep(seconds(0.05)).await;
    assert_eq!(api.read(&created).await["status"], "processing");
    assert_eq!(api.post(&advance, json!({"advance": 301})).await.0, 204);
    let done = api.finished(&created).await;
    assert!(done["metrics"]["predict_time"].as_f64().is_some_and(|time| time >= 600.0), "{done}");
    for body in [json!({"advance": -1}), json!({"advance": "soon"}), json!({})] {
        assert_eq!(api.post(&advance, body).await.0, 400);
    }
}

#[tokio::test]
async fn an_advance_is_bounded() {
    let api = api();
    for _ in 0..3 {
        api.emulator.advance(std::time::Duration::MAX);
    }
    let created = api.run("echo", json!({"value": 1})).await;
    assert_eq!(api.finished(&created).await["status"], "succeeded");
}

#[tokio::test]
async fn one_advance_passes_several_sleeps() {
    let api = api();
    let advance = format!("{}/_emulator/time", api.emulator.origin());
    let created = api.run("echo", json!({"cold_start": 600, "delay": 600})).await;
    assert_eq!(api.post(&advance, json!({"advance": "30m"})).await.0, 204);
    let done = api.finished(&created).await;
    assert_eq!(done["status"], "succeeded");
    for (metric, least) in [("predict_time", 600.0), ("total_time", 1200.0)] {
        let seconds = done["metrics"][metric].as_f64().expect("a number");
        assert!((least..least + 60.0).contains(&seconds), "{done}");
    }
    // A part of the advance is left for no sleep: the clock has passed it.
    let next = api.run("echo", json!({"delay": 600})).await;
    tokio::time::sleep(seconds(0.05)).await;
    assert_eq!(api.read(&next).await["status"], "processing");
}

#[tokio::test]
async fn an_advance_beyond_the_deadline_and_the_end_applies_the_first() {
    let api = api();
    let advance = format!("{}/_emulator/time", api.emulator.origin());
    let before = async |cancel_after: &str, input: Value| {
        let request = api.request("POST", "/models/emulator/echo/predictions");
        let request = request.header("cancel-after", cancel_after).json(&json!({ "input": input }));
        status_and_body(request.send().await.expect("sent")).await.1
    };
    let late = before("15s", json!({"cold_start": 10, "delay": 10})).await;
    let early = before("60s", json!({"cold_start": 10, "delay": 10})).await;
    let unstarted = before("5s", json!({"cold_start": 10})).await;
    assert_eq!(api.post(&advance, json!({"advance": 600})).await.0, 204);
    assert_eq!(api.finished(&late).await["status"], "canceled");
    assert_eq!(api.finished(&early).await["status"], "succeeded");
    assert_eq!(api.finished(&unstarted).await["status"], "aborted");
    let total = api.read(&late).await["metrics"]["total_time"].as_f64().expect("a number");
    assert!((15.0..16.0).contains(&total), "{total}");
}

#[tokio::test]
async fn an_advance_does_not_keep_the_emulator_busy() {
    let api = api();
    let endless = api.run("endless", json!({})).await;
    let advance = format!("{}/_emulator/time", api.emulator.origin());
    assert_eq!(api.post(&advance, json!({"advance": "300d"})).await.0, 204);
    assert_eq!(api.finished(&endless).await["status"], "failed");
}

/// Returns the shortest of five times that a request takes.
async fn shortest(api: &Api, path: &str) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        assert_eq!(api.get(path).await.0, 200);
        best = best.min(began.elapsed());
    }
    best
}

/// Starts an emulator with predictions that wait.
async fn with_predictions(count: usize) -> Api {
    let api = api();
    for _ in 0..count {
        api.run("echo", json!({"cold_start": 600})).await;
    }
    api
}

#[tokio::test]
async fn a_list_takes_as_long_as_its_page() {
    // Compared with a list of one page at the same time, because the machine may be busy.
    let (one, many) = (with_predictions(100).await, with_predictions(3000).await);
    let page = many.get("/predictions").await.1;
    let next = page["next"].as_str().expect("a URL");
    let mut ratios = Vec::new();
    // Serializing all of them took 150 ms in a debug build, 30 times as long as a page.
    while ratios.last().is_none_or(|ratio| *ratio >= 8.0) {
        assert!(ratios.len() < 5, "{ratios:?}");
        let page = shortest(&one, "/predictions").await;
        let longest = shortest(&many, "/predictions").await.max(shortest(&many, next).await);
        ratios.push(longest.as_secs_f64() / page.as_secs_f64());
    }
}

#[tokio::test]
async fn the_first_read_of_a_model_does_not_run_its_example() {
    // Painting the examples took up to 3 s in a debug build. What is slow is so each time; a machine that pauses is not.
    let mut times = Vec::new();
    while times.last().is_none_or(|longest| *longest >= seconds(0.5)) {
        assert!(times.len() < 5, "{times:?}");
        times.push(longest_first_read().await);
    }
}

/// Reads all models for the first time. Returns how long the slowest read took.
async fn longest_first_read() -> Duration {
    let api = api();
    let (_, models) = api.get("/models").await;
    let mut longest = Duration::ZERO;
    for model in models["results"].as_array().expect("results") {
        let path = format!(
            "/models/{}/{}",
            model["owner"].as_str().expect("text"),
            model["name"].as_str().expect("text")
        );
        let began = Instant::now();
        let (_, model) = api.get(&path).await;
        longest = longest.max(began.elapsed());
        let streams = model["name"] != "endless";
        assert_eq!(
            model["default_example"]["status"] == "succeeded" || model["name"] == "fails",
            streams,
            "{model}"
        );
    }
    longest
}

#[tokio::test]
async fn first_reads_of_a_model_at_the_same_time_make_one_example() {
    let api = api();
    let path = "/models/black-forest-labs/flux-1.1-pro";
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
    let url = format!("{}{path}", api.emulator.base_url());
    let read = async || client.get(&url).send().await.expect("sent").json::<Value>().await.expect("JSON");
    let models = futures_util::future::join_all((0..30).map(|_| read())).await;
    let example = &models[0]["default_example"];
    assert!(models.iter().all(|model| model["default_example"]["id"] == example["id"]), "{models:?}");
    let files = example["output"].as_array().map_or(1, Vec::len);
    assert_eq!(api.state().await["output_files"], files);
    api.emulator.reset();
    assert_eq!(api.state().await["output_files"], 0);
}

/// The program, in a process of its own.
struct Program {
    child: Child,
    base_url: String,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_replicant-emulator"))
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        Self { child, base_url: line["base_url"].as_str().expect("a URL").to_owned() }
    }

    /// Returns the largest memory so far in megabytes, or `None` where the system does not tell.
    fn peak(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_slow_webhook_receiver_costs_little_memory_and_time() {
    let program = Program::start();
    // Accepts connections and never responds.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hook = format!("http://{}", silent.local_addr().expect("an address"));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = json!({"input": {"chunks": ["token "], "pause": 0, "repeat": 10_000}, "webhook": hook,
                      "webhook_events_filter": ["start", "output", "logs", "completed"]});
    let create = http.post(format!("{}/models/emulator/stream/predictions", program.base_url)).json(&body);
    let began = Instant::now();
    let created: Value = create.send().await.expect("sent").json().await.expect("JSON");
    let url = created["urls"]["get"].as_str().expect("a URL");
    loop {
        let read: Value = http.get(url).send().await.expect("sent").json().await.expect("JSON");
        if read["status"] == "succeeded" {
            break;
        }
        assert!(began.elapsed() < seconds(20.0), "still {}", read["status"]);
        tokio::time::sleep(seconds(0.05)).await;
    }
    if let Some(megabytes) = program.peak() {
        assert!(megabytes < 90, "{megabytes} MB");
    }
}
