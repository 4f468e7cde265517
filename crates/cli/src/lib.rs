//! The command-line program `replicant`, as a library: the crate's own program, the Python package and the npm package
//! run the same [`main`].
//!
//! It is thin over the crate [`replicant`]: it reads arguments, calls operations of the core and prints. To add a command,
//! write a module in `commands` with a `Command` and name it in `commands::ALL`; help, completion and
//! suggestions follow.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod client;
mod command;
mod commands;
mod dispatch;
mod failure;
mod help;
mod host;
mod input;
mod output;
mod progress;
mod receiver;
mod schema;
mod signals;
mod token;

use std::{ffi::OsString, time::Duration};

use replicant::background;

use self::{command::Context, failure::Failure, progress::Progress, signals::Signals};
pub use self::{commands::emulator::find_emulator, host::Host};

/// How long the program waits until an abandoned prediction is canceled, so that it also ends without a network.
const LONGEST_DRAIN: Duration = Duration::from_secs(10);

/// Runs the program and returns its exit code. Blocks until it is done.
///
/// `arguments` are those after the name of the program. Reads standard input where a command says so, and writes to
/// standard output and standard error. Handles Ctrl-C, and on Unix also SIGTERM and SIGHUP: the running prediction is
/// canceled first.
///
/// ```no_run
/// use replicant_cli::{Host, find_emulator, main};
///
/// let code = main(vec!["--version".into()], &Host { find_emulator: &find_emulator });
/// std::process::exit(code.into());
/// ```
pub fn main(arguments: Vec<OsString>, host: &Host<'_>) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(&format!("replicant: cannot start: {error}"));
            return failure::FAILED;
        }
    };
    let code = runtime.block_on(run(arguments, host));
    // A thread may still read standard input, or write to a pipe that nobody reads.
    runtime.shutdown_background();
    code
}

async fn run(arguments: Vec<OsString>, host: &Host<'_>) -> u8 {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            output::note(&format!("replicant: cannot handle signals: {error}"));
            return failure::FAILED;
        }
    };
    let context = Context { host, progress: Progress::new() };
    // Dropping the command abandons its prediction, which the core then cancels.
    let result = tokio::select! {
        biased;
        code = signals.next() => Err(Failure::silent(code)),
        result = dispatch::dispatch(arguments, &context) => result,
    };
    let code = match result {
        Ok(()) => 0,
        Err(failure) => {
            context.progress.clear();
            if !failure.message.is_empty() {
                output::note(&format!("replicant: {}", failure.message));
            }
            failure.code
        }
    };
    if background::is_idle() {
        return code;
    }
    if code > failure::SIGNAL {
        output::note("replicant: canceling the prediction; press Ctrl-C again to leave at once");
    }
    tokio::select! {
        code = signals.next() => return code,
        () = background::drain(LONGEST_DRAIN) => {}
    }
    if !background::is_idle() {
        output::note("replicant: the API has not confirmed the cancel; see `replicant predictions list`");
    }
    code
}
