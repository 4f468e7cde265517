//! The text that the language model learns from.

/// One sentence per line.
pub(super) const SENTENCES: &str = include_str!("corpus.txt");
