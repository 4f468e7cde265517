//! Reads certificates from files.

use std::{fs, io, path::Path};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::without_code;
use crate::error::{Error, Result};

pub(super) type Certificates = Vec<CertificateDer<'static>>;

/// Returns the certificates of a PEM file, or of all PEM files in a folder. The error says what is wrong.
pub(super) fn read(path: &Path) -> Result<Certificates, String> {
    let place = path.display();
    let failed = |error: io::Error| format!("cannot read {place}: {}", without_code(&error));
    let mut found = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(failed)? {
            // A folder of certificates may also contain other files.
            let pem = entry.and_then(|entry| fs::read(entry.path())).unwrap_or_default();
            found.extend(parse(&pem).unwrap_or_default());
        }
    } else {
        let pem = fs::read(path).map_err(failed)?;
        found = parse(&pem).map_err(|why| format!("{place} is not a list of PEM certificates: {why}"))?;
    }
    if found.is_empty() {
        return Err(format!(
            "{place} contains no certificate; a PEM certificate begins with -----BEGIN CERTIFICATE-----"
        ));
    }
    Ok(found)
}

fn parse(pem: &[u8]) -> Result<Certificates, String> {
    let mut store = RootCertStore::empty();
    let mut check = |certificate: CertificateDer<'static>| {
        store.add(certificate.clone()).map_err(|error| error.to_string()).map(|()| certificate)
    };
    CertificateDer::pem_slice_iter(pem).map(|item| check(item.map_err(|error| error.to_string())?)).collect()
}

/// The certificates to trust in addition to those of the platform.
#[derive(Default)]
pub(super) struct Extra {
    pub certificates: Certificates,
    /// Variables that were ignored, and why.
    pub ignored: Vec<String>,
}

impl Extra {
    /// Adds the certificates of the environment.
    ///
    /// # Errors
    /// If `SSL_CERT_FILE`, which replaces the certificates of the platform, has none.
    pub fn from_environment(certificates: Certificates) -> Result<Self> {
        let variable = |name| std::env::var_os(name).filter(|path| !path.is_empty());
        let mut extra = Self { certificates, ignored: Vec::new() };
        // Elsewhere the platform ignores this variable.
        if cfg!(all(unix, not(target_vendor = "apple")))
            && let Some(path) = variable("SSL_CERT_FILE")
        {
            extra.certificates.extend(read(Path::new(&path)).map_err(|why| {
                Error::invalid(format!("the environment variable SSL_CERT_FILE is invalid: {why}"))
            })?);
        }
        // Meant for other programs, so a failed connection mentions an invalid one, and any other succeeds.
        for name in ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            match variable(name).map(|path| read(Path::new(&path))) {
                Some(Ok(certificates)) => extra.certificates.extend(certificates),
                Some(Err(why)) => extra.ignored.push(format!("{name} was ignored: {why}.")),
                None => {}
            }
        }
        Ok(extra)
    }
}
