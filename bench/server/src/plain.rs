//! The workloads with plain reqwest: the upper bound for a client that uses reqwest.

use std::{
    fs::File,
    io::{Read, Write},
    sync::Arc,
};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use crate::measure::{report, timed};

/// Concurrent callers.
pub const CONCURRENT: usize = 64;
/// Calls per round.
pub const CALLS: u64 = 256;
/// Size of an upload.
pub const UPLOAD: u64 = 90 << 20;

/// Runs a workload on the runtime that suits it best. With `synced`, saved files are synced to the disk.
pub fn run(workload: &str, origin: &str, seconds: f64, synced: bool) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = if workload.ends_with("_64") {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    };
    let client = Client::builder().tls_backend_preconfigured(tls()).build().expect("a client");
    runtime.expect("a runtime").block_on(measure(workload, client, Arc::from(origin), seconds, synced));
}

fn tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

async fn measure(workload: &str, client: Client, origin: Arc<str>, seconds: f64, synced: bool) {
    let client = &client;
    let path = match workload {
        "create_1" | "create_64" => "/v1/predictions",
        _ => "/v1/models/bench/run/predictions",
    };
    match workload {
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
                let callers = (0..CONCURRENT).map(|_| {
                    let (client, url) = (client.clone(), format!("{origin}{path}"));
                    tokio::spawn(async move {
                        for _ in 0..CALLS / 8 {
                            post(client.clone(), url.clone()).await;
                        }
                    })
                });
                join_all(callers).await;
                CONCURRENT as u64 * CALLS / 8
            })
            .await;
        }
        "stream_sync" | "stream_async" => {
            report(seconds, || async {
                let mut response = get(client, &format!("{origin}/v1/stream/p1")).await;
                let mut ends = 0;
                while let Some(chunk) = response.chunk().await.expect("a chunk") {
                    ends += chunk.windows(2).filter(|pair| *pair == b"\n\n").count() as u64;
                }
                ends
            })
            .await;
        }
        "download" | "download_saved" => {
            let path = std::env::temp_dir().join(format!("replicant-bench-{}", std::process::id()));
            timed(0.0, || {
                let file = workload.ends_with("saved").then(|| File::create(&path).expect("a file"));
                download(client, &origin, file, synced)
            })
            .await;
            let _ = std::fs::remove_file(&path);
        }
        "upload" | "upload_memory" => {
            let path = std::env::var("BENCH_FILE").expect("BENCH_FILE: the file to send");
            let memory = workload
                .ends_with("memory")
                .then(|| bytes::Bytes::from(std::fs::read(&path).expect("a file")));
            report(seconds, || upload(client, &origin, &path, memory.clone())).await;
        }
        "large" => {
            report(seconds, || async {
                let response = get(client, &format!("{origin}/v1/predictions/big")).await;
                let body = response.bytes().await.expect("a body");
                let value: Value = serde_json::from_slice(&body).expect("JSON");
                u64::from(value["output"].as_array().is_some_and(|items| items.len() == 54_000))
            })
            .await;
        }
        _ => {
            eprintln!("plain reqwest does not run {workload:?}");
            std::process::exit(3);
        }
    }
}

async fn post(client: Client, url: String) {
    let input = json!({"version": "0".repeat(64), "input": {"prompt": "a heron at dawn, oil on canvas"}});
    let request = client.post(url).bearer_auth("r8_bench").header("content-type", "application/json");
    let response = request.body(input.to_string()).send().await.expect("a response");
    let body = response.bytes().await.expect("a body");
    let value: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(value["id"], "p1");
}

async fn get(client: &Client, url: &str) -> reqwest::Response {
    client.get(url).bearer_auth("r8_bench").send().await.expect("a response")
}

async fn download(client: &Client, origin: &str, mut file: Option<File>, synced: bool) -> u64 {
    let mut response = client.get(format!("{origin}/file")).send().await.expect("a response");
    let mut size = 0;
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
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
    let response = request.body(body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    UPLOAD
}
