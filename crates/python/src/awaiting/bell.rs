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

use pyo3::{exceptions::PyException, prelude::*};

/// The end that is rung.
pub struct Bell(Socket);

/// The end that the loop watches.
pub struct Ear(Socket);

impl Bell {
    pub fn with_ear() -> io::Result<(Self, Ear)> {
        let (ours, theirs) = pair()?;
        // Neither thread ever waits here: a loop that runs inside another may hear one ring twice.
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        Ok((Self(ours), Ear(theirs)))
    }

    pub fn ring(&self) {
        // Full, it wakes the loop as well; closed, there is no loop to wake.
        let _ = (&self.0).write(&[0]);
    }
}

impl Ear {
    /// Has `event_loop` call `answer` when the bell rings; false if it cannot.
    pub fn listen(&self, event_loop: &Bound<'_, PyAny>, answer: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = event_loop.py();
        // A context of its own: that of the call which happens to be the first is not everybody's.
        let context = py.import("contextvars")?.getattr("Context")?.call0()?;
        let watch = event_loop.getattr("add_reader")?;
        match context.call_method1("run", (watch, descriptor(&self.0), answer)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_instance_of::<PyException>(py) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets the rings so far.
    pub fn hush(&self) {
        let _ = (&self.0).read(&mut [0; 64]);
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
fn descriptor(socket: &Socket) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(socket)
}

#[cfg(not(unix))]
fn descriptor(socket: &Socket) -> u64 {
    std::os::windows::io::AsRawSocket::as_raw_socket(socket)
}
