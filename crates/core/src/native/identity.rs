//! Reads a client certificate and its private key.

#[cfg(feature = "encrypted-keys")]
mod encrypted;
#[cfg(not(feature = "encrypted-keys"))]
#[path = "identity/no_encrypted.rs"]
mod encrypted;

use std::{fs, path::Path};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::certificates::Certificates;
use crate::error::{Error, Result};

/// A client certificate with its private key.
pub(super) struct Identity {
    chain: Certificates,
    key: PrivateKeyDer<'static>,
}

/// An option, and what is wrong with the file that it names.
type Problem = (&'static str, String);

const CERTIFICATE: &str = "client_cert";
const KEY: &str = "client_key";

impl Identity {
    /// Reads a certificate and its key from PEM files, which may be one file.
    pub fn read(
        certificate: &Path,
        key: Option<&Path>,
        password: Option<&str>,
        provider: &CryptoProvider,
    ) -> Result<Self> {
        let place = |option| match key {
            Some(key) if option != CERTIFICATE => key.display(),
            _ => certificate.display(),
        };
        let invalid = |(option, why): Problem| {
            Error::invalid(format!("`{option}`: {} {why}", place(option))).about(option)
        };
        let read = |option, path: &Path| {
            fs::read(path).map_err(|error| invalid((option, format!("cannot be read: {error}"))))
        };
        let content = read(CERTIFICATE, certificate)?;
        // The first byte of DER.
        if content.first() == Some(&0x30) {
            let why = "is not PEM; if it is PKCS#12, convert it with `openssl pkcs12 -in FILE -out FILE.pem`, which keeps the \
                       private key encrypted";
            return Err(invalid((CERTIFICATE, why.to_owned())));
        }
        let chain = chain(&content).map_err(invalid)?;
        let pem = key.map_or(Ok(content), |key| read(KEY, key))?;
        let identity = Self { chain, key: private_key(&pem, key.is_some(), password).map_err(invalid)? };
        identity.check(provider).map_err(|error| {
            let why = format!("has a private key that does not fit the certificate: {error}");
            invalid((if key.is_some() { KEY } else { CERTIFICATE }, why))
        })?;
        Ok(identity)
    }

    /// Checks that the key is the one of the first certificate.
    fn check(&self, provider: &CryptoProvider) -> Result<(), rustls::Error> {
        let signer = provider.key_provider.load_private_key(self.key.clone_key())?;
        CertifiedKey::new(self.chain.clone(), signer).keys_match()
    }

    pub fn parts(&self) -> (Certificates, PrivateKeyDer<'static>) {
        (self.chain.clone(), self.key.clone_key())
    }
}

fn chain(pem: &[u8]) -> Result<Certificates, Problem> {
    let chain: Result<Certificates, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.unwrap_or_default();
    match chain.is_empty() {
        true => Err((CERTIFICATE, "contains no PEM certificate".to_owned())),
        false => Ok(chain),
    }
}

/// Returns the first private key. `separate` says that it is the file of the key.
fn private_key(
    pem: &[u8],
    separate: bool,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, Problem> {
    let option = if separate { KEY } else { CERTIFICATE };
    if let Ok(key) = PrivateKeyDer::from_pem_slice(pem) {
        return Ok(key);
    }
    let text = String::from_utf8_lossy(pem);
    let Some(encrypted) = encrypted_section(&text) else {
        let why = match text.contains("ENCRYPTED") {
            true => {
                "has a private key in an old format of OpenSSL; convert it with `openssl pkey -in FILE -out FILE.key`"
            }
            false => "contains no PEM private key; pass the file of the key as `client_key`",
        };
        return Err((option, why.to_owned()));
    };
    let Some(password) = password else {
        return Err((option, "is encrypted; pass its password as `client_key_password`".to_owned()));
    };
    encrypted::decrypt(option, &encrypted, password)
}

/// Returns the content of the first encrypted private key.
fn encrypted_section(text: &str) -> Option<Vec<u8>> {
    const LABEL: &str = "ENCRYPTED PRIVATE KEY";
    let start = text.find(&format!("-----BEGIN {LABEL}-----"))?;
    let end = text[start..].find("-----END")? + start;
    // This label is the only one that the reader of PEM does not know.
    let renamed = format!("{}-----END {LABEL}-----\n", &text[start..end]).replace(LABEL, "PRIVATE KEY");
    let content = PrivatePkcs8KeyDer::from_pem_slice(renamed.as_bytes()).ok()?;
    Some(content.secret_pkcs8_der().to_vec())
}
