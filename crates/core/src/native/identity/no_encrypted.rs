//! An error in place of `encrypted`, without its feature.

use rustls::pki_types::PrivateKeyDer;

use super::Problem;

pub(super) fn decrypt(
    option: &'static str,
    _encrypted: &[u8],
    _password: &str,
) -> Result<PrivateKeyDer<'static>, Problem> {
    let why =
        "has an encrypted private key, which needs the feature `encrypted-keys` of the crate `replicant`";
    Err((option, why.to_owned()))
}
