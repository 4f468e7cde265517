//! Errors in place of `encrypted`, without its feature.

use rustls::{crypto::CryptoProvider, pki_types::PrivateKeyDer};

use super::{CERTIFICATE, Identity, Problem};

const NOT_COMPILED: &str = "which needs the feature `encrypted-keys` of the crate `replicant`";

pub(super) fn decrypt(
    option: &'static str,
    _encrypted: &[u8],
    _password: &str,
) -> Result<PrivateKeyDer<'static>, Problem> {
    Err((option, format!("has an encrypted private key, {NOT_COMPILED}")))
}

pub(super) fn from_pkcs12(
    _content: &[u8],
    _password: Option<&str>,
    _provider: &CryptoProvider,
) -> Result<Identity, Problem> {
    Err((CERTIFICATE, format!("is not PEM, so it must be PKCS#12, {NOT_COMPILED}")))
}
