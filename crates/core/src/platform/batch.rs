//! Batches chunks for work on another thread.

use std::mem;

use bytes::Bytes;

/// Bytes in a full batch. Passing each chunk to another thread would take longer than writing or hashing it.
pub(crate) const BATCH_SIZE: usize = 1 << 20;
/// Chunks in a full batch, however small: each takes 32 bytes in addition to its content.
const MAX_CHUNKS: usize = 4096;

/// An ordered list of chunks with a limit on bytes and on chunks.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    chunks: Vec<Bytes>,
    size: usize,
}

impl Batch {
    /// Appends a chunk.
    pub fn push(&mut self, chunk: Bytes) {
        self.size += chunk.len();
        self.chunks.push(chunk);
    }

    /// Returns `true` if the batch should be processed.
    pub fn is_full(&self) -> bool {
        self.size >= BATCH_SIZE || self.chunks.len() >= MAX_CHUNKS
    }

    /// Returns the chunks and empties the batch.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.size = 0;
        mem::take(&mut self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many chunks of `size` bytes fill a batch.
    fn chunks_in_batch(size: usize) -> usize {
        let chunk = Bytes::from(vec![0; size]);
        let mut batch = Batch::default();
        while !batch.is_full() {
            batch.push(chunk.clone());
        }
        let chunks = batch.take();
        assert!(!batch.is_full(), "the batch is empty");
        chunks.len()
    }

    #[test]
    fn a_batch_limits_bytes_and_chunks() {
        assert_eq!(chunks_in_batch(2 * BATCH_SIZE), 1);
        assert_eq!(chunks_in_batch(BATCH_SIZE / 3), 4);
        assert_eq!(chunks_in_batch(BATCH_SIZE / MAX_CHUNKS), MAX_CHUNKS);
        assert_eq!(chunks_in_batch(1), MAX_CHUNKS);
    }
}
