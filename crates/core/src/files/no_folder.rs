//! Replaces `folder` on the web, which has no file system.

use std::path::{Path, PathBuf};

use super::output::FileOutput;
use crate::{
    error::Result,
    native::no_file_system,
    value::{Observer, Value},
};

pub(super) fn check(_: &Value) -> Result<()> {
    Ok(())
}

pub(super) async fn save_files(
    _: &Path,
    _: Vec<(String, FileOutput)>,
    _: usize,
    _: Option<Observer>,
) -> Result<Vec<PathBuf>> {
    no_file_system()
}
