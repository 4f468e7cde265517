//! Items as JSON, in batches for JavaScript to take.

use std::collections::VecDeque;

/// Largest number of items per batch. The program handles them before the event loop turns.
const ITEMS: usize = 32;

/// Size in bytes from which a batch takes no more items. JavaScript parses it at once.
const SIZE: usize = 1 << 14;

/// Items that were not taken.
#[derive(Default)]
pub struct Batches {
    /// Arrays without their closing brackets.
    batches: VecDeque<String>,
    /// Number of items in the last batch.
    items: usize,
    size: usize,
}

impl Batches {
    /// Adds an item, as JSON.
    pub fn push(&mut self, item: &str) {
        self.size += item.len() + 1;
        if let Some(last) = self.batches.back_mut()
            && self.items < ITEMS
            && last.len() < SIZE
        {
            last.push(',');
            last.push_str(item);
            self.items += 1;
        } else {
            self.batches.push_back(format!("[{item}"));
            self.items = 1;
        }
    }

    /// Returns the oldest batch, as a JSON array.
    pub fn take(&mut self) -> Option<String> {
        let mut batch = self.batches.pop_front()?;
        self.size -= batch.len();
        batch.push(']');
        Some(batch)
    }

    /// Returns the length of all batches, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}
