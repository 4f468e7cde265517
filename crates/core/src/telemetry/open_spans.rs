//! The spans that are open.

use std::{collections::HashMap, sync::Arc};

use tracing::Metadata;

use super::Sink;

/// An open span.
pub(super) struct Entry {
    pub metadata: &'static Metadata<'static>,
    pub sink: Arc<Sink>,
    pub references: usize,
}

type Entries = HashMap<u64, Entry>;

/// Runs `work` with the open spans.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn with<T>(work: impl FnOnce(&mut Entries) -> T) -> T {
    use crate::platform::{PerProcess, lock};
    static ENTRIES: PerProcess<std::sync::Mutex<Entries>> = PerProcess::new();
    work(&mut lock(ENTRIES.get()))
}

/// Runs `work` with the open spans. The web has one thread, and its sinks must not leave it.
#[cfg(target_arch = "wasm32")]
pub(super) fn with<T>(work: impl FnOnce(&mut Entries) -> T) -> T {
    thread_local! {
        static ENTRIES: std::cell::RefCell<Entries> = std::cell::RefCell::default();
    }
    ENTRIES.with(|entries| work(&mut entries.borrow_mut()))
}
