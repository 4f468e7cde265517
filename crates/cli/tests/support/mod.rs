//! Helpers for the tests, which run the real program against the emulator.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "no test uses all of it")]

pub mod batches;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use replicant_emulator::{Config, Emulator};
use serde_json::Value;

pub const TOKEN: &str = "r8_a-token-that-must-not-leak";

/// A running emulator, and a home folder that is removed on drop.
pub struct Place {
    pub emulator: Emulator,
    pub home: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

impl Place {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        #[cfg(unix)]
        heed_signals();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("replicant-cli-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let home = std::env::temp_dir().join(name);
        fs::create_dir(&home).unwrap();
        Self { emulator: Emulator::start(config).unwrap(), home }
    }

    /// Returns the program with a token in its environment.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.logged_out(arguments);
        command.env("REPLICATE_API_TOKEN", TOKEN);
        command
    }

    /// Returns the program without a token in its environment.
    pub fn logged_out(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_replicant"));
        command.args(arguments).current_dir(&self.home).stdin(Stdio::null());
        for name in
            ["REPLICATE_API_TOKEN", "REPLICATE_WEBHOOK_SECRET", "REPLICANT_EMULATOR", "XDG_CONFIG_HOME"]
        {
            command.env_remove(name);
        }
        command.env("HOME", &self.home).env("XDG_CONFIG_HOME", self.home.join("config"));
        command.env("REPLICATE_BASE_URL", self.emulator.origin());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.program(arguments).output().unwrap())
    }

    /// Runs the program, which must succeed. Returns what it printed.
    pub fn printed(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {done:?}");
        done.out
    }

    pub fn file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.home.join(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub fn token_file(&self) -> PathBuf {
        self.home.join("config/replicant/token")
    }

    /// Returns the predictions of the emulator.
    pub fn predictions(&self) -> Vec<Value> {
        let predictions: Value = serde_json::from_str(&self.emulator.predictions_json()).unwrap();
        predictions.as_array().unwrap().clone()
    }

    /// Returns the bodies of the creates.
    pub fn created(&self) -> Vec<Value> {
        let requests: Value = serde_json::from_str(&self.emulator.requests_json()).unwrap();
        let is_create = |request: &&Value| {
            request["method"] == "POST" && request["path"].as_str().unwrap().ends_with("/predictions")
        };
        requests.as_array().unwrap().iter().filter(is_create).map(|request| request["json"].clone()).collect()
    }

    /// Waits until a prediction has a status.
    pub fn until(&self, status: &str) {
        eventually(status, || self.predictions().iter().any(|prediction| prediction["status"] == status));
    }
}

/// How the program ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let done = Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!done.out.contains("must-not-leak") && !done.err.contains("must-not-leak"), "{done:?}");
        assert!(!done.err.contains("panicked"), "{}", done.err);
        done
    }
}

/// Starts a program, runs `read` with its output and closes that. Returns how the program ended, which it must do on its own.
pub fn until_closed(command: &mut Command, read: impl FnOnce(ChildStdout)) -> Done {
    let mut child = piped(command).spawn().unwrap();
    read(child.stdout.take().unwrap());
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Has no effect on one that has ended. Otherwise the code is that of a signal.
    child.kill().unwrap();
    Done::of(child.wait_with_output().unwrap())
}

/// Starts a program that reads `input`.
pub fn with_input(command: &mut Command, input: &str) -> Done {
    let mut child = piped(command).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Done::of(child.wait_with_output().unwrap())
}

pub fn piped(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::piped()).stderr(Stdio::piped())
}

/// Waits until `check` returns `true`.
pub fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let started = Instant::now();
    while !check() {
        assert!(started.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends the ignoring of signals, which a background shell passes on to the programs that it starts: a process whose parent
/// handles a signal begins with the default.
#[cfg(unix)]
fn heed_signals() {
    use tokio::signal::unix::{SignalKind, signal};

    static HANDLED: std::sync::Once = std::sync::Once::new();
    HANDLED.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()] {
            if ignored & 1 << (kind.as_raw_value() - 1) != 0 {
                drop(signal(kind).unwrap());
            }
        }
    });
}

/// Sends a signal.
#[cfg(unix)]
pub fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

#[cfg(unix)]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
