//! Wakes an event loop from a thread that is not attached to the interpreter: the self-pipe trick.
//!
//! `call_soon_threadsafe` needs the interpreter, which the loop holds while it processes earlier results; the runtime's
//! thread would wait for it and read no sockets. So the loop watches one end of a socket pair. Loops that cannot
//! watch sockets, such as the default one of Windows, are woken by `call_soon_threadsafe`.

use std::io::{self, Read, Write};
#[cfg(not(unix))]
use std::net::TcpStream as Socket;
#[cfg(unix)]
use std::os::unix::net::UnixStream as Socket;

use pyo3::{exceptions::PyException, prelude::*};

use super::context::empty_context;

/// A pair of sockets, one end of which a loop watches. Both stay open as long as a thread may wake the loop.
pub struct LoopWaker {
    written: Socket,
    watched: Socket,
}

impl LoopWaker {
    pub fn new() -> io::Result<Self> {
        let (written, watched) = pair()?;
        // Neither thread may block: a nested loop may handle one wake-up twice.
        written.set_nonblocking(true)?;
        watched.set_nonblocking(true)?;
        Ok(Self { written, watched })
    }

    /// Wakes the loop.
    pub fn wake(&self) {
        // A full socket wakes the loop, too.
        let _ = (&self.written).write(&[0]);
    }

    /// Registers `callback` with `event_loop` for each wake-up. Returns false if it cannot watch sockets.
    pub fn watch(&self, event_loop: &Bound<'_, PyAny>, callback: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = event_loop.py();
        let add_reader = event_loop.getattr("add_reader")?;
        // In an empty context, because the callback serves all later calls.
        match empty_context(py)?.call_method1("run", (add_reader, descriptor(&self.watched), callback)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_instance_of::<PyException>(py) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Discards the wake-ups so far.
    pub fn clear(&self) {
        let _ = (&self.watched).read(&mut [0; 64]);
    }
}

#[cfg(unix)]
fn pair() -> io::Result<(Socket, Socket)> {
    Socket::pair()
}

#[cfg(not(unix))]
fn pair() -> io::Result<(Socket, Socket)> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn descriptor(socket: &Socket) -> std::os::fd::RawFd {
    std::os::fd::AsRawFd::as_raw_fd(socket)
}

#[cfg(not(unix))]
fn descriptor(socket: &Socket) -> std::os::windows::io::RawSocket {
    std::os::windows::io::AsRawSocket::as_raw_socket(socket)
}
