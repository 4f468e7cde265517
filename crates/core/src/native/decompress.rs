//! Decodes compressed bodies while they arrive.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};
use tokio_util::io::{ReaderStream, StreamReader};

use crate::{
    error::{Error, ErrorKind, Result},
    http::content_coding::Coding,
    platform::BoxStream,
};

/// What a request accepts unless it says otherwise. Files and event streams ask for `identity`.
pub(super) const ACCEPTED: &str = "gzip, br, deflate";
/// Size of a decoded chunk. Nothing is decoded further ahead, so a small body cannot fill the memory.
const CHUNK: usize = 64 * 1024;
/// How often a body may be compressed. More is an attack.
const MAX_CODINGS: usize = 3;
/// Decoded bytes up to which any ratio is accepted, and the highest ratio beyond them. Content that people produce is
/// compressed less; a body made to fill a disk is compressed a thousandfold.
const FREE_SIZE: u64 = 64 << 20;
const MAX_RATIO: u64 = 200;

type Reader = Pin<Box<dyn AsyncBufRead + Send>>;

/// Decodes `chunks`. `host` is for messages.
pub(super) fn decompress(
    host: String,
    codings: Vec<Coding>,
    mut chunks: BoxStream<'static, Result<Bytes>>,
) -> BoxStream<'static, Result<Bytes>> {
    if codings.len() > MAX_CODINGS {
        let why = format!("the response from {host} is compressed {} times.", codings.len());
        return Box::pin(stream::once(async { Err(Error::new(ErrorKind::InvalidResponse, why)) }));
    }
    let decoded = async move {
        // An empty body, such as that of a HEAD request, has no compressed form.
        let mut first = Bytes::new();
        while first.is_empty() {
            match chunks.next().await.transpose()? {
                Some(chunk) => first = chunk,
                None => return Ok::<_, Error>(stream::empty().left_stream()),
            }
        }
        let received = Arc::new(AtomicU64::new(0));
        let counter = received.clone();
        let chunks = stream::once(async { Ok(first) }).chain(chunks).inspect_ok(move |chunk| {
            counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        });
        let mut reader: Reader = Box::pin(StreamReader::new(Box::pin(chunks.map_err(io::Error::other))));
        for coding in codings.iter().rev() {
            reader = decoder(&host, *coding, reader).await.map_err(|error| failed(&host, &codings, error))?;
        }
        let mut total = 0;
        Ok(ReaderStream::with_capacity(reader, CHUNK)
            .map(move |chunk| {
                let chunk = chunk.map_err(|error| failed(&host, &codings, error))?;
                total += chunk.len() as u64;
                if total > FREE_SIZE && total / MAX_RATIO > received.load(Ordering::Relaxed) {
                    let why =
                        format!("the response from {host} expands to more than {MAX_RATIO} times its size.");
                    return Err(Error::new(ErrorKind::InvalidResponse, why));
                }
                Ok(chunk)
            })
            .right_stream())
    };
    Box::pin(stream::once(decoded).try_flatten())
}

async fn decoder(host: &str, coding: Coding, mut input: Reader) -> io::Result<Reader> {
    let decoder: Pin<Box<dyn AsyncRead + Send>> = match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(input);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        // Some servers omit the zlib header, and clients have come to accept that.
        Coding::Deflate if input.fill_buf().await?.first().is_some_and(|byte| byte & 0x0f != 8) => {
            Box::pin(DeflateDecoder::new(input))
        }
        Coding::Deflate => Box::pin(ZlibDecoder::new(input)),
        Coding::Brotli => Box::pin(BrotliDecoder::new(input)),
        // No request accepts it, so its library, which is written in C, is not needed.
        Coding::Zstd => {
            let why = format!(
                "the response from {host} is compressed with zstd, which the request did not accept."
            );
            return Err(io::Error::other(Error::new(ErrorKind::InvalidResponse, why)));
        }
    };
    Ok(Box::pin(BufReader::new(decoder)))
}

/// Returns the error of the connection, or one about the compressed bytes.
fn failed(host: &str, codings: &[Coding], error: io::Error) -> Error {
    let kind = error.kind();
    let why = error.to_string();
    match error.into_inner().map(|inner| inner.downcast::<Error>()) {
        Some(Ok(error)) => *error,
        // The second is how zlib says that its input is incomplete.
        _ if kind == io::ErrorKind::UnexpectedEof || why.contains("BufError") => Error::new(
            ErrorKind::Connection,
            format!("the connection to {host} broke: the compressed response is incomplete."),
        ),
        _ => Error::new(
            ErrorKind::InvalidResponse,
            format!(
                "the response from {host} is not compressed as its header says (content-encoding: {}): {why}.",
                codings.iter().map(|coding| coding.name()).collect::<Vec<_>>().join(", ")
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::bufread::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder};
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn compressed(mut encoder: impl AsyncRead + Unpin) -> Vec<u8> {
        let mut bytes = Vec::new();
        encoder.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    /// Decodes a body that arrives in pieces of `size` bytes.
    async fn decode(codings: &[Coding], body: &[u8], size: usize) -> Result<Vec<u8>> {
        let pieces: Vec<_> = body.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let decoded = decompress("h".to_owned(), codings.to_vec(), Box::pin(stream::iter(pieces)));
        decoded.try_fold(Vec::new(), async |all, chunk| Ok([all, chunk.into()].concat())).await
    }

    #[tokio::test]
    async fn every_coding_is_decoded_in_any_chunks() {
        let text: Vec<u8> = (0..200_000u32).map(|n| (n / 7 % 251) as u8).collect();
        let gzip = compressed(GzipEncoder::new(&text[..])).await;
        let zlib = compressed(ZlibEncoder::new(&text[..])).await;
        let raw = compressed(DeflateEncoder::new(&text[..])).await;
        let (one, two) = text.split_at(1000);
        let members =
            [compressed(GzipEncoder::new(one)).await, compressed(GzipEncoder::new(two)).await].concat();
        for (codings, body) in [
            (vec![Coding::Gzip], gzip.clone()),
            (vec![Coding::Gzip], members),
            (vec![Coding::Deflate; 2], compressed(DeflateEncoder::new(&zlib[..])).await),
            (vec![Coding::Deflate; 2], compressed(ZlibEncoder::new(&raw[..])).await),
            (vec![Coding::Deflate], zlib),
            (vec![Coding::Deflate], raw),
            (vec![Coding::Brotli], compressed(BrotliEncoder::new(&text[..])).await),
            (vec![Coding::Gzip, Coding::Brotli], compressed(BrotliEncoder::new(&gzip[..])).await),
        ] {
            for size in [1, 1000, body.len()] {
                assert!(decode(&codings, &body, size).await.unwrap() == text, "{codings:?} {size}");
            }
            let error = decode(&codings, &body[..body.len() - 9], 1000).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{codings:?} {error}");
            assert!(decode(&codings, b"", 1).await.unwrap().is_empty());
            let error = decode(&codings, b"{\"id\": \"p1\", \"status\": \"starting\"}", 9).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidResponse | ErrorKind::Connection), "{error}");
        }
    }

    #[tokio::test]
    async fn a_body_compressed_with_zstd_is_an_error() {
        let error = decode(&[Coding::Zstd], b"\x28\xb5\x2f\xfd", 4).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert!(error.message().contains("from h is compressed with zstd"), "{error}");
    }

    #[tokio::test]
    async fn a_body_that_expands_too_far_is_an_error() {
        let zeros = tokio::io::repeat(0).take(FREE_SIZE * 2);
        let bomb = compressed(ZlibEncoder::new(BufReader::new(zeros))).await;
        let mut decoded =
            decompress("h".to_owned(), vec![Coding::Deflate], Box::pin(stream::iter([Ok(bomb.into())])));
        let mut total = 0;
        let error = loop {
            match decoded.next().await.unwrap() {
                Ok(chunk) => total += chunk.len() as u64,
                Err(error) => break error,
            }
        };
        assert!(total <= FREE_SIZE, "{total}");
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        let often = decode(&[Coding::Gzip; 4], b"x", 1).await.unwrap_err();
        assert!(often.message().contains("4 times"), "{often}");
    }
}
