//! Hashes of inputs, to compare rows and predictions.

use std::{borrow::Cow, fmt};

use sha2::{Digest, Sha256};

use crate::value::Value;

/// The first 128 bits of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hash(pub u128);

impl Hash {
    /// Returns the hash of an input: independent of the order of members and of the spelling of numbers. Files count by their
    /// names; see [`hash_of`](super::fingerprint::hash_of).
    pub fn of(input: &Value) -> Self {
        let mut hasher = Sha256::new();
        add(&mut hasher, input, &|text| text.into());
        Self::finish(hasher)
    }

    /// Returns the hash by which the rows of two batches are compared. URLs count without their signatures, which expire.
    pub fn of_row(input: &Value) -> Self {
        let mut hasher = Sha256::new();
        add(&mut hasher, input, &without_signature);
        Self::finish(hasher)
    }

    /// Returns the hash of a row's key. `1` and `"1"` are one key.
    pub fn of_key(key: &Value) -> Self {
        Self::of_text(&key.to_string())
    }

    pub fn of_text(text: &str) -> Self {
        Self::finish(Sha256::new().chain_update(text))
    }

    fn finish(hasher: Sha256) -> Self {
        let digest = hasher.finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Self(u128::from_be_bytes(first))
    }

    pub fn parse(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

fn add_text(hasher: &mut Sha256, kind: u8, text: &[u8]) {
    hasher.update([kind]);
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
}

/// Parameters of signed URLs of Replicate, Amazon S3, CloudFront, Google Cloud Storage and Azure, in lower case.
const SIGNATURES: &[&str] = &[
    "awsaccesskeyid",
    "expires",
    "expiry",
    "googleaccessid",
    "key-pair-id",
    "policy",
    "se",
    "sig",
    "signature",
    "ske",
    "skoid",
    "sks",
    "skt",
    "sktid",
    "skv",
    "sp",
    "spr",
    "sr",
    "st",
    "sv",
];

/// Returns a URL without the parameters that sign it, if one of them is a signature.
fn without_signature(text: &str) -> Cow<'_, str> {
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    let Some((url, query)) = text.split_once('?').filter(|_| is_url) else { return text.into() };
    let name = |part: &str| part.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let (signing, kept): (Vec<_>, Vec<_>) = query.split('&').partition(|part| {
        let name = name(part);
        name.starts_with("x-amz-") || name.starts_with("x-goog-") || SIGNATURES.contains(&name.as_str())
    });
    let is_signature = |part: &&str| {
        matches!(name(part).as_str(), "sig" | "signature" | "x-amz-signature" | "x-goog-signature")
    };
    if signing.iter().any(is_signature) { format!("{url}?{}", kept.join("&")).into() } else { text.into() }
}

/// Adds a value, with texts as `kept` returns them.
fn add(hasher: &mut Sha256, value: &Value, kept: &impl Fn(&str) -> Cow<'_, str>) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(bool) => hasher.update([b'b', u8::from(*bool)]),
        Value::Number(number) => {
            let text = match number.as_f64() {
                // Exact in both forms.
                float if float.fract() == 0.0 && float.abs() < 9e15 => (float as i64).to_string(),
                _ => number.to_string(),
            };
            add_text(hasher, b'#', text.as_bytes());
        }
        Value::String(_) | Value::FileUrl(_) => {
            add_text(hasher, b's', kept(value.as_str().unwrap_or_default()).as_bytes());
        }
        Value::Json(text) => add_text(hasher, b'j', text.as_bytes()),
        Value::Bytes(bytes) => add_text(hasher, b'y', bytes),
        Value::File(file) => add_text(hasher, b'f', file.name().as_bytes()),
        Value::Array(items) => {
            hasher.update(b"[");
            hasher.update((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| add(hasher, item, kept));
        }
        Value::Object(members) => {
            let mut names: Vec<_> = members.iter().collect();
            names.sort_unstable_by(|one, other| one.0.cmp(other.0));
            hasher.update(b"{");
            hasher.update((names.len() as u64).to_le_bytes());
            for (name, member) in names {
                add_text(hasher, b'k', name.as_bytes());
                add(hasher, member, kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    #[test]
    fn the_order_of_members_and_the_spelling_of_numbers_do_not_matter() {
        let one = json!({"a": 1, "b": [1.0, {"x": null, "y": "z"}]});
        let other = Value::from_json(br#"{"b": [1, {"y": "z", "x": null}], "a": 1.0}"#).unwrap();
        assert_eq!(Hash::of(&one.into()), Hash::of(&other));
    }

    #[test]
    fn different_inputs_differ() {
        let inputs = [
            json!({}),
            json!([]),
            json!({"a": null}),
            json!({"a": ""}),
            json!({"a": "1"}),
            json!({"a": 1}),
            json!({"a": 1.5}),
            json!({"a": true}),
            json!({"a": []}),
            json!({"a": {}}),
            json!({"a": [[], []]}),
            json!({"a": [[[]]]}),
            json!({"ab": "c"}),
            json!({"a": "bc"}),
            json!({"a": "b", "c": ""}),
        ];
        let hashes: Vec<_> = inputs.into_iter().map(|input| Hash::of(&input.into())).collect();
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..at].contains(hash), "{at}");
        }
    }

    #[test]
    fn a_signature_that_expires_does_not_change_a_row() {
        let of = |text: &str| Hash::of_row(&json!({"image": text}).into());
        assert_eq!(
            of("https://bucket/a.png?X-Amz-Signature=1"),
            of("https://bucket/a.png?X-Amz-Signature=2")
        );
        assert_eq!(
            of("https://h/d?owner=a&expiry=1&signature=x"),
            of("https://h/d?owner=a&expiry=2&signature=y")
        );
        for (one, other) in [
            ("https://bucket/a.png?X-Amz-Signature=1", "https://bucket/b.png?X-Amz-Signature=1"),
            ("https://h/watch?v=1", "https://h/watch?v=2"),
            ("https://h/d?id=1&sig=x", "https://h/d?id=2&sig=x"),
            ("https://h/d?expires=1", "https://h/d?expires=2"),
            ("who? me", "who? you"),
            ("https://bucket/a.png who? me", "https://bucket/a.png who? you"),
        ] {
            assert_ne!(of(one), of(other));
        }
        let exact = |text: &str| Hash::of(&json!({"image": text}).into());
        assert_ne!(exact("https://bucket/a.png?x=1"), exact("https://bucket/a.png?x=2"));
    }

    proptest! {
        #[test]
        fn text_survives_a_round_trip(bits in any::<u128>()) {
            prop_assert_eq!(Hash::parse(&Hash(bits).to_string()), Some(Hash(bits)));
        }
    }
}
