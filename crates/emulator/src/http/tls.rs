//! HTTPS with a certificate authority of its own, for clients that take only `https:` URLs for files.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

// Connections whose handshake has ended and that nobody has accepted.
const BACKLOG: usize = 64;

/// A server certificate for loopback addresses and the authority that issued it.
pub(crate) struct Identity {
    /// The certificate of the authority, in PEM.
    pub(crate) authority: String,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// Creates both. The keys are never stored.
    pub(crate) fn new() -> Result<Self, String> {
        Self::create().map_err(|error| format!("could not create a certificate: {error}"))
    }

    fn create() -> Result<Self, Box<dyn std::error::Error>> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.distinguished_name.push(DnType::CommonName, "replicant-emulator, valid for one process");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = authority.self_signed(&key)?;
        let issuer = Issuer::new(authority, key);

        let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let signed = server.signed_by(&key, &issuer)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![signed.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        Ok(Self { authority: certificate.pem(), config: Arc::new(config) })
    }

    /// Accepts connections in a task. Those whose handshake fails are dropped.
    pub(crate) fn listen(&self, listener: TcpListener) -> mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)> {
        let acceptor = TlsAcceptor::from(self.config.clone());
        let (sender, accepted) = mpsc::channel(BACKLOG);
        tokio::spawn(async move {
            while !sender.is_closed() {
                let Ok((stream, address)) = listener.accept().await else {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = sender.send((stream, address)).await;
                    }
                });
            }
        });
        accepted
    }
}
