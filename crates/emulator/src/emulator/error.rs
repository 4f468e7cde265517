//! An error in what a test passes to the emulator.

use std::fmt;

/// A mistake in a definition, a fault rule or a script.
///
/// ```
/// use replicant_emulator::{Config, Definition, Emulator, Scripted};
///
/// let emulator = Emulator::start(Config::default())?;
/// let error = emulator.script(Definition::new("captioner"), Scripted::default()).unwrap_err();
/// assert_eq!(error.to_string(), "`name` must be \"owner/name\", not \"captioner\"");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
