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
mod interrupt;
mod output;
mod progress;
mod receiver;
mod rows;
mod schema;
mod signals;
mod template;
mod token;

use std::{ffi::OsString, time::Duration};

use replicant::background::{self, Tasks};

use self::{command::Context, failure::Failure, interrupt::Interrupt, progress::Progress, signals::Signals};
pub use self::{commands::emulator::find_emulator, host::Host};

/// How long the program waits until an abandoned prediction is canceled, so that it also ends without a network.
const LONGEST_DRAIN: Duration = Duration::from_secs(10);

/// Runs the program and returns its exit code. Blocks until it is done.
///
/// `arguments` are those after the name of the program. Reads standard input where a command says so, and writes to
/// standard output and standard error. Handles Ctrl-C, on Unix also SIGTERM and SIGHUP, and on Windows Ctrl-Break and the end of
/// the console: the running prediction is canceled first.
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
    let context =
        Context { host, progress: Progress::new(), interrupt: Interrupt::new(), tasks: Tasks::default() };
    let result = match until_signal(arguments, &context, &mut signals).await {
        Ended::Now(code) => return code,
        Ended::With(result) => result,
    };
    let mut code = match result {
        Ok(()) => 0,
        Err(failure) => {
            context.progress.clear();
            if !failure.message.is_empty() {
                output::note(&format!("replicant: {}", failure.message));
            }
            failure.code
        }
    };
    let is_signal = code > failure::SIGNAL;
    if !background::is_idle() {
        if is_signal {
            let abandoned = context.interrupt.abandoned.get();
            output::note(&format!("replicant: canceling {abandoned}; press Ctrl-C again to exit at once"));
        }
        tokio::select! {
            next = signals.next() => code = next,
            () = background::drain(LONGEST_DRAIN) => {}
        }
    }
    for what in uncanceled(&context.tasks.uncanceled()) {
        output::note(&format!("replicant: {what}"));
    }
    let advice = context.interrupt.advice.get();
    if is_signal && !advice.is_empty() {
        output::note(&format!("replicant: {advice}"));
    }
    code
}

/// How many ids a message has.
const MOST_IDS: usize = 20;

/// Says which predictions may still run, and how to cancel them.
fn uncanceled(ids: &[Option<String>]) -> Vec<String> {
    let known: Vec<&str> = ids.iter().flatten().map(String::as_str).collect();
    let mut messages = Vec::new();
    if !known.is_empty() {
        let which = match known.len() {
            1 => "a prediction, which may still run".to_owned(),
            count => format!("{count} predictions, which may still run"),
        };
        let first = known.iter().take(MOST_IDS).copied().collect::<Vec<_>>().join(" ");
        let more = match known.len().saturating_sub(MOST_IDS) {
            0 => String::new(),
            others => format!(", and so on for {others} others"),
        };
        messages.push(format!(
            "the API has not confirmed the cancel of {which}: see `replicant predictions list`, or run \
             `replicant predictions cancel {first}`{more}"
        ));
    }
    let what = match ids.len() - known.len() {
        0 => return messages,
        1 => "a create, so a prediction may run: find it with `replicant predictions list`, and cancel it"
            .to_owned(),
        count => format!(
            "{count} creates, so predictions may run: find them with `replicant predictions list`, and cancel them"
        ),
    };
    messages.push(format!("the API has not responded to {what} with `replicant predictions cancel ID`"));
    messages
}

/// How a command ended.
enum Ended {
    /// A second signal: the program is to end at once, with this exit code.
    Now(u8),
    With(Result<(), Failure>),
}

/// Runs the command that the arguments name until its end, or until a signal.
async fn until_signal(arguments: Vec<OsString>, context: &Context<'_>, signals: &mut Signals) -> Ended {
    let mut command = std::pin::pin!(dispatch::dispatch(arguments, context));
    let mut received = None;
    loop {
        tokio::select! {
            biased;
            code = signals.next() => {
                if received.is_some() {
                    context.progress.clear();
                    return Ended::Now(code);
                }
                let Some(notice) = context.interrupt.request() else {
                    // Dropping the command abandons its predictions, which the core then cancels.
                    return Ended::With(Err(Failure::silent(code)));
                };
                received = Some(code);
                context.progress.clear();
                output::note(&format!("replicant: {notice}"));
            }
            result = &mut command => {
                return Ended::With(match (received, result) {
                    (None, result) => result,
                    (Some(code), Ok(())) => Err(Failure::silent(code)),
                    (Some(code), Err(failure)) => Err(Failure { code, ..failure }),
                });
            }
        }
    }
}
