//! A server over TLS that sends frames of HTTP/2 as they are given.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use replicant::Options;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame of the stream of a request: its type, flags and payload.
pub type Frame = (u8, u8, Vec<u8>);

/// Returns the path of a file for tests of TLS.
pub fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tls").join(name)
}

/// Returns the frames of the headers of a response, each with its value, in pieces of the usual size.
pub fn head(headers: &[(&str, &str)]) -> Vec<Frame> {
    // `:status: 200`, then literals without an index.
    let mut block = vec![0x88];
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            push_length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    let pieces: Vec<_> = block.chunks(16_384).collect();
    let last = pieces.len() - 1;
    let frame = |(at, piece): (usize, &&[u8])| {
        let kind = if at == 0 { HEADERS } else { CONTINUATION };
        (kind, if at == last { END_HEADERS } else { 0 }, piece.to_vec())
    };
    pieces.iter().enumerate().map(frame).collect()
}

/// Appends an integer of HPACK with a prefix of seven bits.
fn push_length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(length as u8);
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    block.push(rest as u8);
}

/// A piece of a body.
pub fn data(body: &str) -> Frame {
    (DATA, 0, body.into())
}

/// The last piece of a body.
pub fn end(body: &str) -> Frame {
    (DATA, END_STREAM, body.into())
}

pub fn reset(code: u32) -> Frame {
    (RESET, 0, code.to_be_bytes().into())
}

/// The end of a connection, on which the requests up to the stream `last` may have been processed.
pub fn go_away(last: u32) -> Frame {
    let no_error = 0_u32;
    (GO_AWAY, 0, [last.to_be_bytes(), no_error.to_be_bytes()].concat())
}

/// Headers without an end.
pub fn endless_head() -> Vec<Frame> {
    let piece = |kind| (kind, 0, vec![0x88; 9]);
    std::iter::once(piece(HEADERS)).chain(std::iter::repeat_n(piece(CONTINUATION), 99)).collect()
}

/// Returns a configuration that presents the certificate `name`. Clients must present one of `authority`, if given.
pub fn tls(name: &str, authority: Option<&str>) -> ServerConfig {
    let certificate = CertificateDer::from_pem_file(tls_file(&format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(tls_file(&format!("{name}.key"))).unwrap();
    let provider = Arc::new(default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match authority {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(tls_file(authority)).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

pub struct Http2 {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Http2 {
    /// Starts a server that sends `replies` in turn, and the last one to all further requests.
    pub fn start(config: ServerConfig, replies: Vec<Vec<Frame>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let (config, counter) = (Arc::new(config), requests.clone());
        let replies = Arc::new(Mutex::new(replies));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (config, counter, replies) = (config.clone(), counter.clone(), replies.clone());
                // It ends with an error when the client closes the connection.
                std::thread::spawn(move || serve(connection?, config, &counter, &replies));
            }
        });
        Self { port, requests }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/v1", self.port)
    }

    /// Returns the options of a client of this server.
    pub fn options(&self) -> Options {
        Options {
            base_url: Some(self.url()),
            ca_bundle: Some(tls_file("authority.pem")),
            ..Options::default()
        }
    }
}

fn serve(
    connection: TcpStream,
    config: Arc<ServerConfig>,
    requests: &AtomicUsize,
    replies: &Mutex<Vec<Vec<Frame>>>,
) -> io::Result<()> {
    let mut connection =
        StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, connection);
    let preface = connection.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]);
    if preface.is_err() {
        // Closing with unread bytes would discard the alert.
        io::copy(&mut connection.sock, &mut io::sink())?;
    }
    write(&mut connection, 0, &(SETTINGS, 0, Vec::new()))?;
    loop {
        let mut header = [0; 9];
        connection.read_exact(&mut header)?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
        connection.read_exact(&mut vec![0; length])?;
        let (kind, flags) = (header[3], header[4]);
        if !matches!(kind, DATA | HEADERS) || flags & END_STREAM == 0 {
            continue;
        }
        requests.fetch_add(1, Ordering::SeqCst);
        let reply = {
            let mut replies = replies.lock().unwrap();
            if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() }
        };
        let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        for frame in &reply {
            let of_connection = frame.0 == GO_AWAY;
            write(&mut connection, if of_connection { 0 } else { stream }, frame)?;
            if of_connection {
                connection.conn.send_close_notify();
                connection.flush()?;
                connection.sock.shutdown(Shutdown::Write)?;
            }
        }
    }
}

fn write(connection: &mut impl Write, stream: u32, (kind, flags, payload): &Frame) -> io::Result<()> {
    let length = (payload.len() as u32).to_be_bytes();
    connection.write_all(&[&length[1..], &[*kind, *flags], &stream.to_be_bytes(), payload].concat())?;
    connection.flush()
}
