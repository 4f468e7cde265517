//! Decrypts private keys.

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Problem;

const PASSWORD: &str = "client_key_password";

/// Decrypts a PKCS#8 key from the file of `option`.
pub(super) fn decrypt(
    option: &'static str,
    encrypted: &[u8],
    password: &str,
) -> Result<PrivateKeyDer<'static>, Problem> {
    let key = EncryptedPrivateKeyInfoRef::try_from(encrypted)
        .map_err(|error| (option, format!("has an encrypted private key that cannot be read: {error}")))?
        .decrypt(password)
        .map_err(|_| (PASSWORD, "cannot be decrypted with this password".to_owned()))?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}
