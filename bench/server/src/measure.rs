//! Measures one workload in this process, as `cases/measure.py` and `cases/measure.mjs` do.

use std::{
    fs,
    future::Future,
    time::{Duration, Instant},
};

use serde_json::json;

/// Measures `work`, which returns its number of items, for `seconds` after one unmeasured round.
pub async fn report<F: Future<Output = u64>>(seconds: f64, mut work: impl FnMut() -> F) {
    work().await;
    timed(seconds, work).await;
}

/// Does the same as [`report`] without the unmeasured round, for long workloads.
pub async fn timed<F: Future<Output = u64>>(seconds: f64, mut work: impl FnMut() -> F) {
    let memory = peak();
    let (cpu, began) = (cpu(), Instant::now());
    let mut items = 0;
    while items == 0 || began.elapsed() < Duration::from_secs_f64(seconds) {
        items += work().await;
    }
    let wall = began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({
            "items": items, "wall": wall, "cpu": self::cpu() - cpu,
            "rss": peak(), "grown": peak() - memory,
        })
    );
}

/// Returns the CPU time of the threads of this process in seconds, on Linux.
fn cpu() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds: f64 = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum();
    nanoseconds / 1e9
}

/// Returns the peak resident memory in bytes, on Linux.
fn peak() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<i64>().ok()).unwrap_or_default() << 10
}
