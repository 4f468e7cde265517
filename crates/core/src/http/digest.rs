//! Computes the SHA-256 of a body while it is sent.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    platform::{Batch, BoxError, BoxFuture, run_blocking},
    value::text::hex,
};

/// An incremental SHA-256 that hashes on another thread.
///
/// Hashing takes longer than sending over a fast network, so the two overlap. At most two batches are
/// held: one is hashed while the next is collected.
pub(crate) struct Digest {
    hashing: BoxFuture<'static, Result<Sha256, BoxError>>,
    batch: Batch,
}

impl Default for Digest {
    fn default() -> Self {
        let hashing = Box::pin(async { Ok(Sha256::new()) });
        Self { hashing, batch: Batch::default() }
    }
}

impl Digest {
    /// Adds a chunk.
    pub async fn update(&mut self, chunk: Bytes) -> Result<()> {
        self.batch.push(chunk);
        if self.batch.is_full() { self.flush().await } else { Ok(()) }
    }

    /// Waits for the previous batch, then starts to hash the collected one.
    pub async fn flush(&mut self) -> Result<()> {
        let mut digest = (&mut self.hashing).await.map_err(Error::background_failed)?;
        let chunks = self.batch.take();
        self.hashing = run_blocking(move || {
            chunks.iter().for_each(|chunk| digest.update(chunk));
            digest
        });
        Ok(())
    }

    /// Returns the digest of all flushed chunks, in hexadecimal.
    pub async fn hex(self) -> Result<String> {
        Ok(hex(&self.hashing.await.map_err(Error::background_failed)?.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::platform::batch::BATCH_SIZE;

    #[test]
    fn without_tokio_chunks_are_hashed_at_once() {
        let mut digest = Digest::default();
        digest.update(Bytes::from_static(b"he")).now_or_never().unwrap().unwrap();
        digest.update(Bytes::from_static(b"llo")).now_or_never().unwrap().unwrap();
        digest.flush().now_or_never().unwrap().unwrap();
        let hex = digest.hex().now_or_never().unwrap().unwrap();
        assert_eq!(hex, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    }

    #[tokio::test]
    async fn the_digest_does_not_depend_on_chunk_sizes() {
        let whole: Vec<u8> = (0..3 * BATCH_SIZE + 12_345).map(|n| ((n * 31) >> 7) as u8).collect();
        let expected = hex(&Sha256::digest(&whole));
        for size in [BATCH_SIZE / 3 + 1, BATCH_SIZE, 2 * BATCH_SIZE + 1, whole.len()] {
            let mut digest = Digest::default();
            for chunk in whole.chunks(size) {
                digest.update(Bytes::copy_from_slice(chunk)).await.unwrap();
            }
            digest.flush().await.unwrap();
            assert_eq!(digest.hex().await.unwrap(), expected, "in chunks of {size}");
        }
    }
}
