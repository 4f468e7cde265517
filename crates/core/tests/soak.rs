//! Sends many mixed requests and checks what the process keeps. `make soak` runs it against `tests/soak/server.mjs`, which
//! breaks connections on a schedule.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, future::join_all};
use replicant::{Client, ErrorKind, File, Item, OnAbandon, Options, Value, json, operation};
use tokio::time::timeout;

const TASKS: usize = 64;
/// In MiB.
const GROWTH: f64 = 8.0;

async fn one(client: &Client, number: u64) {
    match number % 100 {
        0..72 => drop(client.predictions().get("p1").await.unwrap()),
        72..80 => {
            let error = client.predictions().get("missing").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        80..86 => {
            let slow = client.predictions().get("slow").into_future();
            assert!(timeout(Duration::from_millis(10), slow).await.is_err());
        }
        86..89 => {
            let mut input: Value = json!({"prompt": "x"}).into();
            input["image"] = File::bytes(vec![7; 700]).into();
            client.run("acme/picture", input).await.unwrap();
        }
        89..91 => {
            let run = client.run("acme/text", json!({})).into_future();
            let _ = timeout(Duration::from_millis(30), run).await;
        }
        91..94 => {
            let events = client.stream("acme/text", json!({})).await.unwrap();
            assert_eq!(events.try_collect::<Vec<_>>().await.unwrap().len(), 41);
        }
        94..97 => {
            let mut events =
                client.stream("acme/text", json!({})).on_abandon(OnAbandon::Cancel).await.unwrap();
            events.next().await.unwrap().unwrap();
        }
        rest => {
            let output = client.predictions().get("p1").await.unwrap().output;
            let mut chunks =
                operation::open(client, "output.read", json!({"url": output[0].as_str()}).into());
            let mut size = 0;
            while let Some(Item::Bytes(chunk)) = chunks.try_next().await.unwrap() {
                size += chunk.len();
                if rest == 97 {
                    return;
                }
            }
            assert_eq!(size, 256 * 1024);
        }
    }
}

async fn counts(client: &Client, origin: &str) -> Value {
    let params = json!({"path": format!("{origin}/counts")});
    let reply = operation::call(client, "request", params.into(), None).await.unwrap();
    let Value::Bytes(bytes) = reply.value else { panic!("no bytes") };
    Value::from_json(&bytes).unwrap()
}

async fn send(client: &Client, origin: &str, requests: i64) {
    let sent = async || counts(client, origin).await["requests"].as_i64().unwrap();
    let until = sent().await + requests;
    let (number, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = async || {
        while done.load(Ordering::Relaxed) == 0 {
            one(client, number.fetch_add(1, Ordering::Relaxed)).await;
        }
    };
    let watch = async {
        while sent().await < until {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        done.store(1, Ordering::Relaxed);
    };
    futures_util::join!(join_all((0..TASKS).map(|_| work())), watch);
    replicant::background::drain(Duration::from_secs(10)).await;
}

/// Returns the resident memory in MiB and the number of open descriptors.
fn usage() -> (f64, usize) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    (kib / 1024.0, fs::read_dir("/proc/self/fd").unwrap().count())
}

#[tokio::test]
#[ignore = "run by `make soak`, with a server"]
async fn many_mixed_requests_leave_nothing_behind() {
    let (origin, requests) = (env::var("SOAK_ORIGIN").unwrap(), env::var("SOAK_REQUESTS").unwrap());
    let requests: i64 = requests.parse().unwrap();
    let client = Client::new(Options {
        base_url: Some(format!("{origin}/v1")),
        token: Some("r8_soak".into()),
        ..Options::default()
    })
    .unwrap();
    send(&client, &origin, (requests / 10).max(1000)).await;
    let before = usage();
    send(&client, &origin, requests).await;
    let mut after = usage();
    for _ in 0..600 {
        if after.1 <= before.1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = usage();
    }
    let counts = counts(&client, &origin).await;
    println!("Rust: {} requests, {} faults", counts["requests"], counts["faults"]);
    println!(
        "  memory {:.1} MiB after the warm-up, grew by {:+.1} MiB (at most {GROWTH})",
        before.0,
        after.0 - before.0
    );
    println!("  descriptors {} before, {} after", before.1, after.1);
    assert!(after.0 - before.0 < GROWTH && after.1 <= before.1);
}
