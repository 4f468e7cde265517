//! What the tests of the core share.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

/// A folder that is deleted when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn temporary_folder() -> Folder {
    let folder = std::env::temp_dir().join(format!("replicant-{:016x}", fastrand::u64(..)));
    std::fs::create_dir(&folder).unwrap();
    Folder(folder)
}
