//! The command-line program.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::mpsc;

use replicant_emulator::{Emulator, arguments};

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            let _ = std::io::stdout().write_all(arguments::HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    let emulator = match Emulator::start(arguments.config) {
        Ok(emulator) => emulator,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if announce(&emulator).is_err() {
        // The process that started this one has closed its end.
        return ExitCode::FAILURE;
    }
    if arguments.until_stdin_closes {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
    } else {
        // Blocks until a signal ends the process, as the sender is never dropped.
        let (_sender, forever) = mpsc::channel::<()>();
        let _ = forever.recv();
    }
    ExitCode::SUCCESS
}

/// Prints a line of JSON for programs, and instructions for people on standard error.
fn announce(emulator: &Emulator) -> std::io::Result<()> {
    let line = emulator.addresses_json();
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    eprintln!("Listening. For replicant in all languages, and for PyPI replicate, which adds /v1 itself:");
    eprintln!("  export REPLICATE_BASE_URL={} REPLICATE_API_TOKEN=any-token", emulator.origin());
    eprintln!("For npm replicate, which reads no variable and adds no /v1:");
    eprintln!("  new Replicate({{ auth: \"any-token\", baseUrl: {:?} }})", emulator.base_url());
    if let Some((origin, ca_bundle)) = emulator.tls() {
        eprintln!("For the official clients with files, which they take from https: URLs only:");
        eprintln!("  PyPI: export REPLICATE_BASE_URL={origin} SSL_CERT_FILE={}", ca_bundle.display());
        eprintln!(
            "  npm:  export NODE_EXTRA_CA_CERTS={}, with baseUrl: \"{origin}/v1\"",
            ca_bundle.display()
        );
    }
    eprintln!("Requests received: {}/_emulator/requests", emulator.origin());
    Ok(())
}
