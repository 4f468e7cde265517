//! A pseudo-random number generator with the same results on every platform.

use sha2::{Digest, Sha256};

/// SplitMix64.
#[derive(Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Seeds a generator with all of the parts.
    pub(super) fn from_parts(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        Self(u64::from_le_bytes(head))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number in `0..1`.
    pub(super) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Returns a number between `low` and `high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Returns an index below `length`, which must not be 0.
    pub(super) fn index(&mut self, length: usize) -> usize {
        (self.next() % length as u64) as usize
    }
}

/// Returns the given seed or a random one of 32 bits, as the public models log.
pub(super) fn seed_or_random(seed: Option<i64>) -> i64 {
    seed.unwrap_or_else(|| i64::from(u32::from_le_bytes(crate::support::ids::random())))
}
