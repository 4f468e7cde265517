//! Items as JSON, in batches for JavaScript to take.

use std::collections::VecDeque;

use replicant::{Item, Result};

use crate::encode;

/// Largest number of items per batch. The program handles them before the event loop turns.
const ITEMS: usize = 32;

/// Size in bytes from which a batch takes no more items. JavaScript parses it at once.
const SIZE: usize = 1 << 14;

/// Items that were not taken.
#[derive(Default)]
pub struct Batches {
    /// Arrays without their closing brackets.
    batches: VecDeque<Vec<u8>>,
    /// Number of items in the last batch.
    items: usize,
    size: usize,
}

impl Batches {
    /// Adds an item.
    ///
    /// # Errors
    /// If the item has no JSON form, such as bytes.
    pub fn push(&mut self, item: &Item) -> Result<()> {
        if self.items == ITEMS || self.batches.back().is_none_or(|last| last.len() >= SIZE) {
            self.batches.push_back(vec![b'[']);
            self.items = 0;
            self.size += 1;
        }
        let Some(batch) = self.batches.back_mut() else { return Ok(()) };
        let before = batch.len();
        if self.items > 0 {
            batch.push(b',');
        }
        let written = encode::item(item, batch);
        match written {
            Ok(()) => self.items += 1,
            Err(_) => batch.truncate(before),
        }
        self.size += batch.len() - before;
        written
    }

    /// Returns the oldest batch, as a JSON array.
    pub fn take(&mut self) -> Option<String> {
        let mut batch = self.batches.pop_front()?;
        self.size -= batch.len();
        batch.push(b']');
        // JSON is UTF-8.
        String::from_utf8(batch).ok()
    }

    /// Returns the length of all batches, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}
