//! Configures TLS.

use std::{fmt, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use super::{certificates::Certificates, identity::Identity};
use crate::platform::BoxError;

/// Returns the provider that the program has installed, or ring.
pub(super) fn provider() -> Arc<CryptoProvider> {
    let installed = CryptoProvider::get_default().cloned();
    installed.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}

/// Builds a configuration that trusts the platform and `extra`.
pub(super) fn config(
    extra: Certificates,
    identity: Option<&Identity>,
    http2: bool,
) -> Result<ClientConfig, BoxError> {
    let provider = provider();
    let platform = platform_verifier(extra.clone(), provider.clone())?;
    let verifier = Arc::new(Verification { platform, extra });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity.map(Identity::parts) {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols =
        if http2 { vec!["h2".into(), "http/1.1".into()] } else { vec!["http/1.1".into()] };
    Ok(config)
}

type Platform = Arc<dyn ServerCertVerifier>;

#[cfg(any(windows, target_vendor = "apple"))]
fn platform_verifier(extra: Certificates, provider: Arc<CryptoProvider>) -> Result<Platform, BoxError> {
    // On Windows, certificates take an engine of their own, which Wine cannot create.
    let verifier = if extra.is_empty() {
        Verifier::new(provider)?
    } else {
        Verifier::new_with_extra_roots(extra, provider)?
    };
    Ok(Arc::new(verifier))
}

#[cfg(target_os = "android")]
fn platform_verifier(_extra: Certificates, provider: Arc<CryptoProvider>) -> Result<Platform, BoxError> {
    Ok(Arc::new(Verifier::new(provider)?))
}

/// Falls back to the roots of Mozilla as of the build: many containers have none, and Node and certifi bring theirs.
#[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
fn platform_verifier(extra: Certificates, provider: Arc<CryptoProvider>) -> Result<Platform, BoxError> {
    match Verifier::new_with_extra_roots(extra, provider.clone()) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        // The user has said what to trust.
        Err(_) if std::env::var_os("SSL_CERT_DIR").is_some() => {
            Err("no root certificates were found in the \
             folder of SSL_CERT_DIR. Unset it, install the package ca-certificates, or pass `ca_bundle` or \
             SSL_CERT_FILE, a file of certificates"
                .into())
        }
        Err(_) => {
            let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            let verifier =
                rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
            Ok(verifier.build()?)
        }
    }
}

/// The platform's verification. In addition, it trusts a server certificate that the user names.
#[derive(Debug)]
struct Verification {
    platform: Platform,
    extra: Certificates,
}

impl ServerCertVerifier for Verification {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let verified =
            self.platform.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(TlsError::InvalidCertificate(reason)) => {
                // Usual for a self-signed certificate. Its dates were checked before its purpose.
                let named = is_authority(&reason) && self.extra.contains(end_entity);
                if named && verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name).is_ok()
                {
                    return Ok(ServerCertVerified::assertion());
                }
                let reason = if named { CertificateError::NotValidForName } else { reason };
                let rejected = Rejected { host: server_name.to_str().into_owned(), reason };
                Err(TlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(rejected)))))
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.platform.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.platform.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}

fn reason_text(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Other(OtherError(other)) => other.to_string(),
        reason => reason.to_string(),
    }
}

/// Returns `true` if a server has presented the certificate of an authority.
fn is_authority(reason: &CertificateError) -> bool {
    reason_text(reason) == "CaUsedAsEndEntity"
}

/// The variable that adds certificates to those of the system. Windows and macOS ignore the usual one.
const CA_VARIABLE: &str =
    if cfg!(all(unix, not(target_vendor = "apple"))) { "SSL_CERT_FILE" } else { "REQUESTS_CA_BUNDLE" };

/// A server's certificate that was rejected.
#[derive(Debug)]
pub(super) struct Rejected {
    /// The server that presented it: the API host, a file host, or a proxy.
    pub host: String,
    pub reason: CertificateError,
}

impl Rejected {
    /// Returns what is wrong, and what helps.
    pub fn advice(&self) -> (String, String) {
        use CertificateError::*;
        let trust = || format!("pass its certificate as `ca_bundle` or set {CA_VARIABLE}.");
        let (problem, advice) = match &self.reason {
            Expired | ExpiredContext { .. } => (
                "has expired".to_owned(),
                "Check the clock of this machine; if it is right, the server must renew the certificate.",
            ),
            NotValidYet | NotValidYetContext { .. } => {
                ("is not valid yet".to_owned(), "Check the clock of this machine.")
            }
            NotValidForName => ("is for another host".to_owned(), "Check the host name in the URL."),
            NotValidForNameContext { presented, .. } => {
                // Each is written as `DnsName("example.com")`.
                let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
                let names = names.collect::<Vec<_>>().join(", ");
                (format!("is for another host ({names})"), "Check the host name in the URL.")
            }
            UnknownIssuer => {
                let when = "If a proxy inspects TLS on this network, or your own authority issued the server's certificate,";
                return ("has an unknown issuer".to_owned(), format!("{when} {}", trust()));
            }
            Revoked => ("was revoked".to_owned(), "The server must renew the certificate."),
            reason if is_authority(reason) => {
                let problem = "is a CA certificate, as self-signed certificates often are".to_owned();
                return (problem, format!("If you trust it, {}", trust()));
            }
            reason => {
                (format!("is invalid ({})", reason_text(reason)), "The server must replace the certificate.")
            }
        };
        (problem, advice.to_owned())
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate of {} {}", self.host, self.advice().0)
    }
}

impl std::error::Error for Rejected {}
