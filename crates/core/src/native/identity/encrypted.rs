//! Encrypted private keys and PKCS#12.

use p12_keystore::{Certificate, Pkcs12Archive, error::Error as Pkcs12Error};
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{CERTIFICATE, Certificates, ENCRYPTED, Identity, Problem};

const PASSWORD: &str = "client_key_password";
const WRONG_PASSWORD: &str = "cannot be decrypted with this password";

/// Decrypts a PKCS#8 key from the file of `option`.
pub(super) fn decrypt(
    option: &'static str,
    encrypted: &[u8],
    password: &str,
) -> Result<PrivateKeyDer<'static>, Problem> {
    let key = EncryptedPrivateKeyInfoRef::try_from(encrypted)
        .map_err(|error| (option, format!("has an encrypted private key that cannot be read: {error}")))?
        .decrypt(password)
        .map_err(|_| (PASSWORD, WRONG_PASSWORD.to_owned()))?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// Reads the certificate of a PKCS#12 file with its issuers and its key.
pub(super) fn from_pkcs12(
    content: &[u8],
    password: Option<&str>,
    provider: &CryptoProvider,
) -> Result<Identity, Problem> {
    let archive = Pkcs12Archive::from_pkcs12(content, password.unwrap_or_default());
    let archive = archive.map_err(|error| match (error, password) {
        (Pkcs12Error::MacError(_), Some(_)) => (PASSWORD, WRONG_PASSWORD.to_owned()),
        (Pkcs12Error::MacError(_), None) => (CERTIFICATE, ENCRYPTED.to_owned()),
        (error, _) => (CERTIFICATE, format!("is not PEM, and cannot be read as PKCS#12: {error}")),
    })?;
    for bag in archive.keys {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(bag.key.as_der().to_vec()));
        for leaf in &archive.certs {
            let chain = issuers(&leaf.cert, archive.certs.iter().map(|bag| &bag.cert));
            let identity = Identity { chain, key: key.clone_key() };
            if identity.check(provider).is_ok() {
                return Ok(identity);
            }
        }
    }
    Err((CERTIFICATE, "contains no private key with its certificate".to_owned()))
}

/// Returns a certificate, its issuer, the issuer's issuer, and so on.
fn issuers<'a>(leaf: &'a Certificate, others: impl Iterator<Item = &'a Certificate> + Clone) -> Certificates {
    let mut chain = vec![leaf];
    while let Some(last) = chain.last()
        && let Some(issuer) = others.clone().find(|other| {
            other.subject() == last.issuer() && !chain.iter().any(|known| known.as_der() == other.as_der())
        })
    {
        chain.push(issuer);
    }
    chain.into_iter().map(|certificate| CertificateDer::from(certificate.as_der().to_vec())).collect()
}
