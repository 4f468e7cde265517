//! Sends files inside the request as `data:` URIs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use base64::Engine;
use bytes::BytesMut;
use futures_util::TryStreamExt;

use super::base64_engine;
use crate::{
    client::options::FileEncodingStrategy,
    error::{Error, ErrorKind, Result},
    value::File,
};

/// Largest file in bytes that [`FileEncodingStrategy::Auto`] inlines. Up to about this size, a larger body is
/// cheaper than another request.
const INLINE_LIMIT: u64 = 64 * 1024;
/// Limit on the total size of the inlined files of one input, in bytes.
const INLINE_TOTAL: u64 = 10_000_000;

/// Reads a file into a `data:` URI. Adds its size to `total`, that of the inlined files of its input.
pub(super) async fn data_uri(file: &File, place: &str, total: &AtomicU64) -> Result<String> {
    let unreadable = |error| Error::unreadable(error).of_file(place);
    let mut chunks = file.source.open().await.map_err(unreadable)?;
    let mut whole = BytesMut::new();
    while let Some(chunk) = chunks.try_next().await.map_err(unreadable)? {
        whole.extend_from_slice(&chunk);
        let length = chunk.len() as u64;
        check_total(total.fetch_add(length, Relaxed) + length)?;
    }
    let content = base64_engine::engine().encode(&whole);
    Ok(["data:", &file.mime(&whole), ";base64,", &content].concat())
}

/// Checks that the inlined files of one input do not exceed the limit. `bytes` is their total size.
pub(super) fn check_total(bytes: u64) -> Result<()> {
    if bytes <= INLINE_TOTAL {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::FileTooLarge,
        format!(
            "Combined filesize of prediction {bytes} bytes exceeds 10mb limit for inline encoding, please provide URLs instead"
        ),
    ))
}

/// Returns `true` if `strategy` inlines this file.
pub(super) fn is_inlined(file: &File, strategy: FileEncodingStrategy) -> bool {
    match strategy {
        FileEncodingStrategy::DataUri => true,
        FileEncodingStrategy::Upload | FileEncodingStrategy::UploadOrInline => false,
        FileEncodingStrategy::Auto => file.source.len().is_some_and(|size| size <= INLINE_LIMIT),
    }
}

/// Returns `true` if a file can be inlined after its upload failed: it is small and can be read again.
pub(super) fn can_be_inlined(file: &File) -> bool {
    file.source.len().is_some_and(|size| size <= INLINE_TOTAL) && file.source.replayable()
}

/// Returns `true` if the API, this client, a hook or a transport refused a file, which it would also do if it were inlined.
pub(super) fn is_rejected(error: &Error) -> bool {
    let local = matches!(
        error.kind(),
        ErrorKind::FileNotFound | ErrorKind::FileTooLarge | ErrorKind::InvalidArgument | ErrorKind::Internal
    );
    local
        || error.is_of_hook()
        || matches!(error.status(), Some(400..=499)) && !matches!(error.status(), Some(408 | 429))
}
