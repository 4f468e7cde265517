//! Derives safe and unique file names from URLs.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use url::Url;

use crate::value::text::{boundary_before, hex};

/// Longest name in bytes. File systems allow 255, some only 143, and a number may be appended.
const MAX_NAME: usize = 120;
/// Longest suffix after the last dot that counts as an extension, including the dot.
const MAX_EXTENSION: usize = 16;

/// The names in use in a folder, compared without case because some file systems ignore it.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Lower-case names, with the last number appended to each.
    taken: HashMap<String, u32>,
}

impl Names {
    /// Marks a name as in use.
    pub fn take(&mut self, name: &str) {
        self.taken.entry(name.to_lowercase()).or_insert(1);
    }

    /// Returns and takes `wanted`, with a number if it is in use: `out-0.webp`, `out-0-2.webp`.
    pub fn unused(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.taken.contains_key(&name.to_lowercase()) {
            // Continues from the last number, so that many equal names take linear time.
            let count = self.taken.entry(wanted.to_lowercase()).or_insert(1);
            *count += 1;
            let (stem, extension) = split(wanted);
            name = format!("{stem}-{count}{extension}");
        }
        self.take(&name);
        name
    }
}

/// Splits a name into its stem and its extension, including the dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_EXTENSION => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Returns a safe name for the file at `url`, based on the last segment of its path.
pub(crate) fn name_of(url: &str) -> String {
    if url.starts_with("data:") {
        return format!("file{}", super::data_uri::extension(url));
    }
    let url = Url::parse(url).ok();
    let last = url.as_ref().and_then(|url| url.path_segments()?.next_back()).unwrap_or_default();
    sanitize(&percent_decode_str(last).decode_utf8_lossy())
}

/// Returns the name of a file of a row: its key, the number of the file if there are several, and the extension of the URL.
/// With `prediction`, an id, it differs from that of the same row in an earlier batch.
///
/// Different keys have different names: `--` separates what is added to a key, and a key that cannot be a name, or could be
/// taken for another one with an addition, has a hash.
pub(crate) fn name_for(key: &str, prediction: Option<&str>, number: Option<usize>, url: &str) -> String {
    /// Longest key in bytes, so that the extension and the number fit.
    const MAX_KEY: usize = 80;
    let name = name_of(url);
    let extension = split(&name).1;
    let mut safe = sanitize(key);
    // Some file systems ignore the case of names.
    let is_plain = safe == key && safe.len() <= MAX_KEY && key.to_lowercase() == key;
    if !is_plain || key.contains("--") || (extension.is_empty() && key.contains('.')) {
        safe.truncate(boundary_before(&safe, MAX_KEY));
        // Long, because the keys of a batch often differ only at their end, such as URLs.
        add_hash(&mut safe, key, 8);
    }
    if let Some(id) = prediction {
        add_hash(&mut safe, id, 4);
    }
    match number {
        Some(number) => format!("{safe}--{number}{extension}"),
        None => format!("{safe}{extension}"),
    }
}

/// Adds `--` and the first bytes of the hash of a text to a name.
fn add_hash(name: &mut String, text: &str, bytes: usize) {
    name.push_str("--");
    name.push_str(&hex(&Sha256::digest(text)[..bytes]));
}

/// Makes a name safe on every operating system: no path, no device, not hidden.
fn sanitize(name: &str) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    let kept = kept.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    let (stem, extension) = split(kept);
    let end = boundary_before(stem, MAX_NAME - extension.len());
    match format!("{}{extension}", &stem[..end]) {
        name if name.is_empty() => "file".to_owned(),
        // Windows opens the device whatever the extension.
        name if is_device(name.split('.').next().unwrap_or_default()) => format!("_{name}"),
        name => name,
    }
}

fn is_device(stem: &str) -> bool {
    let stem = stem.trim_end().to_ascii_uppercase();
    let numbered = |kind: &str| {
        let number = stem.strip_prefix(kind).map(|rest| rest.chars().collect::<Vec<_>>());
        matches!(number.as_deref(), Some(['1'..='9' | '¹' | '²' | '³']))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_come_from_the_key() {
        assert_eq!(name_for("17", None, None, "https://h/out-0.webp"), "17.webp");
        assert_eq!(name_for("cat.v2", None, Some(1), "https://h/out-0.webp"), "cat.v2--1.webp");
        assert_eq!(name_for("17", None, None, "data:image/png;base64,AA=="), "17.png");
        let hashed = name_for("a/b", None, None, "https://h/x.png");
        assert!(hashed.starts_with("a_b--") && hashed.ends_with(".png"), "{hashed}");
        assert_ne!(hashed, name_for("a:b", None, None, "https://h/x.png"));
        assert_ne!(
            name_for("A", None, None, "https://h/x").to_lowercase(),
            name_for("a", None, None, "https://h/x")
        );
    }

    #[test]
    fn names_of_different_keys_differ() {
        let mut keys = vec!["a", "a-1", "a--1", "a.txt", "A", "a/b", "a_b"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        keys.extend([
            name_for("a/b", None, None, "https://h/x"),
            name_for("a", None, Some(0), "https://h/x"),
        ]);
        let mut names = std::collections::HashSet::new();
        for key in &keys {
            for (number, url) in
                [(None, "https://h/x"), (None, "https://h/x.txt"), (Some(1), "https://h/x.txt")]
            {
                assert!(
                    names.insert(name_for(key, None, number, url).to_lowercase()),
                    "{key} {number:?} {url}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn names_of_keys_are_safe(key in "\\PC{0,200}|[a-z./\\\\:]{0,12}", url in "https://h/[a-z.]{0,40}") {
            let name = name_for(&key, None, Some(3), &url);
            prop_assert!(name.len() <= 140 && sanitize(&name) == name, "{}", name);
        }
    }

    #[test]
    fn names_come_from_the_url() {
        for (url, name) in [
            ("https://replicate.delivery/xezq/abc/out-0.webp", "out-0.webp"),
            ("https://h/a/b.png?X-Amz-Signature=1#x", "b.png"),
            ("https://h/a%20b.png", "a b.png"),
            ("https://h/", "file"),
            ("https://h/a/", "file"),
            ("data:image/png;base64,aGk=", "file.png"),
            ("data:audio/mpeg;base64,aGk=", "file.mp3"),
            ("data:text/plain;charset=utf-8,hi", "file.txt"),
            ("data:,hi", "file.txt"),
            ("data:x/y,hi", "file"),
        ] {
            assert_eq!(name_of(url), name, "{url}");
        }
    }

    #[test]
    fn unsafe_names_are_sanitized() {
        for (last, name) in [
            ("..%2F..%2Fetc%2Fpasswd", "_.._etc_passwd"),
            ("%2e%2e", "file"),
            ("..%5C..%5Cboot.ini", "_.._boot.ini"),
            ("a%00.png", "a_.png"),
            ("C%3A%5Cx.png", "C__x.png"),
            (".bashrc", "bashrc"),
            ("con", "_con"),
            ("NUL.tar.gz", "_NUL.tar.gz"),
            ("com1.png", "_com1.png"),
            ("lpt%C2%B2", "_lpt²"),
            ("common.png", "common.png"),
            ("x.png.%20.", "x.png"),
        ] {
            assert_eq!(name_of(&format!("https://h/{last}")), name, "{last}");
        }
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut names = Names::default();
        names.take("b.png");
        let given: Vec<_> = ["a.png", "A.png", "a-2.png", "a.png", "b.png", "a", "a"]
            .map(|wanted| names.unused(wanted))
            .into();
        assert_eq!(given, ["a.png", "A-2.png", "a-2-2.png", "a-3.png", "b-2.png", "a", "a-2"]);
    }

    proptest! {
        #[test]
        fn any_name_stays_inside_the_folder(last in any::<String>()) {
            let name = sanitize(&last);
            prop_assert!(name.len() <= MAX_NAME + 1);
            let components: Vec<_> = Path::new(&name).components().collect();
            prop_assert!(matches!(components[..], [Component::Normal(same)] if same == name.as_str()));
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\', '\0']));
        }

        #[test]
        fn names_are_unique(wanted in proptest::collection::vec("[aAbB](-[12]){0,2}(\\.p)?", 0..40)) {
            let mut names = Names::default();
            let given: std::collections::HashSet<_> =
                wanted.iter().map(|wanted| names.unused(wanted).to_lowercase()).collect();
            prop_assert_eq!(given.len(), wanted.len());
        }
    }
}
