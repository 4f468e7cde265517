//! Verifies downloads with the checksums that file servers send.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use sha2::{Digest, Sha256};

/// The checksum that a server declared, and the hash of the content received.
pub(super) struct Checksum {
    expected: Vec<u8>,
    actual: Hasher,
}

enum Hasher {
    Sha256(Sha256),
    Md5(Md5),
}

impl Checksum {
    /// Reads the strongest checksum from the headers of a complete response: SHA-256 from `Repr-Digest` or
    /// `Digest`, or MD5 from `X-Goog-Hash` (which the storage of output files sends) or `Content-MD5`.
    pub fn from_headers(headers: &[(String, String)]) -> Option<Self> {
        let sha256 = || {
            let digests = parts(headers, "repr-digest").chain(parts(headers, "digest"));
            let mut digests = digests.filter_map(|part| part.split_once('='));
            digests.find(|(algorithm, _)| algorithm.eq_ignore_ascii_case("sha-256")).map(|(_, digest)| digest)
        };
        let md5 = || {
            // `X-Goog-Hash` covers the stored bytes, which differ from the content if they are compressed.
            let mut stored = parts(headers, "x-goog-stored-content-encoding");
            let as_stored = stored.all(|encoding| encoding.eq_ignore_ascii_case("identity"));
            let mut goog = parts(headers, "x-goog-hash").filter(|_| as_stored);
            let goog = goog.find_map(|part| part.strip_prefix("md5="));
            goog.or_else(|| parts(headers, "content-md5").next())
        };
        // Malformed checksums are ignored.
        let decoded = |text: &str| STANDARD.decode(text.trim_matches(':')).ok();
        match sha256().and_then(decoded).filter(|digest| digest.len() == 32) {
            Some(expected) => Some(Self { expected, actual: Hasher::Sha256(Sha256::new()) }),
            None => {
                let expected = md5().and_then(decoded).filter(|digest| digest.len() == 16)?;
                Some(Self { expected, actual: Hasher::Md5(Md5::new()) })
            }
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.actual {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Md5(hasher) => hasher.update(bytes),
        }
    }

    /// Compares the checksums. The error describes the mismatch.
    pub fn verify(self) -> Result<(), String> {
        let (name, actual) = match self.actual {
            Hasher::Sha256(hasher) => ("SHA-256", hasher.finalize().to_vec()),
            Hasher::Md5(hasher) => ("MD5", hasher.finalize().to_vec()),
        };
        if actual == self.expected {
            return Ok(());
        }
        let (actual, expected) = (STANDARD.encode(actual), STANDARD.encode(self.expected));
        Err(format!("was corrupted in transit: its {name} is {actual}, but the server declared {expected}"))
    }
}

/// Returns the comma-separated parts of all headers with a name.
fn parts<'a>(headers: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    let values = headers.iter().filter(move |(key, _)| key == name);
    values.flat_map(|(_, value)| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Verifies the content `hello` with a header.
    fn verify(name: &str, value: &str) -> Option<Result<(), String>> {
        let mut checksum = Checksum::from_headers(&[(name.to_owned(), value.to_owned())])?;
        checksum.update(b"he");
        checksum.update(b"llo");
        Some(checksum.verify())
    }

    #[test]
    fn verifies_every_kind_of_checksum() {
        for (name, value) in [
            ("repr-digest", "sha-512=:AA==:, sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"),
            ("digest", "SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("x-goog-hash", "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg=="),
        ] {
            assert_eq!(verify(name, value), Some(Ok(())), "{name}");
            let other = value.replace("LPJN", "AAAA").replace("XUFA", "AAAA");
            let why = verify(name, &other).unwrap().unwrap_err();
            assert!(why.contains("corrupted") && why.contains("declared AAAA"), "{why}");
        }
    }

    #[test]
    fn malformed_and_unknown_checksums_are_ignored() {
        for (name, value) in [
            ("repr-digest", "sha-256=:%%%:"),
            ("digest", "sha-256"),
            ("digest", "md5=XUFAKrxLKna5cZ2REBfFkg=="),
            ("content-md5", "AAAA"),
            ("x-goog-hash", "crc32c=mnG7TA=="),
            ("etag", "\"5d41402abc4b2a76b9719d911017c592\""),
        ] {
            assert_eq!(verify(name, value), None, "{name}: {value}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_parsed_or_ignored(
            name in "repr-digest|digest|content-md5|x-goog-hash", value in "(sha-256|md5|=|:|,| |[A-Za-z0-9+/é]){0,20}"
        ) {
            let _ = verify(&name, &value);
        }
    }
}
