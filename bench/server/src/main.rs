//! The Rust programs of the benchmarks:
//!
//! * `replicant-bench serve` is the server;
//! * `replicant-bench plain WORKLOAD ORIGIN SECONDS` runs a workload with plain reqwest, the upper bound;
//! * `replicant-bench synced WORKLOAD ORIGIN SECONDS` does the same and syncs saved files to the disk;
//! * `replicant-bench sdk WORKLOAD ORIGIN SECONDS` runs a workload with the Rust SDK;
//! * `replicant-bench paths` times the hot paths of the core without a socket, `path NAME TIMES` runs one of them.

mod measure;
mod paths;
mod plain;
mod responses;
mod sdk;
mod server;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => server::serve(),
        ["plain", workload, origin, seconds] => plain::run(workload, origin, seconds_of(seconds), false),
        ["synced", workload, origin, seconds] => plain::run(workload, origin, seconds_of(seconds), true),
        ["sdk", workload, origin, seconds] => sdk::run(workload, origin, seconds_of(seconds)),
        ["paths"] => paths::time(),
        ["paths", "--list"] => paths::list(),
        ["path", name, times] => paths::run(name, times.parse().expect("TIMES must be a number")),
        _ => {
            eprintln!(
                "usage: replicant-bench serve | plain|synced|sdk WORKLOAD ORIGIN SECONDS | paths | path NAME TIMES"
            );
            std::process::exit(2);
        }
    }
}

fn seconds_of(text: &str) -> f64 {
    text.parse().expect("SECONDS must be a number")
}
