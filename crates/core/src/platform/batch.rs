//! Pieces collected to be worked on at once, on another thread.

use std::mem;

use bytes::Bytes;

/// How many bytes make a batch. Handing over each piece as it comes takes longer than writing or hashing it.
pub(crate) const BATCH: usize = 1 << 20;
/// How many pieces make one, however small: each takes 32 bytes beside what it holds.
const PIECES: usize = 4096;

/// Pieces in their order, until there are enough of them.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pieces: Vec<Bytes>,
    size: usize,
}

impl Batch {
    /// Takes the next piece.
    pub fn push(&mut self, piece: Bytes) {
        self.size += piece.len();
        self.pieces.push(piece);
    }

    /// Whether it is time to hand over what is there.
    pub fn is_full(&self) -> bool {
        self.size >= BATCH || self.pieces.len() >= PIECES
    }

    /// Hands over the pieces, and begins anew.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.size = 0;
        mem::take(&mut self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pieces of a size are collected before they are handed over.
    fn collected(size: usize) -> usize {
        let piece = Bytes::from(vec![0; size]);
        let mut batch = Batch::default();
        while !batch.is_full() {
            batch.push(piece.clone());
        }
        let pieces = batch.take();
        assert!(!batch.is_full(), "begun anew");
        pieces.len()
    }

    #[test]
    fn bytes_and_pieces_are_both_bounded() {
        assert_eq!(collected(2 * BATCH), 1);
        assert_eq!(collected(BATCH / 3), 4);
        assert_eq!(collected(BATCH / PIECES), PIECES);
        assert_eq!(collected(1), PIECES);
    }
}
