//! Standard output and standard error.

use std::{
    borrow::Cow,
    io::{self, ErrorKind, IsTerminal, Write},
    time::Duration,
};

use replicant::Value;
use tokio::io::AsyncWriteExt;

use crate::failure::{FAILED, Failure};

/// The time between two checks whether standard output is closed.
const CHECK_AGAIN: Duration = Duration::from_millis(200);

/// Writes a text to standard output at once. Other work goes on while a pipe is full, such as the handling of Ctrl-C.
pub(crate) async fn print(text: &str) -> Result<(), Failure> {
    let text = if io::stdout().is_terminal() { printable(text) } else { Cow::Borrowed(text) };
    let mut stdout = tokio::io::stdout();
    stdout.write_all(text.as_bytes()).await.map_err(unwritten)?;
    stdout.flush().await.map_err(unwritten)
}

/// Returns `true` if text on standard output and the progress line on standard error may share a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes a line to standard output.
pub(crate) async fn print_line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n")).await
}

/// Writes a value to standard output, as JSON in one line.
pub(crate) async fn print_json(value: &Value) -> Result<(), Failure> {
    let json = value.to_json().map_err(|error| Failure::new(FAILED, error.to_string()))?;
    print_line(&String::from_utf8_lossy(&json)).await
}

/// Does work whose only result is what it prints. It ends when the reader of standard output closes it, as `head` does,
/// even if there is nothing to write at that time.
pub(crate) async fn while_read<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        result = work => result,
        () = closed() => Err(Failure::silent(0)),
    }
}

/// Waits until the reader of standard output has closed it.
async fn closed() {
    while !is_closed() {
        tokio::time::sleep(CHECK_AGAIN).await;
    }
}

#[cfg(unix)]
fn is_closed() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    // A terminal that closes sends a signal, which `nohup` ignores.
    if is_terminal() {
        return false;
    }
    let stdout = io::stdout();
    let mut state = [PollFd::new(&stdout, PollFlags::OUT)];
    let polled = poll(&mut state, Some(&Timespec::default()));
    polled.is_ok() && state[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// On Windows, only a write shows that a pipe is closed.
#[cfg(not(unix))]
fn is_closed() -> bool {
    false
}

/// A reader that has read enough, such as `head`, is not a failure.
fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::silent(0),
        _ => Failure::new(FAILED, format!("cannot write to standard output: {error}")),
    }
}

/// Returns `true` if standard error is a terminal.
pub(crate) fn shows_notes() -> bool {
    io::stderr().is_terminal()
}

/// Writes a line to standard error. It may be closed, which changes nothing.
pub(crate) fn note(text: &str) {
    let mut stderr = io::stderr().lock();
    let text = if io::stderr().is_terminal() { printable(text) } else { Cow::Borrowed(text) };
    let _ = writeln!(stderr, "{text}");
}

/// Removes control characters, with which the output of a model could control the terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_safe = |c: char| !c.is_control() || matches!(c, '\n' | '\t' | '\r');
    if text.chars().all(is_safe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| is_safe(*c)).collect())
}

/// Returns an argument for a message. Tokens are not shown.
pub(crate) fn shown(argument: &str) -> String {
    match argument.find("r8_") {
        Some(at) => format!("`{}r8_***`", &argument[..at]),
        None => format!("`{argument}`"),
    }
}

/// Formats rows as columns.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_removed() {
        assert_eq!(printable("a\u{1b}[2J\u{9b}1mb\tc\n"), "a[2J1mb\tc\n");
        assert!(matches!(printable("plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn tokens_are_not_shown() {
        assert_eq!(shown("--token=r8_secret"), "`--token=r8_***`");
        assert_eq!(shown("rnu"), "`rnu`");
    }
}
