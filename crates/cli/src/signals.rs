//! The signals that end the program.

use std::io;

#[cfg(unix)]
pub(crate) use self::unix::Signals;
#[cfg(not(unix))]
pub(crate) use self::windows::Signals;

#[cfg(unix)]
mod unix {
    use super::io;
    use crate::{
        failure::{HUNG_UP, INTERRUPTED, TERMINATED},
        output,
    };
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Receives SIGINT, SIGTERM and SIGHUP, except those that the parent of this process ignores on its behalf, as `nohup`
    /// does.
    pub(crate) struct Signals {
        interrupt: Option<Signal>,
        terminate: Option<Signal>,
        hang_up: Option<Signal>,
    }

    impl Signals {
        pub fn new() -> io::Result<Self> {
            let ignored = ignored();
            let receive = |kind: SignalKind| {
                let bit = 1 << (kind.as_raw_value() - 1);
                (ignored & bit == 0).then(|| signal(kind)).transpose()
            };
            Ok(Self {
                interrupt: receive(SignalKind::interrupt())?,
                terminate: receive(SignalKind::terminate())?,
                hang_up: receive(SignalKind::hangup())?,
            })
        }

        /// Returns the exit code for the next signal.
        pub async fn next(&mut self) -> u8 {
            tokio::select! {
                Some(()) = received(&mut self.interrupt) => INTERRUPTED,
                Some(()) = received(&mut self.terminate) => TERMINATED,
                Some(()) = received(&mut self.hang_up) => HUNG_UP,
                else => std::future::pending().await,
            }
        }
    }

    async fn received(signal: &mut Option<Signal>) -> Option<()> {
        match signal {
            Some(signal) => signal.recv().await,
            None => None,
        }
    }

    /// Returns the signals that this process ignores from its start, a bit for each.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        if let Some(mask) = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) {
            return mask;
        }
        // Where the system does not tell: `nohup` leaves no output on a terminal.
        let hang_up = 1 << (SignalKind::hangup().as_raw_value() - 1);
        if output::is_terminal() || output::shows_notes() { 0 } else { hang_up }
    }
}

#[cfg(not(unix))]
mod windows {
    use super::io;
    use crate::failure::{HUNG_UP, INTERRUPTED};
    use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

    /// Receives Ctrl-C, Ctrl-Break and the closing of the console, after which Windows leaves five seconds.
    pub(crate) struct Signals {
        interrupt: CtrlC,
        stop: CtrlBreak,
        hang_up: CtrlClose,
    }

    impl Signals {
        pub fn new() -> io::Result<Self> {
            Ok(Self { interrupt: ctrl_c()?, stop: ctrl_break()?, hang_up: ctrl_close()? })
        }

        /// Returns the exit code for the next signal.
        pub async fn next(&mut self) -> u8 {
            tokio::select! {
                _ = self.interrupt.recv() => INTERRUPTED,
                _ = self.stop.recv() => INTERRUPTED,
                _ = self.hang_up.recv() => HUNG_UP,
            }
        }
    }
}
