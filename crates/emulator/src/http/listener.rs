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
#[cfg(feature = "tls")]
use tokio::sync::mpsc;
#[cfg(feature = "tls")]
use tokio_rustls::server::TlsStream;

use super::gauges::{GaugeGuard, Gauges};

const OPEN: u8 = 0;
const CLOSE: u8 = 1;
const RESET: u8 = 2;

/// Ends a connection without sending the rest of the response.
#[derive(Clone, Default)]
pub(crate) struct Breaker {
    state: Arc<AtomicU8>,
    /// Whether the connection is encrypted, so that its URLs begin with `https:`.
    pub(crate) is_tls: bool,
}

impl Breaker {
    pub(crate) fn close(&self) {
        self.state.store(CLOSE, Ordering::Relaxed);
    }

    /// Ends with a TCP reset, which discards what the client has not read.
    pub(crate) fn reset(&self) {
        self.state.store(RESET, Ordering::Relaxed);
    }
}

/// Accepts connections and counts them.
pub(crate) struct CountingListener {
    source: Source,
    gauges: Arc<Gauges>,
}

/// Where connections come from.
pub(crate) enum Source {
    Plain(TcpListener),
    #[cfg(feature = "tls")]
    Tls(mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>),
}

enum Stream {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<TcpStream>>),
}

impl CountingListener {
    pub(crate) fn new(source: Source, gauges: Arc<Gauges>) -> Self {
        Self { source, gauges }
    }

    async fn next(&mut self) -> Option<(Stream, SocketAddr)> {
        match &mut self.source {
            Source::Plain(listener) => {
                let (stream, address) = TcpListener::accept(listener).await.ok()?;
                // With Nagle's algorithm, small events would wait for acknowledgements.
                let _ = stream.set_nodelay(true);
                Some((Stream::Plain(stream), address))
            }
            #[cfg(feature = "tls")]
            Source::Tls(accepted) => {
                let (stream, address) = accepted.recv().await?;
                Some((Stream::Tls(Box::new(stream)), address))
            }
        }
    }
}

impl Listener for CountingListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            if let Some((stream, address)) = self.next().await {
                self.gauges.connections_ever.fetch_add(1, Ordering::Relaxed);
                let is_tls = !matches!(stream, Stream::Plain(_));
                let connection = Connection {
                    stream,
                    breaker: Breaker { is_tls, ..Breaker::default() },
                    _guard: GaugeGuard::new(&self.gauges, |gauges| &gauges.connections),
                };
                return (connection, address);
            }
            // Out of file descriptors, or the client has closed the connection already.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.source {
            Source::Plain(listener) => listener.local_addr(),
            #[cfg(feature = "tls")]
            Source::Tls(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// A connection that its [`Breaker`] can end.
pub(crate) struct Connection {
    stream: Stream,
    breaker: Breaker,
    _guard: GaugeGuard,
}

/// Calls a method of the stream in either form.
macro_rules! poll {
    ($connection:expr, $method:ident, $($argument:expr),*) => {
        match &mut $connection.stream {
            Stream::Plain(stream) => Pin::new(stream).$method($($argument),*),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl Connection {
    /// Fails if the connection has been broken.
    fn check(&self) -> io::Result<()> {
        match self.breaker.state.load(Ordering::Relaxed) {
            OPEN => return Ok(()),
            RESET => {
                let socket = match &self.stream {
                    Stream::Plain(stream) => stream,
                    #[cfg(feature = "tls")]
                    Stream::Tls(stream) => stream.get_ref().0,
                };
                let _ = socket.set_zero_linger();
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
        poll!(self, poll_read, cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        poll!(self, poll_write, cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        poll!(self, poll_write_vectored, cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self.stream, Stream::Plain(_))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll!(self, poll_flush, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A shutdown would close the connection in order, which a reset must not.
        self.check()?;
        poll!(self, poll_shutdown, cx)
    }
}

impl Connected<IncomingStream<'_, CountingListener>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, CountingListener>) -> Self {
        stream.io().breaker.clone()
    }
}
