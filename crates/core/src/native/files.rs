//! Files on disk: read in pieces, written whole or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::{
    fs::File,
    io::AsyncReadExt,
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    error::{Error, ErrorKind, Result},
    platform::{BoxFuture, BoxStream},
    upload::ByteSource,
};

/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// A file on disk that goes up.
#[derive(Debug)]
pub(crate) struct PathSource {
    path: PathBuf,
}

impl PathSource {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn unreadable(path: &Path, error: io::Error) -> Error {
        Error::new(ErrorKind::FileNotFound, format!("cannot read the file {}: {error}", path.display()))
            .with_source(error)
    }
}

impl ByteSource for PathSource {
    fn len(&self) -> Option<u64> {
        std::fs::metadata(&self.path)
            .ok()
            .filter(|metadata| metadata.is_file())
            .map(|metadata| metadata.len())
    }

    fn identity(&self) -> Option<String> {
        Some(format!("path {:?}", self.path))
    }

    fn check(&self) -> Result<()> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| Self::unreadable(&self.path, error))?;
        if metadata.is_dir() {
            let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a directory");
            return Err(Self::unreadable(&self.path, error));
        }
        Ok(())
    }

    fn replayable(&self) -> bool {
        true
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes>>>> {
        Box::pin(async move {
            let path = self.path.clone();
            let file = File::open(&path).await.map_err(|error| Self::unreadable(&path, error))?;
            let pieces = stream::unfold(Some((file, path)), |state| async {
                let (mut file, path) = state?;
                let mut piece = BytesMut::with_capacity(PIECE);
                match file.read_buf(&mut piece).await {
                    Ok(0) => None,
                    Ok(_) => Some((Ok(piece.freeze()), Some((file, path)))),
                    Err(error) => Some((Err(Self::unreadable(&path, error)), None)),
                }
            });
            Ok(Box::pin(pieces) as BoxStream<'static, _>)
        })
    }
}

/// A file that appears under its name only when it is complete.
///
/// Written beside its target, so that the last step is a rename within one file system; dropped
/// before [`AtomicFile::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    file: Option<Arc<std::fs::File>>,
    /// The piece that is being written; the next one is received meanwhile.
    writing: Option<JoinHandle<io::Result<()>>>,
    temporary: PathBuf,
    target: PathBuf,
    renamed: bool,
}

impl AtomicFile {
    pub async fn create(target: &Path) -> Result<Self> {
        if target.file_name().is_none() {
            let shown = target.display().to_string();
            return Err(Error::invalid(format!("`path` must name a file to write, not {shown:?}")));
        }
        // Short, because the target's own name may be as long as names can be.
        let temporary = target.with_file_name(format!(".{:016x}.part", fastrand::u64(..)));
        let mut this =
            Self { file: None, writing: None, temporary, target: target.to_owned(), renamed: false };
        // Made by what deletes it, so that it is deleted also if nobody waits for it any more.
        let created = spawn_blocking(move || {
            replaceable(&this.target)?;
            let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&this.temporary);
            this.file = Some(Arc::new(file.map_err(|error| unwritable(&this.target, error))?));
            Ok(this)
        });
        created.await.unwrap_or_else(|error| Err(unwritable(target, io::Error::other(error))))
    }

    /// Begins to write a piece, when the one before is written.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.written().await.map_err(|error| unwritable(&self.target, error))?;
        // Not by tokio's file, which copies what it writes.
        self.writing = self.file.clone().map(|file| spawn_blocking(move || (&*file).write_all(&bytes)));
        Ok(())
    }

    async fn written(&mut self) -> io::Result<()> {
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let written = writing.await;
        self.writing = None;
        written.map_err(io::Error::other)?
    }

    pub async fn commit(mut self) -> Result<()> {
        let renamed = async {
            self.complete().await?;
            tokio::fs::rename(&self.temporary, &self.target).await
        };
        let renamed = renamed.await.map_err(|error| unwritable(&self.target, error));
        self.renamed = renamed.is_ok();
        renamed
    }

    /// Commits under the first of `names` that nothing has yet, so that no other file is replaced.
    pub async fn commit_as_new(mut self, names: impl FnMut() -> PathBuf + Send + 'static) -> Result<PathBuf> {
        let placed = async {
            self.complete().await?;
            let temporary = self.temporary.clone();
            // Claimed and filled in one piece: given up between, it would leave an empty file.
            let placed = spawn_blocking(move || place(&temporary, names)).await;
            placed.map_err(io::Error::other)?
        };
        let placed = placed.await.map_err(|error| unwritable(&self.target, error));
        self.renamed = placed.is_ok();
        placed
    }

    async fn complete(&mut self) -> io::Result<()> {
        self.written().await?;
        let Some(file) = self.file.take() else { return Ok(()) };
        spawn_blocking(move || file.sync_data()).await.map_err(io::Error::other)?
    }
}

/// Refuses a target that is there and is no file: the last step would put one in its place.
fn replaceable(target: &Path) -> Result<()> {
    let shown = target.display();
    match std::fs::metadata(target) {
        Ok(there) if there.is_dir() => {
            Err(Error::invalid(format!("`path` is a directory: {shown}; name a file in it")))
        }
        Ok(there) if !there.is_file() => {
            let why =
                "is not a file but a device, a pipe or a socket; read the file and write it there yourself";
            Err(Error::invalid(format!("`path` {why}: {shown}")))
        }
        _ => Ok(()),
    }
}

/// Moves a file to the first of `names` that is free. Creating it is what claims it: of all who look
/// at the same time, one succeeds.
fn place(temporary: &Path, mut names: impl FnMut() -> PathBuf) -> io::Result<PathBuf> {
    loop {
        let target = names();
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&target) {
            Ok(_) => {
                return std::fs::rename(temporary, &target).map(|()| target.clone()).inspect_err(|_| {
                    let _ = std::fs::remove_file(&target);
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        drop(self.file.take());
        if !self.renamed {
            // Also when `commit` was given up half-way. Nothing can be done about a failure here, and the user gets the error that led here.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

fn unwritable(target: &Path, error: io::Error) -> Error {
    let why = format!("cannot write {}: {error}", target.display());
    Error::new(ErrorKind::FileNotWritten, why).with_source(error)
}

/// Makes a folder where there is none, and gives its path and the names of what is in it.
pub(crate) async fn make_folder(path: &Path) -> Result<(PathBuf, Vec<String>)> {
    let made = async {
        tokio::fs::create_dir_all(path).await?;
        let mut entries = tokio::fs::read_dir(path).await?;
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        Ok((path.to_owned(), names))
    };
    made.await.map_err(|error: io::Error| {
        let why = format!("cannot make the folder {}: {error}", path.display());
        Error::new(ErrorKind::FileNotWritten, why).with_source(error)
    })
}
