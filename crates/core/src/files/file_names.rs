//! Names for files that a server named: safe in any folder, each once.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use url::Url;

/// The longest name that is given, in bytes. File systems take 255, some of them 143, and a number
/// may have to be added.
const LONGEST: usize = 120;
/// The longest part behind the last dot that is taken for the kind of file.
const LONGEST_EXTENSION: usize = 16;

/// The names that are taken in a folder.
///
/// Compared without regard to case, because some file systems do not regard it.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// And how many alike there are so far.
    taken: HashMap<String, u32>,
}

impl Names {
    pub fn take(&mut self, name: &str) {
        self.taken.entry(name.to_lowercase()).or_insert(1);
    }

    /// Takes `wanted`, or where that is taken, the same with a number: `out-0.webp`, `out-0-2.webp`.
    pub fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.taken.contains_key(&name.to_lowercase()) {
            // Counted on from the last time, so that a thousand alike cost no million looks.
            let count = self.taken.entry(wanted.to_lowercase()).or_insert(1);
            *count += 1;
            let (stem, extension) = split(wanted);
            name = format!("{stem}-{count}{extension}");
        }
        self.take(&name);
        name
    }
}

/// The name and the extension with its dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= LONGEST_EXTENSION => name.split_at(dot),
        _ => (name, ""),
    }
}

/// A name for the file at `url`: the last part of its path, as far as it can be one.
pub(super) fn name_of(url: &str) -> String {
    if url.starts_with("data:") {
        return format!("file{}", super::data_uri::extension(url));
    }
    let url = Url::parse(url).ok();
    let last = url.as_ref().and_then(|url| url.path_segments()?.next_back()).unwrap_or_default();
    safe(&percent_decode_str(last).decode_utf8_lossy())
}

/// `name` as it can stand in a folder of any system: neither another folder nor a device, and not hidden.
fn safe(name: &str) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    let kept = kept.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    let (stem, extension) = split(kept);
    let mut end = stem.len().min(LONGEST - extension.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    match format!("{}{extension}", &stem[..end]) {
        name if name.is_empty() => "file".to_owned(),
        // Windows opens the device, whatever stands behind the dot.
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
    fn the_name_of_the_url() {
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
    fn a_hostile_name_is_made_harmless() {
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
    fn names_that_are_alike_are_numbered() {
        let mut names = Names::default();
        names.take("b.png");
        let given: Vec<_> =
            ["a.png", "A.png", "a-2.png", "a.png", "b.png", "a", "a"].map(|wanted| names.free(wanted)).into();
        assert_eq!(given, ["a.png", "A-2.png", "a-2-2.png", "a-3.png", "b-2.png", "a", "a-2"]);
    }

    proptest! {
        #[test]
        fn any_name_is_one_name_in_the_folder(last in any::<String>()) {
            let name = safe(&last);
            prop_assert!(name.len() <= LONGEST + 1);
            let components: Vec<_> = Path::new(&name).components().collect();
            prop_assert!(matches!(components[..], [Component::Normal(same)] if same == name.as_str()));
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\', '\0']));
        }

        #[test]
        fn no_name_is_given_twice(wanted in proptest::collection::vec("[aAbB](-[12]){0,2}(\\.p)?", 0..40)) {
            let mut names = Names::default();
            let given: std::collections::HashSet<_> =
                wanted.iter().map(|wanted| names.free(wanted).to_lowercase()).collect();
            prop_assert_eq!(given.len(), wanted.len());
        }
    }
}
