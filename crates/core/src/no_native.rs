//! Replaces `native` on the web, which has no sockets and no file system.

use std::{convert::Infallible, future::Future, path::Path};

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};

pub(crate) fn no_file_system<T>() -> Result<T> {
    let message = "saving a file needs a file system; read it as bytes, as text or as a stream";
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// No file.
pub(crate) struct AtomicFile(Infallible);

impl AtomicFile {
    pub async fn create(_: &Path) -> Result<Self> {
        no_file_system()
    }

    pub async fn write(&mut self, _: Bytes) -> Result<()> {
        match self.0 {}
    }

    pub async fn commit(self) -> Result<()> {
        match self.0 {}
    }
}

/// Runs a request. The transports of the web do not report whether it still waits.
pub(crate) fn watch<F: Future>(request: F, _: &mut bool, _: impl Fn() -> Option<F::Output>) -> F {
    request
}
