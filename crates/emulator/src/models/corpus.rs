//! The text the language model has learned from.

/// Plain sentences, one to a line.
pub(super) const SENTENCES: &str = include_str!("corpus.txt");
