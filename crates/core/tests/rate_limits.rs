//! The rate gate: requests wait for their turn instead of failing with 429.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::IntoFuture,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all, stream};
use replicant::{Client, ErrorKind, OnAbandon, Options, RateLimitOption, RetryPolicy, json};
use replicant_emulator::{Config, Emulator, RateLimits};
use support::{CANCEL, fast, play, quick, settled};

/// Starts an emulator that allows `per_minute` creates, `burst` of them at once.
fn start(per_minute: u32, burst: u32) -> Emulator {
    let limits =
        RateLimits { creates_per_minute: per_minute, creates_burst: Some(burst), ..RateLimits::default() };
    Emulator::start(Config { rate_limits: Some(limits), ..Config::default() }).unwrap()
}

fn client_of(emulator: &Emulator, options: Options) -> Client {
    Client::new(Options { base_url: Some(emulator.base_url()), token: Some("r8_token".into()), ..options })
        .unwrap()
}

/// Returns how many creates arrived.
fn creates(emulator: &Emulator) -> usize {
    emulator.requests_json().matches("/echo/predictions\"").count()
}

#[tokio::test]
async fn runs_beyond_the_limit_wait_for_their_turn() {
    let emulator = start(1200, 10);
    let client = client_of(&emulator, Options::default());
    let runs =
        stream::iter(0..90).map(|index| client.run("emulator/echo", json!({"value": index})).into_future());
    let began = Instant::now();
    let failed = runs.buffer_unordered(64).filter(|output| std::future::ready(output.is_err())).count().await;
    assert_eq!(failed, 0);
    assert!(began.elapsed() >= Duration::from_millis(3900), "{:?}", began.elapsed());
    let creates = creates(&emulator);
    // On a machine so busy that the first response takes longer than 250 ms, all of the first 64 are sent before it.
    assert!(creates <= 90 + 64, "{creates} creates for 90 runs");
    let limits = client.rate_limit().unwrap();
    assert_eq!((limits.creates.waiting, limits.others.per_minute), (0, None), "{limits:?}");
    assert!(limits.creates.per_minute.unwrap() < 3000.0, "{limits:?}");
}

#[tokio::test]
async fn without_a_gate_runs_beyond_the_limit_fail() {
    let emulator = start(60, 2);
    let options =
        Options { rate_limit: Some(RateLimitOption::Off), max_retries: Some(0), ..Options::default() };
    let client = client_of(&emulator, options);
    let outputs =
        join_all((0..5).map(|_| client.run("emulator/echo", json!({"value": 1})).into_future())).await;
    let failed: Vec<_> = outputs.iter().filter_map(|output| output.as_ref().err()).collect();
    assert_eq!(failed.len(), 3);
    assert!(failed.iter().all(|error| error.kind() == ErrorKind::RateLimited));
    assert_eq!(client.rate_limit(), None);
}

#[tokio::test]
async fn clients_of_a_token_share_the_limit() {
    let emulator = start(1, 1);
    let clients = [(); 2].map(|()| client_of(&emulator, Options::default()));
    clients[0].run("emulator/echo", json!({"value": 1})).await.unwrap();
    // The limit is kept as long as its clients.
    let creates = clients.each_ref().map(|client| client.rate_limit().unwrap().creates);
    assert_eq!((creates[0].remaining, creates[1].remaining), (Some(0), Some(0)));
    let other = Options { token: Some("r8_other".into()), ..Options::default() };
    let other = Client::new(Options { base_url: Some(emulator.base_url()), ..other }).unwrap();
    assert_eq!(other.rate_limit().unwrap().creates.per_minute, None);
    let elsewhere = client_of(&start(1, 1), Options::default());
    assert_eq!(elsewhere.rate_limit().unwrap().creates.per_minute, None);
}

#[tokio::test]
async fn clients_with_headers_of_different_tokens_share_no_limit() {
    let emulator = start(20, 1);
    let clients = ["Bearer r8_one", "Bearer r8_other"].map(|header| {
        let headers = [("Authorization".to_owned(), header.to_owned())].into_iter().collect();
        let options = Options { base_url: Some(emulator.base_url()), headers, ..Options::default() };
        Client::new(options).unwrap()
    });
    clients[0].run("emulator/echo", json!({"value": 1})).await.unwrap();
    let creates = clients.map(|client| client.rate_limit().unwrap().creates);
    assert_eq!((creates[0].remaining, creates[1].remaining), (Some(0), None));
    // The header replaces the token.
    let options = |token: &str, headers| {
        let token = Some(token.to_owned().into());
        Options { base_url: Some(emulator.base_url()), token, headers, ..Options::default() }
    };
    let header = [("authorization".to_owned(), "Bearer r8_third".to_owned())].into_iter().collect();
    let with_header = Client::new(options("r8_ignored", header)).unwrap();
    let with_token = Client::new(options("r8_third", Default::default())).unwrap();
    with_header.run("emulator/echo", json!({"value": 1})).await.unwrap();
    assert_eq!(with_token.rate_limit().unwrap().creates.remaining, Some(0));
}

#[tokio::test]
async fn a_known_limit_is_kept() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let options = Options { rate_limit: Some(RateLimitOption::PerMinute(600.0)), ..Options::default() };
    let client = client_of(&emulator, options);
    let began = Instant::now();
    let outputs =
        join_all((0..25).map(|_| client.run("emulator/echo", json!({"value": 1})).into_future())).await;
    assert!(outputs.iter().all(Result::is_ok));
    assert!(began.elapsed() >= Duration::from_millis(1400), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_abandoned_run_leaves_its_place_to_the_next() {
    // The next turn is in three seconds.
    let emulator = start(20, 1);
    let client = client_of(&emulator, Options::default());
    client.run("emulator/echo", json!({"value": 1})).await.unwrap();
    for n in 0..20 {
        let on_abandon = if n % 2 == 0 { OnAbandon::Cancel } else { OnAbandon::Leave };
        let run = client.run("emulator/echo", json!({"value": 2})).on_abandon(on_abandon);
        assert!(tokio::time::timeout(Duration::from_millis(1), run.into_future()).await.is_err());
    }
    let began = Instant::now();
    client.run("emulator/echo", json!({"value": 3})).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    replicant::background::drain(Duration::from_secs(10)).await;
    let page = client.predictions().list().await.unwrap();
    let values: Vec<_> = page.results.iter().map(|prediction| prediction.input["value"].as_i64()).collect();
    assert_eq!(values, [Some(3), Some(1)]);
    assert_eq!(client.rate_limit().unwrap().creates.waiting, 0);
}

#[tokio::test]
async fn requests_are_sent_in_order() {
    let emulator = start(600, 1);
    let client = Arc::new(client_of(&emulator, Options::default()));
    client.run("emulator/echo", json!({"value": 0})).await.unwrap();
    let runs = (1..12).map(|index| {
        let client = client.clone();
        tokio::spawn(async move {
            client.run("emulator/echo", json!({"value": index})).await.unwrap();
        })
    });
    join_all(runs).await;
    let page = client.predictions().list().await.unwrap();
    let values: Vec<_> =
        page.results.iter().rev().map(|prediction| prediction.input["value"].as_i64()).collect();
    assert_eq!(values, (0..12).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_timeout_ends_the_wait_for_a_turn() {
    let emulator = start(6, 1);
    let client = client_of(&emulator, Options::default());
    client.run("emulator/echo", json!({"value": 1})).await.unwrap();
    let create = || client.predictions().create("emulator/echo", json!({"value": 1}));
    // From the 429, the client learns how long creates pause.
    assert_eq!(create().max_retries(0).await.unwrap_err().kind(), ErrorKind::RateLimited);
    let error = create().request_timeout(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("rate limit of "), "{error}");
    let run = client.run("emulator/echo", json!({"value": 1})).timeout(Duration::from_millis(100));
    let error = run.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    replicant::background::drain(Duration::from_secs(10)).await;
    assert_eq!(creates(&emulator), 2);
}

#[tokio::test]
async fn a_429_uses_up_no_retry_unless_retries_are_off() {
    let busy = r#"{"expect": {"method": "POST"}, "reply": {"status": 429, "headers": {"retry-after": "1"}, "json": {"detail": "busy"}}}"#;
    let created = r#"{"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded"}}}"#;
    let exchanges = format!("[{}, {created}]", [busy; 4].join(", "));
    let options = Options { max_retries: Some(1), ..quick() };
    let (_emulator, script, client) = play(&exchanges, options);
    client.predictions().create("acme/text", json!({})).await.unwrap();
    settled(&script).await;

    let (_emulator, script, client) = play(&format!("[{busy}]"), Options::default());
    let error = client.predictions().create("acme/text", json!({})).max_retries(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    settled(&script).await;
}

#[tokio::test]
async fn an_api_that_rejects_everything_ends_the_wait() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let rule = r#"{"match": {"method": "POST"}, "times": 1000, "action": {"status": 429, "json": {"detail": "busy", "retry_after": 10}}}"#;
    emulator.add_faults(rule).unwrap();
    let client = client_of(&emulator, fast(100.0));
    let error = client.predictions().create("emulator/echo", json!({"value": 1})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(error.message().contains("attempts"), "{error}");
    let creates = creates(&emulator);
    assert!((8..=40).contains(&creates), "{creates} creates in five minutes");
}

#[tokio::test]
async fn another_origin_does_not_change_the_limits() {
    let redirect = r#"{"expect": {"origin": "main"}, "reply": {"status": 307, "headers": {"location": "{{other}}/p1"}}}"#;
    let other = |reply: &str| {
        let headers =
            r#""headers": {"retry-after": "1", "ratelimit-remaining": "0", "ratelimit-reset": "60"}"#;
        format!(r#"{{"expect": {{"origin": "other"}}, "reply": {{{headers}, {reply}}}}}"#)
    };
    let busy = other(r#""status": 429"#);
    let done = other(r#""json": {"id": "p1", "status": "succeeded"}"#);
    let exchanges = format!("[{redirect}, {busy}, {redirect}, {done}]");
    let (_emulator, script, client) = play(&exchanges, quick());
    client.predictions().get("p1").max_retries(1).await.unwrap();
    let polls = client.rate_limit().unwrap().polls;
    assert_eq!((polls.per_minute, polls.remaining), (None, None), "{polls:?}");
    settled(&script).await;
}

#[tokio::test]
async fn a_redirect_uses_up_a_turn() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let exchanges = format!(
        r#"[{{"expect": {{}}, "reply": {{"status": 307, "headers": {{"location": "http://{closed}/p1", "ratelimit-remaining": "0", "ratelimit-reset": "60"}}}}}}]"#
    );
    let (_emulator, script, client) = play(&exchanges, Options::default());
    let error = client.predictions().get("p1").max_retries(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    let error = client.predictions().get("p1").timeout(Duration::from_millis(100)).await.unwrap_err();
    assert!(error.message().contains("rate limit of "), "{error}");
    settled(&script).await;
}

#[tokio::test]
async fn a_reset_far_away_or_at_a_time_of_day_does_not_pause_requests() {
    for reset in [r#""ratelimit-reset": "3600""#, r#""x-ratelimit-reset": "1760000000""#] {
        // Also after a count that showed a large burst.
        let poll = |remaining: u8, times: u8| {
            format!(
                r#"{{"expect": {{}}, "times": {times}, "reply": {{"headers": {{"ratelimit-remaining": "{remaining}", {reset}}}, "json": {{"id": "p1", "status": "succeeded"}}}}}}"#
            )
        };
        let polls = format!("[{}, {}, {}]", poll(0, 2), poll(99, 1), poll(0, 2));
        let (_emulator, script, client) = play(&polls, Options::default());
        for _ in 0..5 {
            client.predictions().get("p1").timeout(Duration::from_secs(20)).await.unwrap();
        }
        settled(&script).await;
    }
}

#[tokio::test]
async fn a_create_that_cannot_be_sent_uses_up_no_turn() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = Some(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let options = Options {
        base_url,
        rate_limit: Some(RateLimitOption::PerMinute(1.0)),
        retry: Some(RetryPolicy { base: Duration::from_millis(10), ..RetryPolicy::default() }),
        ..Options::default()
    };
    let create = Client::new(options).unwrap().predictions().create("acme/text", json!({}));
    let error = create.request_timeout(Duration::from_secs(30)).await.unwrap_err();
    assert!(error.message().contains("6 attempts"), "{error}");
}

#[tokio::test]
async fn a_delay_that_is_too_long_for_one_request_does_not_hold_back_others() {
    let exchanges = r#"[
        {"expect": {"method": "POST"}, "reply": {"status": 429, "headers": {"retry-after": "3600"}}},
        {"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p1", "status": "succeeded"}}}]"#;
    let (_emulator, script, client) = play(exchanges, Options::default());
    let run = || client.run("acme/text", json!({})).timeout(Duration::from_secs(30));
    assert_eq!(run().await.unwrap_err().kind(), ErrorKind::RateLimited);
    run().await.unwrap();
    settled(&script).await;
}

#[tokio::test]
async fn a_cancel_waits_for_no_turn() {
    let list = r#"{"expect": {"method": "GET"}, "reply": {"status": 429, "headers": {"retry-after": "60"}}}"#;
    let options = Options { max_retries: Some(0), ..Options::default() };
    let (_emulator, script, client) = play(&format!("[{list}, {CANCEL}]"), options);
    assert_eq!(client.predictions().list().await.unwrap_err().kind(), ErrorKind::RateLimited);
    client.predictions().cancel("p1").request_timeout(Duration::from_secs(30)).await.unwrap();
    settled(&script).await;
}
