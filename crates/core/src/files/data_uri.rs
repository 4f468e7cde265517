//! Decodes `data:` URIs, which contain a file, as the Fetch standard says.

use std::borrow::Cow;

use base64::Engine;
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::base64_engine;
use crate::error::{Error, ErrorKind, Result};

/// Returns the MIME type and the content of a `data:` URI.
pub(super) fn decode(uri: &str) -> Result<(String, Bytes)> {
    let invalid = |why: &str| {
        Error::new(
            ErrorKind::Download,
            format!("the data: URI {why}: {:?}", crate::http::excerpt::excerpt(uri, 60)),
        )
    };
    let without_fragment = uri["data:".len()..].split('#').next().unwrap_or_default();
    let (head, data) = without_fragment.split_once(',').ok_or_else(|| invalid("has no comma"))?;
    let head = head.trim_ascii();
    let mut content = Cow::from(percent_decode_str(data));
    let mime = match base64_type(head) {
        Some(mime) => {
            if content.iter().any(u8::is_ascii_whitespace) {
                content.to_mut().retain(|byte| !byte.is_ascii_whitespace());
            }
            let decoded = base64_engine::engine().decode(&content);
            content = decoded.map_err(|_| invalid("is not base64"))?.into();
            mime
        }
        None => head,
    };
    let mime = match mime {
        _ if mime.starts_with(';') => format!("text/plain{mime}"),
        _ if mime.contains('/') => mime.to_owned(),
        _ => "text/plain;charset=US-ASCII".to_owned(),
    };
    Ok((mime, content.into_owned().into()))
}

/// Returns what is before `;base64` in the head of a URI that ends with it, in any case and with spaces before it.
fn base64_type(head: &str) -> Option<&str> {
    let (rest, word) = head.split_at_checked(head.len().checked_sub("base64".len())?)?;
    let mime = rest.trim_end_matches(' ').strip_suffix(';')?;
    word.eq_ignore_ascii_case("base64").then_some(mime)
}

/// Returns the file name extension for the type of a `data:` URI, with its dot; empty if unknown.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn extension(uri: &str) -> String {
    let head = uri["data:".len()..].split(',').next().unwrap_or_default();
    let mime = head.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = mime_guess::get_mime_extensions_str(&mime).unwrap_or_default();
    let subtype = mime.split('/').nth(1).unwrap_or_default();
    let extension = match mime.as_str() {
        // For these types the first known extension is an uncommon one.
        "" | "text/plain" => "txt",
        "audio/mpeg" => "mp3",
        _ if known.contains(&subtype) => subtype,
        _ => known.first().copied().unwrap_or_default(),
    };
    if extension.is_empty() { String::new() } else { format!(".{extension}") }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn malformed_data_uris_are_errors() {
        assert_eq!(decode("data:text/plain;base64,aGk=").unwrap().1, "hi");
        assert_eq!(decode("data:,a%20b").unwrap().1, "a b");
        for bad in ["data:text/plain;base64,a", "data:text/plain;base64", "data:;base64,%%%"] {
            assert_eq!(decode(bad).unwrap_err().kind(), ErrorKind::Download, "{bad}");
        }
    }

    #[test]
    fn data_uris_are_decoded_as_fetch_does() {
        for (uri, mime, content) in [
            ("data:image/png;BASE64,aGVsbG8=", "image/png", "hello"),
            ("data:image/png; base64,aGVsbG8=", "image/png", "hello"),
            ("data: image/png;base64 ,aGVsbG8", "image/png", "hello"),
            ("data:;base64,aGVs%20bG8%3D", "text/plain;charset=US-ASCII", "hello"),
            ("data:;base64,aGVs\nbG9=", "text/plain;charset=US-ASCII", "hello"),
            ("data:;charset=utf-8,hi", "text/plain;charset=utf-8", "hi"),
            ("data:text/plain,hi#fragment", "text/plain", "hi"),
            ("data:base64,hi", "text/plain;charset=US-ASCII", "hi"),
            ("data:x/y;base64;a=b,hi", "x/y;base64;a=b", "hi"),
        ] {
            assert_eq!(decode(uri).unwrap(), (mime.to_owned(), content.into()), "{uri}");
        }
    }

    proptest! {
        #[test]
        fn encoded_content_is_decoded(content in any::<Vec<u8>>(), mime in "[a-z]{0,6}/?[a-z;=-]{0,8}") {
            let uri = format!("data:{mime};base64,{}", STANDARD.encode(&content));
            prop_assert_eq!(&decode(&uri).unwrap().1[..], &content[..]);
            let escaped = percent_encoding::percent_encode(&content, percent_encoding::NON_ALPHANUMERIC);
            prop_assert_eq!(&decode(&format!("data:{mime},{escaped}")).unwrap().1[..], &content[..]);
        }

        #[test]
        fn any_data_uri_is_decoded_or_rejected(rest in any::<String>()) {
            let uri = format!("data:{rest}");
            let _ = (decode(&uri), extension(&uri));
        }
    }
}
