//! How a thread that is not attached to the interpreter wakes an event loop.
//!
//! `call_soon_threadsafe` needs the interpreter, which the loop holds while it is busy with what came
//! before. The runtime's thread would wait for it and read no socket meanwhile. So the loop watches one
//! end of a pair of sockets. Loops that watch none, such as that of Windows, are woken the other way.

use std::io::{self, Read, Write};
#[cfg(not(unix))]
use std::net::TcpStream as Socket;
#[cfg(unix)]
use std::os::unix::net::UnixStream as Socket;

use pyo3::{exceptions::PyException, prelude::*, sync::PyOnceLock};

/// A pair of sockets, one end of which a loop watches. Both stay open as long as anybody may ring.
pub struct Bell {
    rung: Socket,
    watched: Socket,
}

impl Bell {
    pub fn new() -> io::Result<Self> {
        let (rung, watched) = pair()?;
        // Neither thread ever waits here: a loop that runs inside another may hear one ring twice.
        rung.set_nonblocking(true)?;
        watched.set_nonblocking(true)?;
        Ok(Self { rung, watched })
    }

    pub fn ring(&self) {
        // Full, it wakes the loop as well.
        let _ = (&self.rung).write(&[0]);
    }

    /// Has `event_loop` call `answer` when the bell rings; false if it cannot.
    pub fn listen(&self, event_loop: &Bound<'_, PyAny>, answer: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = event_loop.py();
        let watch = event_loop.getattr("add_reader")?;
        // The context of the call which happens to be the first is not everybody's.
        match context(py)?.call_method1("run", (watch, descriptor(&self.watched), answer)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_instance_of::<PyException>(py) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets the rings so far.
    pub fn hush(&self) {
        let _ = (&self.watched).read(&mut [0; 64]);
    }
}

/// A context in which no variable is set.
pub fn context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CONTEXT.import(py, "contextvars", "Context")?.call0()
}

/// A copy of the context of the running code.
pub fn current_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    COPY.import(py, "contextvars", "copy_context")?.call0()
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
