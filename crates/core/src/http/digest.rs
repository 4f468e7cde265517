//! The SHA-256 of content under way, worked out beside the sending of it.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    platform::{Batch, BoxError, BoxFuture, run_blocking},
};

/// The digest of pieces that are handed over one by one.
///
/// Hashing takes longer than sending does over a quick network, so both go on at the same time. It is
/// behind by two batches at most: one is hashed while the next one is collected.
pub(crate) struct Digest {
    hashed: BoxFuture<'static, Result<Sha256, BoxError>>,
    collected: Batch,
}

impl Default for Digest {
    fn default() -> Self {
        let hashed = Box::pin(async { Ok(Sha256::new()) });
        Self { hashed, collected: Batch::default() }
    }
}

impl Digest {
    /// Takes the next piece.
    pub async fn update(&mut self, piece: Bytes) -> Result<()> {
        self.collected.push(piece);
        if self.collected.is_full() { self.hash().await } else { Ok(()) }
    }

    /// Begins to hash what was collected, when the batch before is done.
    pub async fn hash(&mut self) -> Result<()> {
        let mut digest = (&mut self.hashed).await.map_err(Error::lost_work)?;
        let pieces = self.collected.take();
        self.hashed = run_blocking(move || {
            pieces.iter().for_each(|piece| digest.update(piece));
            digest
        });
        Ok(())
    }

    /// The digest of all that was hashed, in hexadecimal.
    pub async fn hex(self) -> Result<String> {
        Ok(self
            .hashed
            .await
            .map_err(Error::lost_work)?
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::platform::batch::BATCH;

    #[test]
    fn another_runtime_than_tokio_hashes_at_once() {
        let mut digest = Digest::default();
        digest.update(Bytes::from_static(b"he")).now_or_never().unwrap().unwrap();
        digest.update(Bytes::from_static(b"llo")).now_or_never().unwrap().unwrap();
        digest.hash().now_or_never().unwrap().unwrap();
        let hex = digest.hex().now_or_never().unwrap().unwrap();
        assert_eq!(hex, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    }

    #[tokio::test]
    async fn pieces_of_any_size_have_the_digest_of_the_whole() {
        let whole: Vec<u8> = (0..3 * BATCH + 12_345).map(|n| ((n * 31) >> 7) as u8).collect();
        let expected: String = Sha256::digest(&whole).iter().map(|byte| format!("{byte:02x}")).collect();
        for size in [BATCH / 3 + 1, BATCH, 2 * BATCH + 1, whole.len()] {
            let mut digest = Digest::default();
            for piece in whole.chunks(size) {
                digest.update(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            digest.hash().await.unwrap();
            assert_eq!(digest.hex().await.unwrap(), expected, "in pieces of {size}");
        }
    }
}
