//! A listener that counts its connections and can break them in the middle of a response.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::gauges::{GaugeGuard, Gauges};

const OPEN: u8 = 0;
const CLOSE: u8 = 1;
const RESET: u8 = 2;

/// Ends a connection without sending the rest of the response.
#[derive(Clone, Default)]
pub(crate) struct Breaker(Arc<AtomicU8>);

impl Breaker {
    pub(crate) fn close(&self) {
        self.0.store(CLOSE, Ordering::Relaxed);
    }

    /// Ends with a TCP reset, which discards what the client has not read.
    pub(crate) fn reset(&self) {
        self.0.store(RESET, Ordering::Relaxed);
    }
}

/// Accepts connections and counts them.
pub(crate) struct CountingListener {
    listener: TcpListener,
    gauges: Arc<Gauges>,
}

impl CountingListener {
    pub(crate) fn new(listener: TcpListener, gauges: Arc<Gauges>) -> Self {
        Self { listener, gauges }
    }
}

impl Listener for CountingListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // With Nagle's algorithm, small events would wait for acknowledgements.
                    let _ = stream.set_nodelay(true);
                    self.gauges.connections_ever.fetch_add(1, Ordering::Relaxed);
                    let connection = Connection {
                        stream,
                        breaker: Breaker::default(),
                        _guard: GaugeGuard::new(&self.gauges, |gauges| &gauges.connections),
                    };
                    return (connection, address);
                }
                // Out of file descriptors, or the client has closed the connection already.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that its [`Breaker`] can end.
pub(crate) struct Connection {
    stream: TcpStream,
    breaker: Breaker,
    _guard: GaugeGuard,
}

impl Connection {
    /// Fails if the connection has been broken.
    fn check(&self) -> io::Result<()> {
        match self.breaker.0.load(Ordering::Relaxed) {
            OPEN => return Ok(()),
            RESET => {
                let _ = self.stream.set_zero_linger();
            }
            _ => {}
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A shutdown would close the connection in order, which a reset must not.
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connected<IncomingStream<'_, CountingListener>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, CountingListener>) -> Self {
        stream.io().breaker.clone()
    }
}
