//! Decodes `data:` URIs, which contain a file.

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
    let (head, data) = uri["data:".len()..].split_once(',').ok_or_else(|| invalid("has no comma"))?;
    let (mime, base64) = match head.strip_suffix(";base64") {
        Some(mime) => (mime, true),
        None => (head, false),
    };
    let decoded = Cow::from(percent_decode_str(data));
    let bytes = if base64 {
        base64_engine::engine().decode(&decoded).map_err(|_| invalid("is not base64"))?
    } else {
        decoded.into_owned()
    };
    let mime = if mime.is_empty() { "text/plain;charset=US-ASCII" } else { mime };
    Ok((mime.to_owned(), bytes.into()))
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
