//! The works with reqwest alone and nothing around it: what no client over reqwest can beat by much.

use std::{
    fs::File,
    io::{Read, Write},
    sync::Arc,
};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use crate::measure::{report, timed};

/// Calls at a time, where it is many.
pub const AT_ONCE: usize = 64;
/// Calls between two looks at the clock.
pub const CALLS: u64 = 256;
/// The size of an upload.
pub const UPLOAD: u64 = 90 << 20;

/// A work on the runtime that suits it best; `synced` leaves nothing to the system to write later.
pub fn run(work: &str, origin: &str, seconds: f64, synced: bool) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = if work.ends_with("_64") {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    };
    let client = Client::builder().tls_backend_preconfigured(tls()).build().expect("a client");
    runtime.expect("a runtime").block_on(measure(work, client, Arc::from(origin), seconds, synced));
}

fn tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

async fn measure(work: &str, client: Client, origin: Arc<str>, seconds: f64, synced: bool) {
    let client = &client;
    let path = match work {
        "create_1" | "create_64" => "/v1/predictions",
        _ => "/v1/models/bench/run/predictions",
    };
    match work {
        "create_1" | "run_1" => {
            report(seconds, || async {
                for _ in 0..CALLS {
                    post(client.clone(), format!("{origin}{path}")).await;
                }
                CALLS
            })
            .await;
        }
        "create_64" | "run_64" => {
            report(seconds, || async {
                let callers = (0..AT_ONCE).map(|_| {
                    let (client, url) = (client.clone(), format!("{origin}{path}"));
                    tokio::spawn(async move {
                        for _ in 0..CALLS / 8 {
                            post(client.clone(), url.clone()).await;
                        }
                    })
                });
                join_all(callers).await;
                AT_ONCE as u64 * CALLS / 8
            })
            .await;
        }
        "stream_sync" | "stream_async" => {
            report(seconds, || async {
                let mut answer = get(client, &format!("{origin}/v1/stream/p1")).await;
                let mut ends = 0;
                while let Some(chunk) = answer.chunk().await.expect("a chunk") {
                    ends += chunk.windows(2).filter(|pair| *pair == b"\n\n").count() as u64;
                }
                ends
            })
            .await;
        }
        "download" | "download_saved" => {
            let path = std::env::temp_dir().join(format!("replicant-bench-{}", std::process::id()));
            timed(0.0, || {
                let file = work.ends_with("saved").then(|| File::create(&path).expect("a file"));
                download(client, &origin, file, synced)
            })
            .await;
            let _ = std::fs::remove_file(&path);
        }
        "upload" | "upload_memory" => {
            let path = std::env::var("BENCH_FILE").expect("BENCH_FILE: the file to send");
            let memory =
                work.ends_with("memory").then(|| bytes::Bytes::from(std::fs::read(&path).expect("a file")));
            report(seconds, || upload(client, &origin, &path, memory.clone())).await;
        }
        "large" => {
            report(seconds, || async {
                let answer = get(client, &format!("{origin}/v1/predictions/big")).await;
                let body = answer.bytes().await.expect("a body");
                let value: Value = serde_json::from_slice(&body).expect("JSON");
                u64::from(value["output"].as_array().is_some_and(|items| items.len() == 54_000))
            })
            .await;
        }
        _ => {
            eprintln!("plain reqwest does not do {work:?}");
            std::process::exit(3);
        }
    }
}

async fn post(client: Client, url: String) {
    let input = json!({"version": "0".repeat(64), "input": {"prompt": "a heron at dawn, oil on canvas"}});
    let request = client.post(url).bearer_auth("r8_bench").header("content-type", "application/json");
    let answer = request.body(input.to_string()).send().await.expect("an answer");
    let body = answer.bytes().await.expect("a body");
    let value: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(value["id"], "p1");
}

async fn get(client: &Client, url: &str) -> reqwest::Response {
    client.get(url).bearer_auth("r8_bench").send().await.expect("an answer")
}

async fn download(client: &Client, origin: &str, mut file: Option<File>, synced: bool) -> u64 {
    let mut answer = client.get(format!("{origin}/file")).send().await.expect("an answer");
    let mut size = 0;
    while let Some(chunk) = answer.chunk().await.expect("a chunk") {
        size += chunk.len() as u64;
        if let Some(file) = &mut file {
            file.write_all(&chunk).expect("room");
        }
    }
    if let Some(file) = file.filter(|_| synced) {
        file.sync_data().expect("a disk");
    }
    size
}

async fn upload(client: &Client, origin: &str, path: &str, memory: Option<bytes::Bytes>) -> u64 {
    let body = match memory {
        Some(bytes) => reqwest::Body::from(bytes),
        None => {
            let file = File::open(path).expect("a file");
            let pieces = futures_util::stream::unfold(file, |mut file| async {
                let mut piece = vec![0; 256 << 10];
                let read = file.read(&mut piece).expect("bytes");
                piece.truncate(read);
                (read > 0).then_some((Ok::<_, std::io::Error>(piece), file))
            });
            reqwest::Body::wrap_stream(pieces)
        }
    };
    let request = client.post(format!("{origin}/v1/files")).header("content-length", UPLOAD);
    let answer = request.body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    UPLOAD
}
