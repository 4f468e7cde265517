//! The signals that end the program.

use std::io;

#[cfg(unix)]
pub(crate) use self::unix::Signals;
#[cfg(not(unix))]
pub(crate) use self::windows::Signals;

#[cfg(unix)]
mod unix {
    use super::io;
    use crate::failure::{HUNG_UP, INTERRUPTED, TERMINATED};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Receives SIGINT, SIGTERM and SIGHUP.
    pub(crate) struct Signals {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
    }

    impl Signals {
        pub fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
            })
        }

        /// Returns the exit code for the next signal.
        pub async fn next(&mut self) -> u8 {
            tokio::select! {
                _ = self.interrupt.recv() => INTERRUPTED,
                _ = self.terminate.recv() => TERMINATED,
                _ = self.hang_up.recv() => HUNG_UP,
            }
        }
    }
}

#[cfg(not(unix))]
mod windows {
    use super::io;
    use crate::failure::INTERRUPTED;

    /// Receives Ctrl-C.
    pub(crate) struct Signals(tokio::signal::windows::CtrlC);

    impl Signals {
        pub fn new() -> io::Result<Self> {
            tokio::signal::windows::ctrl_c().map(Self)
        }

        /// Returns the exit code for the next signal.
        pub async fn next(&mut self) -> u8 {
            self.0.recv().await;
            INTERRUPTED
        }
    }
}
