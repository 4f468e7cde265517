//! Names and types of files that have none.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Files;

const OCTET_STREAM: &str = "application/octet-stream";

/// Completes the name and the content type of an output file: each follows from the other, or from the content.
pub(crate) fn complete(name: Option<&str>, kind: Option<&str>, content: &[u8]) -> (String, String) {
    let sniffed = infer::get(content).map(|kind| kind.extension());
    // A segment of dots is not part of a URL.
    let name = name.filter(|name| name.bytes().any(|byte| byte != b'.')).map_or_else(
        || format!("output.{}", kind.and_then(extension).or(sniffed).unwrap_or("bin")),
        |name| name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect(),
    );
    let by_name = || mime_guess::from_path(&name).first_raw();
    let by_content = || mime_guess::from_ext(sniffed?).first_raw();
    let kind = kind.or_else(by_name).or_else(by_content).unwrap_or(OCTET_STREAM).to_owned();
    (name, kind)
}

/// Reports whether a character may be part of the last segment of a URL.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// Returns the usual extension of files of a content type.
fn extension(kind: &str) -> Option<&str> {
    const IRREGULAR: [(&str, &str); 7] = [
        ("audio/mpeg", "mp3"),
        ("image/jpeg", "jpg"),
        ("image/svg+xml", "svg"),
        ("text/markdown", "md"),
        ("text/plain", "txt"),
        ("video/quicktime", "mov"),
        (OCTET_STREAM, "bin"),
    ];
    let kind = kind.split(';').next()?.trim();
    let irregular = IRREGULAR.iter().find(|(known, _)| *known == kind).map(|(_, extension)| *extension);
    let subtype = || kind.split_once('/').map(|(_, subtype)| subtype.strip_prefix("x-").unwrap_or(subtype));
    let is_extension =
        |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    irregular.or_else(|| subtype().filter(is_extension))
}

impl Files {
    /// Returns an extension for a file input: that of its content, of its type or of its name.
    pub(crate) fn extension(&self, uri: &str, content: &[u8]) -> Option<String> {
        if let Some(kind) = infer::get(content) {
            return Some(kind.extension().to_owned());
        }
        if let Some((kind, _)) = uri.strip_prefix("data:").and_then(|rest| rest.split_once([';', ','])) {
            return extension(kind).map(str::to_owned);
        }
        let url = Url::parse(uri).ok()?;
        let name = self.upload_name(&url).or_else(|| {
            let segment = url.path_segments()?.next_back()?;
            Some(percent_decode_str(segment).decode_utf8_lossy().into_owned())
        })?;
        let (_, extension) = name.rsplit_once('.')?;
        extension.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| extension.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{complete, extension};

    #[test]
    fn names_and_types_complete_each_other() {
        for (name, kind, content, expected) in [
            (None, None, "GIF89a", ("output.gif", "image/gif")),
            (None, None, "abc", ("output.bin", "application/octet-stream")),
            (Some(""), None, "RIFF1234WAVEfmt ", ("output.wav", "audio/wav")),
            (None, Some("image/bmp"), "abc", ("output.bmp", "image/bmp")),
            (Some(".."), Some("text/csv"), "abc", ("output.csv", "text/csv")),
            (Some("a b/c.TXT"), None, "abc", ("a_b_c.TXT", "text/plain")),
            (Some("words"), Some("text/csv"), "abc", ("words", "text/csv")),
            (Some("picture"), None, "GIF89a", ("picture", "image/gif")),
        ] {
            let (found, kind) = complete(name, kind, content.as_bytes());
            assert_eq!((found.as_str(), kind.as_str()), expected);
        }
    }

    #[test]
    fn extensions_follow_the_content_type() {
        let all =
            ["image/png", "image/jpeg", "audio/x-wav", "text/plain;charset=utf-8", "application/vnd.x-y", ""];
        let expected = [Some("png"), Some("jpg"), Some("wav"), Some("txt"), None, None];
        assert_eq!(all.map(extension), expected);
    }
}
