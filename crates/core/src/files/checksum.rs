//! Checksums that file servers send along.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use sha2::{Digest, Sha256};

/// A checksum that was given, and the one of what has come.
pub(super) struct Checksum {
    expected: Vec<u8>,
    seen: Hasher,
}

enum Hasher {
    Sha256(Sha256),
    Md5(Md5),
}

impl Checksum {
    /// The best checksum in the headers of a whole file: `Repr-Digest` and `Digest` (SHA-256),
    /// `Content-MD5`, and the MD5 in `X-Goog-Hash`, as the storage behind output files sends it.
    pub fn given(headers: &[(String, String)]) -> Option<Self> {
        let sha256 = || {
            let given = parts(headers, "repr-digest").chain(parts(headers, "digest"));
            let mut given = given.filter_map(|part| part.split_once('='));
            given.find(|(algorithm, _)| algorithm.eq_ignore_ascii_case("sha-256")).map(|(_, digest)| digest)
        };
        let md5 = || {
            // It is of what is stored, which may have been packed and unpacked on the way.
            let mut stored = parts(headers, "x-goog-stored-content-encoding");
            let as_stored = stored.all(|encoding| encoding.eq_ignore_ascii_case("identity"));
            let mut goog = parts(headers, "x-goog-hash").filter(|_| as_stored);
            let goog = goog.find_map(|part| part.strip_prefix("md5="));
            goog.or_else(|| parts(headers, "content-md5").next())
        };
        // One that cannot be read is none: it says nothing about the content.
        let decoded = |text: &str| STANDARD.decode(text.trim_matches(':')).ok();
        match sha256().and_then(decoded).filter(|digest| digest.len() == 32) {
            Some(expected) => Some(Self { expected, seen: Hasher::Sha256(Sha256::new()) }),
            None => {
                let expected = md5().and_then(decoded).filter(|digest| digest.len() == 16)?;
                Some(Self { expected, seen: Hasher::Md5(Md5::new()) })
            }
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.seen {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Md5(hasher) => hasher.update(bytes),
        }
    }

    /// Why the content is not the one that was sent.
    pub fn check(self) -> Result<(), String> {
        let (name, seen) = match self.seen {
            Hasher::Sha256(hasher) => ("SHA-256", hasher.finalize().to_vec()),
            Hasher::Md5(hasher) => ("MD5", hasher.finalize().to_vec()),
        };
        if seen == self.expected {
            return Ok(());
        }
        let (seen, expected) = (STANDARD.encode(seen), STANDARD.encode(self.expected));
        Err(format!("was damaged on the way: its {name} is {seen} instead of {expected}"))
    }
}

/// The parts of all headers of that name.
fn parts<'a>(headers: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    let values = headers.iter().filter(move |(key, _)| key == name);
    values.flat_map(|(_, value)| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checked(name: &str, value: &str) -> Option<Result<(), String>> {
        let mut checksum = Checksum::given(&[(name.to_owned(), value.to_owned())])?;
        checksum.update(b"he");
        checksum.update(b"llo");
        Some(checksum.check())
    }

    #[test]
    fn every_way_of_giving_one() {
        for (name, value) in [
            ("repr-digest", "sha-512=:AA==:, sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"),
            ("digest", "SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("x-goog-hash", "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg=="),
        ] {
            assert_eq!(checked(name, value), Some(Ok(())), "{name}");
            let other = value.replace("LPJN", "AAAA").replace("XUFA", "AAAA");
            let why = checked(name, &other).unwrap().unwrap_err();
            assert!(why.contains("damaged") && why.contains("instead of AAAA"), "{why}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for (name, value) in [
            ("repr-digest", "sha-256=:%%%:"),
            ("digest", "sha-256"),
            ("digest", "md5=XUFAKrxLKna5cZ2REBfFkg=="),
            ("content-md5", "AAAA"),
            ("x-goog-hash", "crc32c=mnG7TA=="),
            ("etag", "\"5d41402abc4b2a76b9719d911017c592\""),
        ] {
            assert_eq!(checked(name, value), None, "{name}: {value}");
        }
    }

    proptest! {
        #[test]
        fn whatever_header_comes_is_a_checksum_or_none(
            name in "repr-digest|digest|content-md5|x-goog-hash", value in "(sha-256|md5|=|:|,| |[A-Za-z0-9+/é]){0,20}"
        ) {
            let _ = checked(&name, &value);
        }
    }
}
