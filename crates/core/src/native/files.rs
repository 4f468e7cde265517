//! Writes files atomically.

use std::{
    fs::Metadata,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::replaced;
use crate::{
    error::{Error, ErrorKind, Result},
    platform::Batch,
};

/// Bytes between two syncs to disk. Syncing while writing leaves little to wait for at the end.
const SYNC_INTERVAL: usize = 16 << 20;

/// A file that appears under its name only once it is complete.
///
/// It is written to a temporary file next to the target, then renamed. Dropping it before
/// [`AtomicFile::commit`] deletes the temporary file. A symbolic link stays, and the file that it leads to is replaced.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    file: Option<Arc<std::fs::File>>,
    /// The next batch to write.
    batch: Batch,
    /// The write of the previous batch.
    writing: Option<JoinHandle<io::Result<()>>>,
    /// The sync of earlier batches; at most one runs at a time.
    syncing: Option<JoinHandle<io::Result<()>>>,
    unsynced: usize,
    temporary: PathBuf,
    target: PathBuf,
    renamed: bool,
}

impl AtomicFile {
    pub async fn create(target: &Path) -> Result<Self> {
        if target.file_name().is_none() {
            let target = target.display().to_string();
            return Err(Error::invalid_argument(
                "path",
                format!("must name a file to write, not {target:?}"),
            ));
        }
        let target = &absolute(target.to_owned());
        let mut this = Self {
            file: None,
            batch: Batch::default(),
            writing: None,
            syncing: None,
            unsynced: 0,
            temporary: PathBuf::new(),
            target: target.to_owned(),
            renamed: false,
        };
        // `this` is moved into the task, so that the file is deleted even if the caller is dropped meanwhile.
        let created = spawn_blocking(move || {
            let old = check_target(&this.target)?;
            let opened = replaced::follow_links(&this.target).and_then(|target| {
                this.target = target;
                // Short, because the target's name may have the maximum length.
                this.temporary = this.target.with_file_name(format!(".{:016x}.part", fastrand::u64(..)));
                replaced::create(&this.temporary, old.as_ref())
            });
            this.file = Some(Arc::new(opened.map_err(|error| unwritable(&this.target, error))?));
            Ok(this)
        });
        created.await.unwrap_or_else(|error| Err(unwritable(target, io::Error::other(error))))
    }

    /// Appends a chunk.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.batch.push(chunk);
        let written = if self.batch.is_full() { self.write_batch().await } else { Ok(()) };
        written.map_err(|error| unwritable(&self.target, error))
    }

    /// Waits for the previous batch, then starts to write the collected one.
    async fn write_batch(&mut self) -> io::Result<()> {
        join(&mut self.writing).await?;
        let Some(file) = &self.file else { return Ok(()) };
        if self.unsynced >= SYNC_INTERVAL && self.syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            // The system reports a failed sync only once, so each result is checked.
            join(&mut self.syncing).await?;
            let file = file.clone();
            self.syncing = Some(spawn_blocking(move || file.sync_data()));
            self.unsynced = 0;
        }
        let (file, chunks) = (file.clone(), self.batch.take());
        self.unsynced += chunks.iter().map(Bytes::len).sum::<usize>();
        let write = move || chunks.iter().try_for_each(|chunk| (&*file).write_all(chunk));
        self.writing = Some(spawn_blocking(write));
        Ok(())
    }

    /// Writes the remaining chunks and renames the file to its target.
    pub async fn commit(self) -> Result<()> {
        let target = self.target.clone();
        let renamed = self.commit_with(move |temporary| std::fs::rename(temporary, &target).map(|()| target));
        renamed.await.map(drop)
    }

    /// Like [`AtomicFile::commit`], but to the first path of `targets` that does not exist. Replaces no file.
    pub async fn commit_as_new(self, targets: impl FnMut() -> PathBuf + Send + 'static) -> Result<PathBuf> {
        self.commit_with(move |temporary| rename_to_new(temporary, targets)).await
    }

    /// Like [`AtomicFile::commit_as_new`], but to `path`, or to `other` if `path` has another content. If it has the same, the
    /// file stays. Returns which of them has the content.
    pub async fn commit_beside(self, path: PathBuf, other: PathBuf) -> Result<PathBuf> {
        let commit = move |temporary: &Path| match claim(&path) {
            Ok(()) => rename_to_claimed(temporary, path),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Err(_) if are_equal(temporary, &path).unwrap_or_default() => {
                std::fs::remove_file(temporary).map(|()| path)
            }
            Err(_) => std::fs::rename(temporary, &other).map(|()| other),
        };
        self.commit_with(commit).await
    }

    async fn commit_with(
        mut self,
        rename: impl FnOnce(&Path) -> io::Result<PathBuf> + Send + 'static,
    ) -> Result<PathBuf> {
        let renamed = async {
            self.finish().await?;
            let temporary = self.temporary.clone();
            // One task, so that a dropped caller leaves no empty file and no name that is not synced.
            let renamed = spawn_blocking(move || {
                // Some folders cannot be opened or synced. The file is in its place nevertheless.
                rename(&temporary).inspect(|target| drop(sync_folder(target)))
            });
            renamed.await.map_err(io::Error::other)?
        };
        let renamed = renamed.await.map_err(|error| unwritable(&self.target, error));
        self.renamed = renamed.is_ok();
        renamed
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.write_batch().await?;
        join(&mut self.writing).await?;
        join(&mut self.syncing).await?;
        let Some(file) = self.file.take() else { return Ok(()) };
        spawn_blocking(move || file.sync_data()).await.map_err(io::Error::other)?
    }
}

/// Waits for a task, if there is one.
async fn join(task: &mut Option<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    let Some(handle) = task else { return Ok(()) };
    let result = handle.await;
    *task = None;
    result.map_err(io::Error::other)?
}

/// Returns the metadata of the file that `target` names, if there is one. Rejects a target that exists and is not a
/// file, because the rename would replace it.
fn check_target(target: &Path) -> Result<Option<Metadata>> {
    let path = target.display();
    match std::fs::metadata(target) {
        Ok(metadata) if metadata.is_dir() => {
            Err(Error::invalid_argument("path", format!("is a directory: {path}; pass the path of a file")))
        }
        Ok(metadata) if !metadata.is_file() => Err(Error::invalid_argument(
            "path",
            format!("is a device, a pipe or a socket: {path}; read the output and write it there yourself"),
        )),
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // A link that leads in a circle, or that the system does not follow in a folder that others can write to.
        Err(error) => Err(unwritable(target, error)),
    }
}

/// Moves a file to the first path of `targets` that does not exist.
fn rename_to_new(temporary: &Path, mut targets: impl FnMut() -> PathBuf) -> io::Result<PathBuf> {
    loop {
        let target = targets();
        match claim(&target) {
            Ok(()) => return rename_to_claimed(temporary, target),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Creates an empty file, so that concurrent saves get different paths. Fails if the path exists.
fn claim(target: &Path) -> io::Result<()> {
    // Closed at once: not every file system of Windows replaces a file that is open.
    std::fs::OpenOptions::new().write(true).create_new(true).open(target).map(drop)
}

fn rename_to_claimed(temporary: &Path, target: PathBuf) -> io::Result<PathBuf> {
    match std::fs::rename(temporary, &target) {
        Ok(()) => Ok(target),
        Err(error) => {
            let _ = std::fs::remove_file(&target);
            Err(error)
        }
    }
}

/// Returns `true` if two files have the same content. An empty one may be a claim, to which another content is moved.
fn are_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (std::fs::File::open(one)?, std::fs::File::open(other)?);
    let length = one.metadata()?.len();
    if length == 0 || length != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (chunk, expected) = (one.fill_buf()?, other.fill_buf()?);
        let length = chunk.len().min(expected.len());
        if length == 0 || chunk[..length] != expected[..length] {
            return Ok(chunk.len() == expected.len() && length == 0);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// Syncs the folder of a file, so that its name survives a loss of power.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        drop(self.file.take());
        if !self.renamed {
            // Also after an abandoned `commit`. A failure is ignored: the caller gets the original error.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// Returns the text of an error without the code of the operating system.
pub(crate) fn without_code(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().map_or_else(String::new, str::to_owned)
}

fn unwritable(target: &Path, error: io::Error) -> Error {
    let advice = if error.kind() == io::ErrorKind::NotFound { "; create its folder first" } else { "" };
    let message = format!("cannot write {}: {}{advice}", target.display(), without_code(&error));
    Error::new(ErrorKind::FileNotWritten, message).with_source(error)
}

/// Returns `path` resolved against the working directory, which may change; unchanged if that directory no longer exists.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Returns `true` if `path` is the path of a file.
pub(crate) fn is_file(path: &str) -> bool {
    Path::new(path).is_file()
}

/// Creates a folder if it does not exist, and returns its absolute path and the names of its entries.
pub(crate) async fn create_folder(path: &Path) -> Result<(PathBuf, Vec<String>)> {
    let path = absolute(path.to_owned());
    let created = async {
        tokio::fs::create_dir_all(&path).await?;
        let mut entries = tokio::fs::read_dir(&path).await?;
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    };
    let names = created.await.map_err(|error: io::Error| {
        let message = format!("cannot create the folder {}: {}", path.display(), without_code(&error));
        Error::new(ErrorKind::FileNotWritten, message).with_source(error)
    })?;
    Ok((path, names))
}
