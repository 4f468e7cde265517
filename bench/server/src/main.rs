//! What the benchmarks need from Rust, in one program:
//!
//! * `replicant-bench serve` answers like the API, from bodies made beforehand;
//! * `replicant-bench plain WORK ORIGIN SECONDS` does a work with reqwest alone: the limit;
//! * `replicant-bench synced WORK ORIGIN SECONDS` does too, and waits until the disk has what it saved;
//! * `replicant-bench sdk WORK ORIGIN SECONDS` does it with the Rust SDK;
//! * `replicant-bench paths` times the core's hot paths without a socket, `path NAME TIMES` does one of them.

mod answers;
mod measure;
mod paths;
mod plain;
mod sdk;
mod server;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => server::serve(),
        ["plain", work, origin, seconds] => plain::run(work, origin, seconds_of(seconds), false),
        ["synced", work, origin, seconds] => plain::run(work, origin, seconds_of(seconds), true),
        ["sdk", work, origin, seconds] => sdk::run(work, origin, seconds_of(seconds)),
        ["paths"] => paths::time(),
        ["paths", "--list"] => paths::list(),
        ["path", name, times] => paths::run(name, times.parse().expect("TIMES must be a number")),
        _ => {
            eprintln!(
                "usage: replicant-bench serve | plain|synced|sdk WORK ORIGIN SECONDS | paths | path NAME TIMES"
            );
            std::process::exit(2);
        }
    }
}

fn seconds_of(text: &str) -> f64 {
    text.parse().expect("SECONDS must be a number")
}
