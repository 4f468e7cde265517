//! What the program needs of the package that contains it.

use std::path::PathBuf;

/// What differs between the packages that contain the program.
pub struct Host<'a> {
    /// Returns the path of the program `replicant-emulator`, or says which package to install.
    pub find_emulator: &'a dyn Fn() -> Result<PathBuf, String>,
}
