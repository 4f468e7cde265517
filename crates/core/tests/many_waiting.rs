//! Many predictions that are waited for at a time: they take turns, and pages of the list show the status of many.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use replicant::{
    BoxFuture, Client, ErrorKind, OnAbandon, Options, Result, Run, json,
    native::{HttpOptions, HttpTransport},
    transport::{HttpRequest, HttpResponse, Transport},
};
use replicant_emulator::{Config, Emulator};
use support::{eventually, fast};

/// The clocks of the client and of the emulator run this much faster than real time.
const RATE: f64 = 20.0;

fn start() -> (Emulator, Client) {
    start_with(Config::default(), Options::default())
}

fn start_with(config: Config, options: Options) -> (Emulator, Client) {
    let emulator = Emulator::start(Config { time_scale: 1.0 / RATE, ..config }).unwrap();
    let options = Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_token".into()),
        transport: options.transport,
        ..fast(RATE)
    };
    (emulator, Client::new(options).unwrap())
}

/// Builds a run that takes 10 to 20 seconds.
fn run(client: &Client, index: usize) -> Run {
    let input = json!({"value": index, "delay": 10.0 + (index % 11) as f64, "cold_start": 2});
    client.run("emulator/echo", input).wait(0)
}

/// Builds a run that takes so long that only an advance of the emulator's clock ends it.
fn endless(client: &Client, index: usize) -> Run {
    client.run("emulator/echo", json!({"value": index, "delay": 1500, "cold_start": 1500})).wait(0)
}

/// Passes the cold start, or the delay, of endless runs.
fn pass_one_phase(emulator: &Emulator) {
    emulator.advance(Duration::from_secs(1500));
}

async fn all_succeed(client: &Client, count: usize) {
    let outputs = join_all((0..count).map(|index| run(client, index).into_future())).await;
    for (index, output) in outputs.into_iter().enumerate() {
        assert_eq!(output.unwrap().into_value().as_i64(), Some(index as i64));
    }
}

/// Returns how many requests for a list, and how many polls arrived.
fn reads(emulator: &Emulator) -> (usize, usize) {
    let requests = emulator.requests_json();
    let requests: Vec<serde_json::Value> = serde_json::from_str(&requests).unwrap();
    let gets = requests.iter().filter(|request| request["method"] == "GET");
    let (lists, polls): (Vec<_>, Vec<_>) = gets.partition(|request| request["path"] == "/v1/predictions");
    (lists.len(), polls.len())
}

/// Waits for runs that all succeed. Returns how many requests for a list, and how many polls they sent.
async fn succeed_with_lists(emulator: &Emulator, client: &Client, count: usize) -> (usize, usize) {
    loop {
        let before = reads(emulator);
        all_succeed(client, count).await;
        let (lists, polls) = reads(emulator);
        // On a machine that paused, all may have ended before the first list.
        if lists > before.0 {
            return (lists - before.0, polls - before.1);
        }
    }
}

#[tokio::test]
async fn a_hundred_runs_need_few_requests() {
    let (emulator, client) = start();
    let (lists, polls) = succeed_with_lists(&emulator, &client, 100).await;
    // Alone, each is polled about 18 times.
    assert!(lists + polls < 800, "{lists} lists, {polls} polls");
}

#[tokio::test]
async fn few_runs_and_those_with_an_interval_or_headers_poll_alone() {
    let (emulator, client) = start();
    all_succeed(&client, 20).await;
    let seconds = Duration::from_secs(5);
    join_all((0..50).map(|index| run(&client, index).interval(seconds).into_future())).await;
    join_all((0..50).map(|index| run(&client, index).header("x-account", "other").into_future())).await;
    assert_eq!(reads(&emulator).0, 0);
}

#[tokio::test]
async fn a_list_that_fails_never_fails_a_run() {
    for action in [
        r#"{"status": 500, "problem": true}"#,
        r#"{"status": 429, "problem": true, "retry_after": 60}"#,
        r#"{"status": 404}"#,
        r#"{"status": 200, "text": "<html>"}"#,
        r#"{"status": 200, "json": {}}"#,
        r#"{"status": 200, "json": {"results": []}}"#,
        r#"{"status": 200, "json": {"results": [1, null]}}"#,
        r#"{"status": 200, "json": {"results": [{"id": "x", "status": "failed", "created_at": "yesterday"}]}}"#,
        r#"{"close_before_reply": true}"#,
        r#"{"stall_body_at": 100}"#,
        r#"{"delay_ms": 60000}"#,
    ] {
        let (emulator, client) = start();
        let rule =
            format!(r#"{{"match": {{"operation": "predictions.list"}}, "times": 0, "action": {action}}}"#);
        emulator.add_faults(&rule).unwrap();
        let (lists, polls) = succeed_with_lists(&emulator, &client, 64).await;
        assert!(lists <= 20, "{action}: {lists} lists, {polls} polls");
    }
}

#[tokio::test]
async fn predictions_of_other_programs_between_them_do_no_harm() {
    // The first ones are 20 pages back.
    let (emulator, client) =
        start_with(Config { page_size: Some(20), ..Config::default() }, Options::default());
    let first = tokio::spawn({
        let client = client.clone();
        async move { all_succeed(&client, 64).await }
    });
    let others = (0..400).map(|_| {
        client.predictions().create("emulator/echo", json!({"value": 0, "delay": 1000})).into_future()
    });
    assert!(join_all(others).await.iter().all(Result::is_ok));
    let (lists, polls) = succeed_with_lists(&emulator, &client, 64).await;
    first.await.unwrap();
    assert!(lists + polls < 2500, "{lists} lists, {polls} polls");
}

#[tokio::test]
async fn runs_that_are_abandoned_during_a_list_leave_the_others_waiting() {
    let (emulator, client) = start();
    let rule = r#"{"match": {"operation": "predictions.list"}, "times": 0, "action": {"delay_ms": 100}}"#;
    emulator.add_faults(rule).unwrap();
    let runs: Vec<_> = (0..160).map(|index| tokio::spawn(endless(&client, index).into_future())).collect();
    let mut kept = runs;
    // Each time a list is under way, every fourth run is abandoned.
    for _ in 0..4 {
        let before = reads(&emulator).0;
        while reads(&emulator).0 == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (dropped, rest): (Vec<_>, Vec<_>) =
            kept.into_iter().enumerate().partition(|(index, _)| index % 4 == 0);
        dropped.iter().for_each(|(_, run)| run.abort());
        kept = rest.into_iter().map(|(_, run)| run).collect();
    }
    assert!(kept.len() > 32);
    pass_one_phase(&emulator);
    pass_one_phase(&emulator);
    for run in join_all(kept).await {
        run.unwrap().unwrap();
    }
    replicant::background::drain(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn each_run_has_its_own_deadline_and_errors() {
    let (emulator, client) = start();
    // Left, because otherwise the emulator cancels them soon after.
    let limited =
        |index| endless(&client, index).timeout(Duration::from_secs(6)).on_abandon(OnAbandon::Leave);
    let limited = (0..40).map(|index| limited(index).into_future());
    let gone = (0..5).map(|index| client.predictions().wait(format!("gone{index}")).into_future());
    let others = succeed_with_lists(&emulator, &client, 64);
    let (limited, _, gone) = tokio::join!(join_all(limited), others, join_all(gone));
    assert!(limited.into_iter().all(|output| output.unwrap_err().kind() == ErrorKind::Deadline));
    assert!(gone.into_iter().all(|prediction| prediction.unwrap_err().kind() == ErrorKind::NotFound));
    replicant::background::drain(Duration::from_secs(20)).await;
}

/// Changes the text of lists.
struct Edited {
    http: HttpTransport,
    edit: fn(String) -> String,
    edited: Arc<AtomicUsize>,
}

impl Transport for Edited {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let is_list = request.method == "GET" && request.url.path() == "/v1/predictions";
        let (edit, edited, sending) = (self.edit, self.edited.clone(), self.http.send(request));
        Box::pin(async move {
            let response = sending.await?;
            if !is_list {
                return Ok(response);
            }
            let text = response.body.bytes(u64::MAX).await?;
            edited.fetch_add(1, Ordering::SeqCst);
            let text = edit(String::from_utf8(text.to_vec()).unwrap());
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Ok(HttpResponse::new(200, headers, Box::new(Bytes::from(text))))
        })
    }
}

fn edited(edit: fn(String) -> String) -> (Options, Arc<AtomicUsize>) {
    let edited = Arc::new(AtomicUsize::new(0));
    let http = HttpTransport::new(HttpOptions::default()).unwrap();
    let transport = Arc::new(Edited { http, edit, edited: edited.clone() });
    (Options { transport: Some(transport), ..Options::default() }, edited)
}

#[tokio::test]
async fn the_end_in_a_list_is_confirmed_by_a_poll() {
    let all_ended =
        |text: String| text.replace("\"processing\"", "\"failed\"").replace("\"starting\"", "\"failed\"");
    let (options, lists) = edited(all_ended);
    let (emulator, client) = start_with(Config::default(), options);
    while lists.load(Ordering::SeqCst) == 0 {
        let (_, polls) = succeed_with_lists(&emulator, &client, 64).await;
        assert!(polls < 64 * 40, "{polls} polls");
    }
}

#[tokio::test]
async fn observers_see_the_status_that_a_list_shows() {
    let (emulator, client) = start();
    let seen = Arc::new(Mutex::new(vec![Vec::new(); 64]));
    let runs = (0..64).map(|index| {
        let seen = seen.clone();
        let observe = move |prediction: replicant::Value| {
            assert_eq!(prediction["input"]["value"].as_i64(), Some(index as i64));
            seen.lock().unwrap()[index].push(prediction["status"].to_string());
        };
        endless(&client, index).observe(observe).into_future()
    });
    let all_show = |status: &'static str| {
        let seen = seen.clone();
        move || seen.lock().unwrap().iter().all(|one| one.last().is_some_and(|last| last == status))
    };
    let phases = async {
        for status in ["starting", "processing"] {
            eventually(status, all_show(status)).await;
            pass_one_phase(&emulator);
        }
    };
    assert!(tokio::join!(join_all(runs), phases).0.iter().all(Result::is_ok));
    for statuses in seen.lock().unwrap().iter_mut() {
        statuses.dedup();
        assert_eq!(*statuses, ["starting", "processing", "succeeded"]);
    }
    assert!(reads(&emulator).0 > 0);
}

#[test]
fn a_runtime_that_is_blocked_does_not_stall_that_of_others() {
    let (_emulator, client) = start();
    let (ended, has_ended) = mpsc::channel();
    let blocks = Arc::new(AtomicBool::new(false));
    let blocked = std::thread::spawn({
        let (client, blocks) = (client.clone(), blocks.clone());
        move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let runs = join_all((0..40).map(|index| run(&client, index).into_future()));
                let block = async {
                    // 4 seconds on the fast clock: the runs are waiting.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    blocks.store(true, Ordering::SeqCst);
                    has_ended.recv_timeout(Duration::from_secs(60)).unwrap();
                };
                assert!(tokio::join!(runs, block).0.iter().all(Result::is_ok));
            });
        }
    });
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        // The last ones begin and end while the other runtime is blocked.
        loop {
            let blocked = blocks.load(Ordering::SeqCst);
            all_succeed(&client, 64).await;
            if blocked {
                break;
            }
        }
    });
    ended.send(()).unwrap();
    blocked.join().unwrap();
}
