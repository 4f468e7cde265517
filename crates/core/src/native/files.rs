//! Files on disk, written whole or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    error::{Error, ErrorKind, Result},
    platform::Batch,
};

/// How much may be written before the disk begins to take it, so that little is left to wait for at the end.
const SYNCED: usize = 16 << 20;

/// A file that appears under its name only when it is complete.
///
/// Written beside its target, so that the last step is a rename within one file system; dropped
/// before [`AtomicFile::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    file: Option<Arc<std::fs::File>>,
    /// What has come since; the batch before is being written meanwhile.
    collected: Batch,
    writing: Option<JoinHandle<io::Result<()>>>,
    /// What was written before is on its way to the disk, one such way at a time.
    syncing: Option<JoinHandle<io::Result<()>>>,
    unsynced: usize,
    temporary: PathBuf,
    target: PathBuf,
    renamed: bool,
}

impl AtomicFile {
    pub async fn create(target: &Path) -> Result<Self> {
        if target.file_name().is_none() {
            let shown = target.display().to_string();
            return Err(Error::invalid_argument("path", format!("must name a file to write, not {shown:?}")));
        }
        // Short, because the target's own name may be as long as names can be.
        let temporary = target.with_file_name(format!(".{:016x}.part", fastrand::u64(..)));
        let mut this = Self {
            file: None,
            collected: Batch::default(),
            writing: None,
            syncing: None,
            unsynced: 0,
            temporary,
            target: target.to_owned(),
            renamed: false,
        };
        // Made by what deletes it, so that it is deleted also if nobody waits for it any more.
        let created = spawn_blocking(move || {
            replaceable(&this.target)?;
            let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&this.temporary);
            this.file = Some(Arc::new(file.map_err(|error| unwritable(&this.target, error))?));
            Ok(this)
        });
        created.await.unwrap_or_else(|error| Err(unwritable(target, io::Error::other(error))))
    }

    /// Takes the next piece.
    pub async fn write(&mut self, piece: Bytes) -> Result<()> {
        self.collected.push(piece);
        let begun = if self.collected.is_full() { self.begin().await } else { Ok(()) };
        begun.map_err(|error| unwritable(&self.target, error))
    }

    /// Begins to write what was collected, when the batch before is written.
    async fn begin(&mut self) -> io::Result<()> {
        finished(&mut self.writing).await?;
        let Some(file) = &self.file else { return Ok(()) };
        if self.unsynced >= SYNCED && self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            // The system tells of a failure once only, so it is looked at here, too.
            finished(&mut self.syncing).await?;
            let file = file.clone();
            self.syncing = Some(spawn_blocking(move || file.sync_data()));
            self.unsynced = 0;
        }
        let (file, pieces) = (file.clone(), self.collected.take());
        self.unsynced += pieces.iter().map(Bytes::len).sum::<usize>();
        let write = move || pieces.iter().try_for_each(|piece| (&*file).write_all(piece));
        self.writing = Some(spawn_blocking(write));
        Ok(())
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
        self.begin().await?;
        finished(&mut self.writing).await?;
        finished(&mut self.syncing).await?;
        let Some(file) = self.file.take() else { return Ok(()) };
        spawn_blocking(move || file.sync_data()).await.map_err(io::Error::other)?
    }
}

/// Waits for what is under way, if anything is.
async fn finished(work: &mut Option<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    let Some(working) = work else { return Ok(()) };
    let outcome = working.await;
    *work = None;
    outcome.map_err(io::Error::other)?
}

/// Refuses a target that is there and is no file: the last step would put one in its place.
fn replaceable(target: &Path) -> Result<()> {
    let shown = target.display();
    match std::fs::metadata(target) {
        Ok(there) if there.is_dir() => {
            Err(Error::invalid_argument("path", format!("is a directory: {shown}; pass the path of a file")))
        }
        Ok(there) if !there.is_file() => Err(Error::invalid_argument(
            "path",
            format!("is a device, a pipe or a socket: {shown}; read the output and write it there yourself"),
        )),
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

/// Whether a text is the path of a file.
pub(crate) fn is_file(path: &str) -> bool {
    Path::new(path).is_file()
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
