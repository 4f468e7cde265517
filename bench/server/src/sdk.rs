//! The workloads with the Rust SDK, which shows the cost of the bindings.

use std::sync::Arc;

use futures_util::{StreamExt, future::join_all};
use replicant::{Client, File, Options, Status, Value, json, operation};

use crate::{
    measure::{report, timed},
    plain::{CALLS, CONCURRENT, UPLOAD},
    responses::FILE,
};

/// Predictions that are awaited concurrently.
const WAITED: u64 = 1000;

/// Runs a workload on the runtime that suits it best.
pub fn run(workload: &str, origin: &str, seconds: f64) {
    let runtime = if workload.ends_with("_64") {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    };
    runtime.expect("a runtime").block_on(measure(workload, Arc::from(origin), seconds));
}

async fn measure(workload: &str, origin: Arc<str>, seconds: f64) {
    let options =
        Options { token: Some("r8_bench".into()), base_url: Some(origin.to_string()), ..Options::default() };
    let client = &Client::new(options).expect("a client");
    match workload {
        "create_1" | "run_1" => {
            report(seconds, || async {
                for _ in 0..CALLS {
                    call(client.clone(), workload).await;
                }
                CALLS
            })
            .await;
        }
        "create_64" | "run_64" => {
            let create = workload == "create_64";
            report(seconds, || async {
                let callers = (0..CONCURRENT).map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move {
                        for _ in 0..CALLS / 8 {
                            call(client.clone(), if create { "create_64" } else { "run_64" }).await;
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
                let params = json!({"ref": "bench/stream", "input": {"prompt": "a heron"}});
                let mut items = operation::open(client, "stream", params.into());
                let mut events = 0;
                while let Some(item) = items.next().await {
                    events += u64::from(matches!(item.expect("an event"), operation::Item::Event(_)));
                }
                events
            })
            .await;
        }
        "download" => {
            timed(0.0, || async {
                let params = json!({"url": format!("{origin}/file")});
                let mut items = operation::open(client, "output.read", params.into());
                let mut size = 0;
                while let Some(item) = items.next().await {
                    if let operation::Item::Bytes(bytes) = item.expect("bytes") {
                        size += bytes.len() as u64;
                    }
                }
                size
            })
            .await;
        }
        "download_saved" => {
            let path = std::env::temp_dir().join(format!("replicant-bench-{}", std::process::id()));
            timed(0.0, || async {
                let params = json!({"url": format!("{origin}/file"), "path": path.to_string_lossy()});
                operation::call(client, "output.save", params.into(), None).await.expect("a file");
                FILE
            })
            .await;
            let _ = std::fs::remove_file(&path);
        }
        "upload" | "upload_memory" => {
            let path = std::env::var("BENCH_FILE").expect("BENCH_FILE: the file to send");
            let file = match workload {
                "upload" => File::path(path),
                _ => File::bytes(std::fs::read(path).expect("a file")),
            };
            report(seconds, || async {
                let mut params = Value::object();
                params["file"] = file.clone().into();
                operation::call(client, "files.create", params, None).await.expect("a file");
                UPLOAD
            })
            .await;
        }
        "wait" => {
            timed(0.0, || async {
                let waited = (0..WAITED).map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move {
                        let input = json!({"prompt": "a heron at dawn, oil on canvas"});
                        let created = client.predictions().create("bench/slow", input).await;
                        let ended = client.predictions().wait(&created.expect("a prediction").id).await;
                        assert_eq!(ended.expect("an end").status, Status::Succeeded);
                    })
                });
                join_all(waited).await;
                WAITED
            })
            .await;
        }
        "large" => {
            report(seconds, || async {
                let prediction = client.predictions().get("big").await.expect("a prediction");
                u64::from(prediction.output.as_array().is_some_and(|items| items.len() == 54_000))
            })
            .await;
        }
        _ => {
            eprintln!("the Rust SDK does not run {workload:?}");
            std::process::exit(3);
        }
    }
}

async fn call(client: Client, workload: &str) {
    let input = json!({"prompt": "a heron at dawn, oil on canvas"});
    if workload.starts_with("create") {
        let created = client.predictions().create("0".repeat(64), input).await;
        assert_eq!(created.expect("a prediction").id, "p1");
    } else {
        assert!(client.run("bench/run", input).await.expect("an output").as_str().is_some());
    }
}
