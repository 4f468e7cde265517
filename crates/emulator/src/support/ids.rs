//! Identifiers and secrets in the formats of the API.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

// Prediction ids avoid the letters i, l, o and u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Returns `N` random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system supplies random bytes");
    bytes
}

/// Generates the id of a prediction or training: 26 characters.
pub(crate) fn prediction() -> String {
    random::<26>().iter().map(|byte| ALPHABET[usize::from(byte % 32)] as char).collect()
}

/// Generates the id of an uploaded file: base64 of a UUID's text, so it is case-sensitive.
pub(crate) fn file() -> String {
    let mut bytes = random::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    STANDARD.encode(uuid)
}

/// Generates a version id: 64 hexadecimal digits.
pub(crate) fn version() -> String {
    hex(&random::<32>())
}

/// Returns the version id of a model with this name and schema.
pub(crate) fn version_of(name: &str, schema: &str) -> String {
    use sha2::Digest;
    hex(&sha2::Sha256::new().chain_update(name).chain_update([0]).chain_update(schema).finalize())
}

/// Generates an unguessable part of a URL.
pub(crate) fn url_key() -> String {
    hex(&random::<20>())
}

/// Generates a webhook secret: `whsec_` and 24 random bytes in base64.
pub(crate) fn webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(random::<24>()))
}

/// Encodes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
