//! The command-line program.

#[cfg(feature = "tls")]
mod signals;

use std::io::{ErrorKind, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use replicant_emulator::{Config, Emulator, arguments};

const LONGEST_STOP: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // An argument that is not Unicode names nothing that exists.
    let given: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let is_child = given.iter().any(|argument| argument == "--child");
    if given.iter().any(|argument| argument == "--version") {
        let _ = print_line(concat!("replicant-emulator ", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    let arguments = match arguments::parse(given.into_iter()) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            let _ = std::io::stdout().write_all(arguments::HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let hint = if is_child { "" } else { "\nTry --help." };
            return fail(&format!("{error}{hint}"), true, is_child);
        }
    };
    let emulator = match Emulator::start(arguments.config.clone()) {
        Ok(emulator) => emulator,
        Err(error) => return fail(&error.to_string(), error.kind() == ErrorKind::InvalidInput, is_child),
    };
    // As the sender is never dropped, `ended` blocks until something is sent.
    let (end, ended) = mpsc::channel();
    #[cfg(feature = "tls")]
    if emulator.tls().is_some() {
        // Otherwise nothing is left to delete, and a signal ends the process at once.
        if let Err(error) = signals::pass_on(end.clone()) {
            return fail(&format!("cannot handle signals: {error}"), false, is_child);
        }
    }
    if announce(&emulator, &arguments.config, is_child).is_err() {
        // The process that started this one has closed its end.
        return ExitCode::FAILURE;
    }
    if arguments.until_stdin_closes {
        let end = end.clone();
        std::thread::spawn(move || {
            let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
            let _ = end.send(0);
        });
    }
    let code = ended.recv().unwrap_or_default();
    let ca_bundle = emulator.tls().map(|(_, path)| path.to_owned());
    std::thread::spawn(move || {
        std::thread::sleep(LONGEST_STOP);
        // The thread of the server is busy, and nothing would end it.
        ca_bundle.map(std::fs::remove_file);
        std::process::exit(code.into());
    });
    drop(emulator);
    ExitCode::from(code)
}

/// Reports why the emulator does not start. Programs read the report where they expect the addresses.
fn fail(error: &str, is_invalid: bool, is_child: bool) -> ExitCode {
    if is_child {
        let report = serde_json::json!({"error": error, "invalid": is_invalid});
        let _ = print_line(&report.to_string());
    } else {
        eprintln!("error: {error}");
    }
    ExitCode::from(if is_invalid { 2 } else { 1 })
}

fn print_line(line: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Prints a line of JSON for programs, and instructions for people on standard error.
fn announce(emulator: &Emulator, config: &Config, is_child: bool) -> std::io::Result<()> {
    print_line(&emulator.addresses_json())?;
    if is_child {
        return Ok(());
    }
    let token = match (&config.record, &config.token) {
        (Some(_), _) => "<your Replicate token>",
        (None, Some(_)) => "<the token>",
        (None, None) => "any-token",
    };
    eprintln!("Listening. For replicant in all languages, and for PyPI replicate, which adds /v1 itself:");
    eprintln!("  export REPLICATE_BASE_URL={} REPLICATE_API_TOKEN={token}", emulator.origin());
    eprintln!("For npm replicate, which reads no variable and adds no /v1:");
    eprintln!("  new Replicate({{ auth: {token:?}, baseUrl: {:?} }})", emulator.base_url());
    if let Some((origin, ca_bundle)) = emulator.tls() {
        eprintln!("For the official clients with files, which they take from https: URLs only:");
        eprintln!("  PyPI: export REPLICATE_BASE_URL={origin} SSL_CERT_FILE={}", ca_bundle.display());
        eprintln!(
            "  npm:  export NODE_EXTRA_CA_CERTS={}, with baseUrl: \"{origin}/v1\"",
            ca_bundle.display()
        );
    }
    if config.record.is_none() && config.replay.is_none() && !config.replay_only {
        eprintln!("Predictions, for a browser: {}/", emulator.origin());
    }
    eprintln!("Requests received: {}/_emulator/requests", emulator.origin());
    Ok(())
}
