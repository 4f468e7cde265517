//! The signals that end the program, which deletes the file of its certificate authority first.

use std::io;
use std::sync::mpsc::Sender;

/// Sends the exit code for the first signal.
pub(crate) fn pass_on(end: Sender<u8>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signal = {
        let _inside = runtime.enter();
        signal()?
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let _ = end.send(runtime.block_on(signal));
    })?;
    Ok(())
}

/// Waits for SIGINT, SIGTERM or SIGHUP, except for those that the parent of this process ignores on its behalf, as `nohup`
/// does. Returns 128 and its number.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = u8>> {
    use futures_util::future::select_all;
    use tokio::signal::unix::{SignalKind, signal};

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Where the system does not tell, closing the terminal ends the process at once, or not at all after `nohup`.
    let ignored = ignored.unwrap_or(1);
    let mut received = Vec::new();
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()] {
        let number = kind.as_raw_value() as u8;
        if ignored & (1 << (number - 1)) == 0 {
            let mut signal = signal(kind)?;
            received.push(Box::pin(async move {
                signal.recv().await;
                128 + number
            }));
        }
    }
    Ok(async {
        match received.is_empty() {
            true => std::future::pending().await,
            false => select_all(received).await.0,
        }
    })
}

/// Waits for Ctrl-C, Ctrl-Break or the closing of the console.
#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = u8>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

    let (mut interrupt, mut stop, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => 130,
            _ = stop.recv() => 130,
            _ = close.recv() => 129,
        }
    })
}
