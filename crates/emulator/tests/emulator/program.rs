//! The program and the `Emulator` type.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use replicant_emulator::{Config, Emulator};
use serde_json::Value;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_replicant-emulator"))
}

#[tokio::test]
async fn the_program_prints_its_addresses_and_stops_with_its_input() {
    let mut child = program()
        .args(["--until-stdin-closes", "--token", "t"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
    let line: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    for member in ["base_url", "origin", "replay_origin", "other_origin", "webhook_secret", "files_secret"] {
        assert!(line[member].is_string(), "{member}");
    }
    let url = format!("{}/account", line["base_url"].as_str().expect("a URL"));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    assert_eq!(http.get(&url).send().await.expect("sent").status(), 401);
    assert_eq!(http.get(&url).bearer_auth("t").send().await.expect("sent").status(), 200);
    drop(child.stdin.take());
    let mut printed = String::new();
    child.stderr.take().expect("errors").read_to_string(&mut printed).expect("text");
    assert!(
        printed.contains("REPLICATE_API_TOKEN=<the token>") && !printed.contains("any-token"),
        "{printed}"
    );
    let (origin, base) = (line["origin"].as_str().expect("a URL"), line["base_url"].as_str().expect("a URL"));
    assert!(printed.contains(&format!("REPLICATE_BASE_URL={origin} ")), "{printed}");
    assert!(printed.contains(&format!("baseUrl: {base:?}")), "{printed}");
    assert!(child.wait().expect("ended").success());
}

#[test]
fn the_program_explains_its_arguments() {
    let help = program().arg("--help").output().expect("ran");
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--until-stdin-closes"));
    let wrong = program().arg("--prot").output().expect("ran");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("unknown argument \"--prot\""));
    let alone = program().args(["--cog", "a/b=http://127.0.0.1:1"]).output().expect("ran");
    assert!(
        String::from_utf8_lossy(&alone.stderr)
            .contains("model a/b: the Cog server at http://127.0.0.1:1 does not respond")
    );
}

#[test]
fn the_program_prints_its_version() {
    let ended = program().arg("--version").output().expect("ran");
    let version = concat!("replicant-emulator ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((ended.status.success(), &*String::from_utf8_lossy(&ended.stdout)), (true, version));
}

/// Returns what the program prints for people.
fn instructions(arguments: &[&str]) -> String {
    let ended = program().args(arguments).arg("--until-stdin-closes").stdin(Stdio::null()).output();
    String::from_utf8(ended.expect("ran").stderr).expect("text")
}

#[test]
fn the_instructions_fit_the_mode() {
    let folder = std::env::temp_dir().join(format!("replicant-instructions-{}", std::process::id()));
    let path = folder.to_str().expect("text");
    let emulated = instructions(&[]);
    assert!(emulated.contains("REPLICATE_API_TOKEN=any-token"), "{emulated}");
    assert!(emulated.contains("Predictions, for a browser"), "{emulated}");
    let recorded = instructions(&["record", "--to", path]);
    assert!(recorded.contains("REPLICATE_API_TOKEN=<your Replicate token>"), "{recorded}");
    assert!(!recorded.contains("any-token"), "the API needs a real one: {recorded}");
    let exchange = r#"{"request": {"method": "GET", "url": "https://api.replicate.com/v1/account"}, "response": {"status": 200}}"#;
    std::fs::write(folder.join("0001.json"), exchange).expect("written");
    let replayed = instructions(&["replay", path]);
    assert!(replayed.contains("REPLICATE_API_TOKEN=any-token"), "{replayed}");
    for printed in [recorded, replayed] {
        assert!(!printed.contains("Predictions, for a browser"), "{printed}");
    }
    std::fs::write(folder.join("0001.json"), "{").expect("written");
    let broken = instructions(&["replay", path]);
    assert!(broken.starts_with("error: ") && !broken.contains("--help"), "{broken}");
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(instructions(&["--prot"]).contains("Try --help."));
}

#[test]
fn a_child_reports_errors_where_its_parent_expects_the_addresses() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for (arguments, invalid, text) in [
        (["--child", "--prot=1"], true, "unknown argument \"--prot\""),
        (["--time-scale=0", "--child"], true, "time_scale must be above 0"),
        (["--webhook-secret=abc", "--child"], true, "`webhook_secret` must be `whsec_` and base64"),
        (["--webhook-secret=whsec_", "--child"], true, "`webhook_secret` must be `whsec_` and base64"),
        (["--child", &format!("--port={port}")], false, "cannot listen on 127.0.0.1:"),
    ] {
        let ended = program().args(arguments).stdin(Stdio::piped()).output().expect("ran");
        let report: Value = serde_json::from_slice(&ended.stdout).expect("a line of JSON");
        assert_eq!(report["invalid"], invalid, "{report}");
        assert!(report["error"].as_str().expect("text").contains(text), "{report}");
        assert!(ended.stderr.is_empty() && !ended.status.success());
    }
}

/// Ends the ignoring of signals, which a background shell passes on to the programs that it starts: a process whose parent
/// handles a signal begins with the default.
#[cfg(all(unix, feature = "tls"))]
fn heed_signals() {
    use tokio::signal::unix::{SignalKind, signal};

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()] {
        if ignored & 1 << (kind.as_raw_value() - 1) != 0 {
            drop(signal(kind).expect("handled"));
        }
    }
}

#[cfg(all(unix, feature = "tls"))]
#[test]
fn a_signal_ends_the_program_without_leaving_its_certificate_authority_behind() {
    heed_signals();
    for (name, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        for words in [&["--tls"][..], &["--tls", "--child"]] {
            let mut child = program()
                .args(words)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("started");
            // Held, because a child ends with its input too.
            let _input = child.stdin.take();
            let mut line = String::new();
            BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
            let addresses: Value = serde_json::from_str(&line).expect("JSON");
            let authority = std::path::Path::new(addresses["ca_bundle"].as_str().expect("a path"));
            assert!(authority.is_file());
            let id = child.id().to_string();
            assert!(Command::new("kill").args(["-s", name, &id]).status().expect("sent").success());
            assert_eq!(child.wait().expect("ended").code(), Some(code), "{name}");
            assert!(!authority.exists(), "{name}");
        }
    }
}

#[test]
fn an_emulator_frees_its_port_when_it_stops() {
    let emulator = Emulator::start(Config::default()).expect("started");
    let address = emulator.origin().trim_start_matches("http://").to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    let port = address.rsplit(':').next().expect("a port").parse().expect("a number");
    let error = Emulator::start(Config { port, ..Config::default() }).expect_err("taken");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
    emulator.stop();
    assert!(std::net::TcpStream::connect(&address).is_err());
    let again =
        Emulator::start(Config { port, replay_only: true, ..Config::default() }).expect("the port is free");
    assert_eq!(again.origin(), again.replay_origin());
    assert!(Emulator::start(Config { time_scale: 0.0, ..Config::default() }).is_err());
}
