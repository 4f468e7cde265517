//! The URLs of the API, as the client of a cassette sees them and as a cassette stores them.
//!
//! A cassette stores the URLs that the API sent. The client gets URLs of the emulator instead, so that its next requests
//! arrive there too: the API's origin becomes the emulator's, and that of a file or a stream becomes a path segment,
//! `/~https~replicate.delivery/...`. It follows `/v1/files/`, by which npm `replicate` recognizes streams of files.

use url::Url;

/// The origin of the API in cassettes, also when another upstream was recorded.
pub(super) const API: &str = "https://api.replicate.com";
const FILES: &str = "/v1/files/";

/// Replaces the origins of the URLs in a text. `map` gets an origin and the text after it; it returns the replacement and
/// how much of that text it replaces too.
fn replace(text: &str, map: impl Fn(&str, &str) -> Option<(String, usize)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let url = &rest[at..];
        let scheme = ["https://", "http://"].into_iter().find(|scheme| url.starts_with(scheme));
        let Some(scheme) = scheme else {
            out += &rest[..at + 4];
            rest = &rest[at + 4..];
            continue;
        };
        let is_part = |character: char| character.is_ascii_alphanumeric() || ".-_:[]".contains(character);
        let end = url[scheme.len()..].find(|c| !is_part(c)).map_or(url.len(), |end| scheme.len() + end);
        let (origin, tail) = url.split_at(end);
        out += &rest[..at];
        let (replacement, consumed) = map(origin, tail).unwrap_or_else(|| (origin.to_owned(), 0));
        out += &replacement;
        rest = &tail[consumed..];
    }
    out + rest
}

/// Turns the emulator's URLs into those that the API sent. `local` is the origin that the client used.
pub(super) fn to_stored(text: &str, local: &str) -> String {
    replace(text, |origin, rest| {
        if origin != local {
            return None;
        }
        let (folder, marked) = match rest.strip_prefix(FILES) {
            Some(marked) => (FILES, marked),
            None => ("/", rest.strip_prefix('/').unwrap_or_default()),
        };
        let original = marked.strip_prefix('~').and_then(|marked| {
            let (segment, _) = marked.split_once('/').unwrap_or((marked, ""));
            let (scheme, authority) = segment.split_once('~')?;
            let consumed = folder.len() + 1 + segment.len();
            // The slash after the marker remains.
            Some((format!("{scheme}://{authority}{}", folder.trim_end_matches('/')), consumed))
        });
        Some(original.unwrap_or_else(|| (API.into(), 0)))
    })
}

/// Turns the URLs that the API sent into the emulator's, for origins that `is_served` accepts.
pub(super) fn to_local(text: &str, local: &str, is_served: impl Fn(&str) -> bool) -> String {
    replace(text, |origin, rest| {
        if origin == API {
            return Some((local.to_owned(), 0));
        }
        let (scheme, authority) = origin.split_once("://").filter(|_| is_served(origin))?;
        let marker = format!("~{scheme}~{authority}");
        Some(match rest.starts_with(FILES) {
            true => (format!("{local}{FILES}{marker}/"), FILES.len()),
            false => (format!("{local}/{marker}"), 0),
        })
    })
}

/// Replaces an origin in a text.
pub(super) fn exchange(text: &str, from: &str, to: &str) -> String {
    if from == to {
        return text.to_owned();
    }
    replace(text, |origin, _| (origin == from).then(|| (to.to_owned(), 0)))
}

/// Reports whether an origin has the API's streams or files.
pub(super) fn is_replicate(origin: &str) -> bool {
    let Some(host) = origin.strip_prefix("https://") else { return false };
    host == "replicate.delivery" || host.ends_with(".replicate.delivery") || host.ends_with(".replicate.com")
}

/// Returns the origin of a URL.
pub(super) fn origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "http://127.0.0.1:4000";

    #[test]
    fn urls_lead_to_the_emulator_and_back() {
        for (stored, local) in [
            ("https://api.replicate.com/v1/predictions/a", "http://127.0.0.1:4000/v1/predictions/a"),
            (
                "see https://x.replicate.delivery/a/out.png, or \"https://replicate.delivery/b\"",
                "see http://127.0.0.1:4000/~https~x.replicate.delivery/a/out.png, or \
                 \"http://127.0.0.1:4000/~https~replicate.delivery/b\"",
            ),
            (
                "https://stream.replicate.com/v1/files/key",
                "http://127.0.0.1:4000/v1/files/~https~stream.replicate.com/key",
            ),
            ("https://replicate.com/p/a http:// https", "https://replicate.com/p/a http:// https"),
            ("https://evil.example/https", "https://evil.example/https"),
            ("https://api.replicate.com.evil.example/a", "https://api.replicate.com.evil.example/a"),
        ] {
            assert_eq!(to_local(stored, LOCAL, is_replicate), local);
            assert_eq!(to_stored(local, LOCAL), stored);
        }
    }

    #[test]
    fn the_origin_of_an_upstream_becomes_that_of_the_api() {
        let text = "http://127.0.0.1:5/v1/a http://127.0.0.1:50/v1/a";
        assert_eq!(exchange(text, "http://127.0.0.1:5", API), format!("{API}/v1/a http://127.0.0.1:50/v1/a"));
    }
}
